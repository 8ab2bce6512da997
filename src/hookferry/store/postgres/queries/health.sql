-- name: health_of
-- In one order for everybody, so that no two wait for each other.
select endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures, window_successes,
       opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at
from health where endpoint = any(array(select json_array_elements_text($1::text::json)))
order by endpoint for update

-- name: health_to_probe
select endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures, window_successes,
       opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at
from health where endpoint = $1 for update skip locked

-- name: add_health
insert into health (endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures,
                    window_successes, opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at, changed_at)
select *, (extract(epoch from clock_timestamp()) * 1000)::bigint
from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
            $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
            $16::bigint[])
on conflict do nothing

-- name: put_health
update health set breaker = v.breaker, consecutive = v.consecutive, failing_since = v.failing_since,
    exhausted = v.exhausted, warned = v.warned, window_at = v.window_at, window_failures = v.window_failures,
    window_successes = v.window_successes, opened_at = v.opened_at, step = v.step, probe_at = v.probe_at,
    recovered = v.recovered, closed_at = v.closed_at, throttled_until = v.throttled_until, ramp_at = v.ramp_at,
    changed_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
            $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
            $16::bigint[])
    as v (endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures,
          window_successes, opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at)
where health.endpoint = v.endpoint

-- name: healths_since
select endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures, window_successes,
       opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at
from health where changed_at > $1

-- name: due_of
select one.value from json_array_elements_text($1::text::json) as one (value)
where exists (select 1 from queue where status = 'pending' and endpoint = one.value and due_at <= $2)

-- name: retry_to_probe
-- The due retry with the most attempts behind it: a seek for each number of attempts that there is.
with recursive steps (attempts) as (
    (select attempts from queue where status = 'pending' and attempts > 0 and endpoint = :endpoint
     order by attempts desc limit 1)
    union all
    select (select queue.attempts from queue
            where status = 'pending' and queue.attempts > 0 and endpoint = :endpoint and queue.attempts < steps.attempts
            order by queue.attempts desc limit 1)
    from steps where steps.attempts is not null
)
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.due_at, q.retry_of, q.token + 1,
       e.occurred_at, e.created_at, e.idempotency_key, e.scope, e.changes, e.payload
from steps
cross join lateral (
    select * from queue where status = 'pending' and queue.attempts > 0 and endpoint = :endpoint
      and queue.attempts = steps.attempts and due_at <= :now and tenant = :tenant
    order by due_at, id limit 1 for update skip locked
) as q
left join events as e on e.tenant = q.tenant and e.id = q.event
order by q.attempts desc limit 1

-- name: first_to_probe
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.due_at, q.retry_of, q.token + 1,
       e.occurred_at, e.created_at, e.idempotency_key, e.scope, e.changes, e.payload
from (
    select * from queue where status = 'pending' and endpoint = :endpoint and due_at <= :now and tenant = :tenant
    order by due_at, id limit 1 for update skip locked
) as q
left join events as e on e.tenant = q.tenant and e.id = q.event

-- name: lease
update queue set status = 'leased', worker = v.worker, token = v.token
from unnest($1::text[], $2::text[], $3::text[], $4::integer[]) as v (tenant, id, worker, token)
where queue.tenant = v.tenant and queue.id = v.id
