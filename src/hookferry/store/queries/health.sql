-- Endpoints in trouble: the same on every backend.

-- name: healths
select endpoint, breaker, consecutive, failing_since, exhausted, warned, window_at, window_failures, window_successes,
       opened_at, step, probe_at, recovered, closed_at, throttled_until, ramp_at
from health

-- name: drop_health
delete from health where endpoint = ?

-- name: delete_tenants_health
delete from health where endpoint in (select id from endpoints where tenant = ?)
