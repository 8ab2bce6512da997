-- Events that `hookferry outbox relay` takes to Hookferry. A row goes once its event is stored there.
create table if not exists hookferry_outbox (
    id text collate "C" primary key, -- the idempotency key of its event
    tenant text not null,
    type text not null,
    payload text not null, -- JSON, kept byte for byte
    occurred_at text, -- ISO 8601 with an offset
    changes text, -- JSON
    scope text, -- JSON
    created_at timestamptz not null default now(),
    failed_at timestamptz, -- when Hookferry refused it, until `hookferry outbox retry`
    error text -- why
);

create index if not exists hookferry_outbox_waiting on hookferry_outbox (id) where failed_at is null;
create index if not exists hookferry_outbox_failed on hookferry_outbox (id) where failed_at is not null;
