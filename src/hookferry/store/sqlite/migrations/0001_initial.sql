-- Times are milliseconds since 1970. Ids are text and sort by the time they were made.
-- The queue is small: a row lives until its delivery is final, then settle moves it to the history.

create table tenants (
    id         text    not null primary key,
    name       text    not null,
    contract   text    not null,
    created_at integer not null
) without rowid;

create table endpoints (
    id              text    not null primary key,
    tenant          text    not null,
    url             text    not null,
    name            text    not null,
    event_types     text    not null check (json_valid(event_types)),
    scope           text    not null check (json_valid(scope)),
    status          text    not null check (status in ('active', 'paused', 'disabled', 'deleted')),
    timeout         real    check (timeout > 0),
    disabled_reason text,
    -- Secrets, the signing key and custom headers, encrypted; tenant and endpoint are bound to it.
    sealed          blob    not null,
    created_at      integer not null,
    updated_at      integer not null
) without rowid;

create table keys (
    id          text    not null primary key,
    digest      blob    not null unique check (length(digest) = 32),
    prefix      text    not null,
    name        text    not null,
    tenant      text,
    permissions text    not null check (json_valid(permissions)),
    created_at  integer not null,
    expires_at  integer,
    last_used_at integer
) without rowid;

create table event_types (
    name        text not null primary key,
    title       text not null,
    description text not null,
    schema      text check (schema is null or json_valid(schema)),
    example     text check (example is null or json_valid(example)),
    deprecated  integer not null check (deprecated in (0, 1))
) without rowid;

-- `seq` counts rows as they come, for retention: an alias of the row number that VACUUM keeps.
create table events (
    seq             integer primary key,
    id              text    not null,
    tenant          text    not null,
    type            text    not null,
    occurred_at     integer not null,
    created_at      integer not null,
    scope           text,
    idempotency_key text,
    changes         blob,
    payload         blob
);
create unique index events_by_tenant on events (tenant, id);
create index events_by_key on events (tenant, idempotency_key) where idempotency_key is not null;

create table idempotency (
    tenant      text    not null,
    key         text    not null,
    fingerprint blob    not null check (length(fingerprint) = 32),
    event       text    not null,
    deliveries  integer not null,
    expires_at  integer not null,
    primary key (tenant, key)
) without rowid;
create index idempotency_by_expiry on idempotency (expires_at);

create table queue (
    tenant     text    not null,
    id         text    not null,
    event      text    not null,
    endpoint   text    not null,
    type       text    not null,
    status     text    not null check (status in ('pending', 'leased', 'held')),
    attempts   integer not null check (attempts >= 0),
    created_at integer not null,
    due_at     integer check (status <> 'pending' or due_at is not null),
    retry_of   text,
    worker     text    check ((status = 'leased') = (worker is not null)),
    token      integer not null,
    primary key (tenant, id)
) without rowid;
-- Deliveries handed over in memory are born leased, so that neither index is touched on the happy path.
create index queue_due on queue (endpoint, due_at, id) where status = 'pending';
create index queue_held on queue (endpoint, id) where status = 'held';
create index queue_by_event on queue (event);

create table deliveries (
    seq        integer primary key,
    tenant     text    not null,
    id         text    not null,
    event      text    not null,
    endpoint   text    not null,
    type       text    not null,
    status     text    not null check (status in ('succeeded', 'failed', 'cancelled')),
    attempts   integer not null check (attempts >= 0),
    created_at integer not null,
    ended_at   integer not null,
    retry_of   text
);
create unique index deliveries_by_tenant on deliveries (tenant, id);
create index deliveries_by_endpoint on deliveries (endpoint, id);
create index deliveries_by_event on deliveries (event);
-- "What failed?" is the question that support asks: it must not read past millions of successes.
create index deliveries_unsuccessful on deliveries (tenant, status, id) where status <> 'succeeded';

create table attempts (
    seq         integer primary key,
    id          text    not null,
    tenant      text    not null,
    delivery    text    not null,
    endpoint    text    not null,
    event       text    not null,
    number      integer not null check (number > 0),
    started_at  integer not null,
    duration    real    not null,
    outcome     text    not null,
    status_code integer,
    -- Request line and headers, answer's headers, phases, address, detail: as JSON.
    wire        text    not null check (json_valid(wire)),
    -- A request's body that holds the event's payload is kept as what stands before and after it:
    -- the bytes are exact, and a payload of 8 KB is on disk once and not once more for each attempt.
    -- body_tail is null where the body holds no payload: then body_head is all of it.
    body_head   blob,
    body_tail   blob,
    answer      blob
);
create unique index attempts_by_delivery on attempts (delivery, number);
create index attempts_by_endpoint on attempts (endpoint, id);

create table workers (
    id    text    not null primary key,
    until integer not null
) without rowid;

create table facts (
    name  text not null primary key,
    value blob not null
) without rowid;
