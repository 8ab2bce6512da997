-- Endpoints in trouble: no row means well. Times are milliseconds since 1970; 0 has long passed.
create table health (
    endpoint         text   collate "C" not null primary key,
    breaker          text   not null check (breaker in ('closed', 'open', 'half_open')),
    consecutive      bigint not null,
    failing_since    bigint,
    exhausted        bigint not null,
    warned           bigint not null,
    window_at        bigint not null,
    window_failures  bigint not null,
    window_successes bigint not null,
    opened_at        bigint,
    step             bigint not null,
    probe_at         bigint not null,
    recovered        bigint not null,
    closed_at        bigint not null,
    throttled_until  bigint not null,
    ramp_at          bigint not null,
    -- Other machines read what has changed of late. No index: a row changes with each failure, and there are few.
    changed_at       bigint not null
) with (fillfactor = 50);

-- A probe is the due retry that has the most attempts behind it.
create index queue_retries on queue (endpoint, attempts, due_at, id) where status = 'pending' and attempts > 0;
