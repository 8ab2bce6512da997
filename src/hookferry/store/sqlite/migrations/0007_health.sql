-- Endpoints in trouble: no row means well. Times are milliseconds since 1970; 0 has long passed.
create table health (
    endpoint         text    not null primary key,
    breaker          text    not null check (breaker in ('closed', 'open', 'half_open')),
    consecutive      integer not null,
    failing_since    integer,
    exhausted        integer not null,
    warned           integer not null,
    window_at        integer not null,
    window_failures  integer not null,
    window_successes integer not null,
    opened_at        integer,
    step             integer not null,
    probe_at         integer not null,
    recovered        integer not null,
    closed_at        integer not null,
    throttled_until  integer not null,
    ramp_at          integer not null
) without rowid;

-- A probe is the due retry that has the most attempts behind it.
create index queue_retries on queue (endpoint, attempts, due_at, id) where status = 'pending' and attempts > 0;
