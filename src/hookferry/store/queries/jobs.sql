-- Replays and the history of endpoints: the same on every backend.

-- name: add_job
insert into jobs (tenant, id, endpoint, which, since, until, event_types, but, scope, rate, total, created_at, cursor,
                  next_at, status, done, skipped, cancelled, reason, ended_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict do nothing

-- name: job
select tenant, id, endpoint, which, since, until, event_types, but, scope, rate, total, created_at, cursor, next_at,
       status, done, skipped, cancelled, reason, ended_at
from jobs where tenant = ? and id = ?

-- name: running_jobs
select tenant, id from jobs where status = 'running'

-- name: put_progress
update jobs set cursor = ?, next_at = ?, status = ?, done = ?, skipped = ?, cancelled = ?, reason = ?, ended_at = ?
where tenant = ? and id = ?

-- name: delete_tenants_jobs
delete from jobs where tenant = ?

-- name: untried_of_job
select count(*) from (select 1 from queue where job = ? and attempts = 0 limit ?) as untried

-- name: status_of_endpoint
select status from endpoints where id = ?

-- name: note_endpoint
insert into endpoint_history (endpoint, at, status, event_types, scope, reason)
select id, updated_at, status, event_types, scope, disabled_reason from endpoints where id = ?

-- name: note_tenants_endpoints
-- What is about to be deleted with its tenant.
insert into endpoint_history (endpoint, at, status, event_types, scope)
select id, cast(? as bigint), 'deleted', event_types, scope from endpoints where tenant = ? and status <> 'deleted'

-- name: endpoint_history
select at, status, event_types, scope, reason from endpoint_history where endpoint = ? order by seq
