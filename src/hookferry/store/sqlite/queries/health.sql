-- name: health_of
select endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures, window_successes,
       opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at
from health where endpoint in (select value from json_each(?))

-- name: health_to_probe
select endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures, window_successes,
       opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at
from health where endpoint = ?

-- name: add_health
insert into health (endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures,
                    window_successes, opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at)
values :rows on conflict do nothing

-- name: put_health
update health set breaker = v.column2, consecutive = v.column3, failing_since = v.column4, exhausted = v.column5,
    warned = v.column6, window_at = v.column7, window_failures = v.column8, window_successes = v.column9,
    opened_at = v.column10, step = v.column11, probe_at = v.column12, recovered = v.column13,
    closed_at = v.column14, throttled_until = v.column15, ramp_at = v.column16
from (values :rows) as v where health.endpoint = v.column1

-- name: due_of
select one.value from json_each(?) as one
where exists (select 1 from queue where status = 'pending' and endpoint = one.value and due_at <= ?)

-- name: retry_to_probe
-- The due retry with the most attempts behind it: a seek for each number of attempts that there is.
with recursive steps (attempts) as (
    select max(attempts) from queue where status = 'pending' and attempts > 0 and endpoint = :endpoint
    union all
    select (select max(queue.attempts) from queue
            where status = 'pending' and queue.attempts > 0 and endpoint = :endpoint and queue.attempts < steps.attempts)
    from steps where steps.attempts is not null
), due as (
    select (select id from queue where status = 'pending' and queue.attempts > 0 and endpoint = :endpoint
              and queue.attempts = steps.attempts and due_at <= :now order by due_at, id limit 1) as id, steps.attempts
    from steps
)
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.due_at, q.retry_of, q.token + 1,
       e.occurred_at, e.created_at, e.idempotency_key, e.scope, e.changes, e.payload
from due cross join queue as q on q.tenant = :tenant and q.id = due.id
left join events as e on e.tenant = q.tenant and e.id = q.event
order by due.attempts desc limit 1

-- name: first_to_probe
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.due_at, q.retry_of, q.token + 1,
       e.occurred_at, e.created_at, e.idempotency_key, e.scope, e.changes, e.payload
from queue as q left join events as e on e.tenant = q.tenant and e.id = q.event
where q.status = 'pending' and q.endpoint = :endpoint and q.due_at <= :now and q.tenant = :tenant
order by q.due_at, q.id limit 1
