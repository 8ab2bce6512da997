-- Replays, and what endpoints were when.

-- A job is worked off in small steps. `cursor` moves in the transaction that makes the deliveries.
create table jobs (
    tenant      text    not null,
    id          text    not null,
    endpoint    text    not null,
    which       text    not null,
    since       integer not null,
    until       integer not null,
    event_types text    not null check (json_valid(event_types)),
    but         text    not null check (json_valid(but)),
    scope       text    not null check (json_valid(scope)),
    rate        real    not null check (rate > 0),
    total       integer not null,
    created_at  integer not null,
    cursor      text    not null,
    next_at     integer not null,
    status      text    not null check (status in ('running', 'done', 'cancelled', 'failed')),
    done        integer not null,
    skipped     integer not null,
    cancelled   integer not null,
    reason      text,
    ended_at    integer check ((status = 'running') = (ended_at is null)),
    primary key (tenant, id)
) without rowid;
create unique index jobs_running on jobs (endpoint) where status = 'running';

-- What a replay made, so that it can be cancelled with it. Null for all others: they touch no index of it.
alter table queue add column job text;
create index queue_by_job on queue (job, attempts) where job is not null;

-- Appended to in the transaction of each change. No secrets, no URLs.
create table endpoint_history (
    seq         integer primary key,
    endpoint    text    not null,
    at          integer not null,
    status      text    not null,
    event_types text    not null check (json_valid(event_types)),
    scope       text    not null check (json_valid(scope)),
    reason      text
);
create index endpoint_history_by_endpoint on endpoint_history (endpoint, seq);

-- Of what they were before their last change nothing is known.
insert into endpoint_history (endpoint, at, status, event_types, scope, reason)
select id, updated_at, status, event_types, scope, disabled_reason from endpoints;
