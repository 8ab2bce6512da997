-- Replays, and what endpoints were when.

-- A job is worked off in small steps. `cursor` moves in the transaction that makes the deliveries.
create table jobs (
    tenant      text    collate "C" not null,
    id          text    collate "C" not null,
    endpoint    text    collate "C" not null,
    which       text    not null,
    since       bigint not null,
    until       bigint not null,
    event_types text    not null,
    but         text    not null,
    scope       text    not null,
    rate        double precision not null check (rate > 0),
    total       bigint not null,
    created_at  bigint not null,
    cursor      text    collate "C" not null,
    next_at     bigint not null,
    status      text    not null check (status in ('running', 'done', 'cancelled', 'failed')),
    done        bigint not null,
    skipped     bigint not null,
    cancelled   bigint not null,
    reason      text,
    ended_at    bigint check ((status = 'running') = (ended_at is null)),
    primary key (tenant, id)
);
create unique index jobs_running on jobs (endpoint) where status = 'running';

-- What a replay made, so that it can be cancelled with it. Null for all others: they touch no index of it.
alter table queue add column job text;
create index queue_by_job on queue (job, attempts) where job is not null;

-- Appended to in the transaction of each change. No secrets, no URLs.
create table endpoint_history (
    seq         bigint  not null generated always as identity primary key,
    endpoint    text    collate "C" not null,
    at          bigint not null,
    status      text    not null,
    event_types text    not null,
    scope       text    not null,
    reason      text
);
create index endpoint_history_by_endpoint on endpoint_history (endpoint, seq);

-- Of what they were before their last change nothing is known.
insert into endpoint_history (endpoint, at, status, event_types, scope, reason)
select id, updated_at, status, event_types, scope, disabled_reason from endpoints;
