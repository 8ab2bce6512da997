-- Times are milliseconds since 1970. Ids are text and sort, byte by byte, by the time they were made.
-- The queue is small: a row lives until its delivery is final, then settle moves it to the history.

create table facts (
    name  text  not null primary key,
    value bytea not null
);

create table tenants (
    id               text   not null primary key,
    name             text   not null,
    contract         text   not null,
    created_at       bigint not null,
    features         text   not null default '[]',
    contract_version text   not null default ''
);

create table endpoints (
    id              text   collate "C" not null primary key,
    tenant          text   not null,
    url             text   not null,
    name            text   not null,
    event_types     text   not null,
    scope           text   not null,
    status          text   not null check (status in ('active', 'paused', 'disabled', 'deleted')),
    timeout         double precision check (timeout > 0),
    disabled_reason text,
    -- Secrets, the signing key and custom headers, encrypted; tenant and endpoint are bound to it.
    sealed          bytea  not null,
    created_at      bigint not null,
    updated_at      bigint not null
);
-- Contracts may want a URL once within a tenant. A URL may be longer than an index takes.
create index endpoints_by_url on endpoints (tenant, md5(url)) where status <> 'deleted';
create index endpoints_not_active on endpoints (id) where status <> 'active';

create table alerts (
    tenant      text    not null,
    id          text    not null,
    name        text    not null,
    message     text    not null,
    event_types text    not null,
    scope       text    not null,
    -- Ids of endpoints that are not deleted, as JSON.
    endpoints   text    not null,
    active      integer not null check (active in (0, 1)),
    created_at  bigint  not null,
    updated_at  bigint  not null,
    primary key (tenant, id)
);

create table members_of_sets (
    tenant  text not null,
    rule    text not null,
    subject text not null,
    member  text not null,
    primary key (tenant, rule, subject, member)
);

create table keys (
    id           text   not null primary key,
    digest       bytea  not null unique check (length(digest) = 32),
    prefix       text   not null,
    name         text   not null,
    tenant       text,
    permissions  text   not null,
    created_at   bigint not null,
    expires_at   bigint,
    last_used_at bigint,
    -- A member's key has no permissions of its own: its member's role says them.
    member       text
);

create table roles (
    id          text   not null primary key,
    tenant      text   not null,
    name        text   not null,
    permissions text   not null,
    created_at  bigint not null
);

create table members (
    id         text   not null primary key,
    tenant     text   not null,
    name       text   not null,
    email      text,
    role       text   not null,
    created_at bigint not null
);

create table event_types (
    name        text    not null primary key,
    title       text    not null,
    description text    not null,
    schema      text,
    example     text,
    deprecated  integer not null check (deprecated in (0, 1))
);

create table contracts (
    version     text   not null primary key check (length(version) = 12),
    name        text   not null,
    text        text   not null,
    vectors     text,
    uploaded_at bigint
);

-- What every machine has in memory: whoever changes it notes what has changed. The lock makes the numbers
-- rise in the order of the commits, so that to have seen one is to have seen all before it.

create sequence changes_version;

create table changes (
    version bigint not null primary key default nextval('changes_version'),
    kind    text   not null,
    id      text   not null,
    tenant  text   not null,
    at      timestamptz not null default now()
);
create index changes_by_tenant on changes (tenant, version);

create function note_change() returns trigger language plpgsql as $$
declare
    changed jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
    perform pg_advisory_xact_lock(hashtext('hookferry.changes'));
    insert into changes (kind, id, tenant) values (
        tg_table_name,
        case tg_table_name when 'event_types' then changed ->> 'name' when 'contracts' then changed ->> 'name'
                           else changed ->> 'id' end,
        coalesce(case tg_table_name when 'tenants' then changed ->> 'id' else changed ->> 'tenant' end, '')
    );
    perform pg_notify('hookferry', 'changes');
    return null;
end
$$;

create trigger note_change after insert or update or delete on tenants
for each row execute function note_change();
create trigger note_change after insert or update or delete on endpoints
for each row execute function note_change();
create trigger note_change after insert or update or delete on alerts
for each row execute function note_change();
create trigger note_change after insert or delete on keys
for each row execute function note_change();
create trigger note_change after insert or update or delete on roles
for each row execute function note_change();
create trigger note_change after insert or update or delete on members
for each row execute function note_change();
create trigger note_change after insert or update or delete on event_types
for each row execute function note_change();
create trigger note_change after insert or update or delete on contracts
for each row execute function note_change();

-- A worker's life: `until` is its lease, `seen` the last change that it has in memory, `confirmed_at` when it
-- last asked.
create table workers (
    id           text   not null primary key,
    until        bigint not null,
    seen         bigint not null default 0,
    delivers     boolean not null default true,
    confirmed_at timestamptz not null default now()
) with (fillfactor = 50);

create table idempotency (
    tenant      text    not null,
    key         text    not null,
    fingerprint bytea   not null check (length(fingerprint) = 32),
    event       text    not null,
    deliveries  integer not null,
    expires_at  bigint  not null,
    primary key (tenant, key)
);
create index idempotency_by_expiry on idempotency (expires_at);

-- Rows live for milliseconds: vacuumed often and without rest, so that claims do not step over the dead.
create table queue (
    tenant     text    collate "C" not null,
    id         text    collate "C" not null,
    event      text    collate "C" not null,
    endpoint   text    collate "C" not null,
    type       text    not null,
    status     text    not null check (status in ('pending', 'leased', 'held')),
    attempts   integer not null check (attempts >= 0),
    created_at bigint  not null,
    due_at     bigint  check (status <> 'pending' or due_at is not null),
    retry_of   text,
    worker     text    check ((status = 'leased') = (worker is not null)),
    token      integer not null,
    primary key (tenant, id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.1);
-- Deliveries handed over in memory are born leased, so that no index but the key and the event's is touched.
create index queue_due on queue (endpoint, due_at, id) where status = 'pending';
create index queue_soonest on queue (due_at, endpoint) where status = 'pending';
create index queue_held on queue (endpoint, id) where status = 'held';
create index queue_by_event on queue (event);

-- The history is in partitions by time, which ids carry: retention drops them whole.

create table events (
    id              text   collate "C" not null,
    tenant          text   collate "C" not null,
    type            text   not null,
    occurred_at     bigint not null,
    created_at      bigint not null,
    scope           text,
    idempotency_key text,
    changes         bytea,
    payload         bytea,
    primary key (tenant, id)
) partition by range (id);
create index events_by_key on events (tenant, idempotency_key) where idempotency_key is not null;
create table events_other partition of events default;

create table deliveries (
    tenant     text    collate "C" not null,
    id         text    collate "C" not null,
    event      text    collate "C" not null,
    endpoint   text    collate "C" not null,
    type       text    not null,
    status     text    not null check (status in ('succeeded', 'failed', 'cancelled')),
    attempts   integer not null check (attempts >= 0),
    created_at bigint  not null,
    ended_at   bigint  not null,
    retry_of   text,
    primary key (tenant, id)
) partition by range (id);
create index deliveries_by_endpoint on deliveries (endpoint, id);
create index deliveries_by_event on deliveries (event);
-- "What failed?" is the question that support asks: it must not read past millions of successes.
create index deliveries_unsuccessful on deliveries (tenant, status, id) where status <> 'succeeded';
create table deliveries_other partition of deliveries default;

create table attempts (
    id          text    collate "C" not null,
    tenant      text    collate "C" not null,
    delivery    text    collate "C" not null,
    endpoint    text    collate "C" not null,
    event       text    collate "C" not null,
    number      integer not null check (number > 0),
    started_at  bigint  not null,
    duration    double precision not null,
    outcome     text    not null,
    status_code integer,
    -- Request line and headers, answer's headers, phases, address, detail: as JSON.
    wire        text    not null,
    -- A request's body that holds the event's payload is kept as what stands before and after it:
    -- the bytes are exact, and a payload of 8 KB is on disk once and not once more for each attempt.
    -- body_tail is null where the body holds no payload: then body_head is all of it.
    body_head   bytea,
    body_tail   bytea,
    answer      bytea
) partition by range (id);
create index attempts_by_delivery on attempts (delivery, number);
create index attempts_by_endpoint on attempts (endpoint, id);
create table attempts_other partition of attempts default;

-- `stripped` is the id up to which bodies were taken from a partition, where they go earlier than the rest.
create table partitions (
    name     text   not null primary key,
    parent   text   not null,
    begins   bigint not null,
    ends     bigint not null,
    stripped text   collate "C" not null default ''
);

-- Events whose payloads outlived their retention because they still waited: they go once they do not.
create table left_payloads (
    id text collate "C" not null primary key
);
