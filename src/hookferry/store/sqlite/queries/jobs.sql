-- name: jobs
select tenant, id, endpoint, which, since, until, event_types, but, scope, rate, total, created_at, cursor, next_at,
       status, done, skipped, cancelled, reason, ended_at
from jobs
where tenant = :tenant and id < :before and id >= :since and id < :until
  and (:endpoint is null or endpoint = :endpoint) and (:status is null or status = :status)
order by id desc limit :limit

-- name: step_of_job
-- A job that nobody else works at now: one process owns the file.
select tenant, id, endpoint, which, since, until, event_types, but, scope, rate, total, created_at, cursor, next_at,
       status, done, skipped, cancelled, reason, ended_at
from jobs where tenant = ? and id = ? and status = 'running'

-- name: lock_job
select tenant, id, endpoint, which, since, until, event_types, but, scope, rate, total, created_at, cursor, next_at,
       status, done, skipped, cancelled, reason, ended_at
from jobs where tenant = ? and id = ?

-- name: waiting_of_job
select tenant, id, event, endpoint, type, attempts, created_at, retry_of
from queue where job = ? and status in ('pending', 'held') limit ?

-- name: add_replays
insert into queue (tenant, id, event, endpoint, type, status, attempts, created_at, due_at, retry_of, worker, token, job)
values :rows

-- name: delivered_until
-- Where the next `limit` final deliveries of an endpoint end, NULL after the last one.
select max(id) from (
    select id from deliveries indexed by deliveries_by_endpoint
    where endpoint = :endpoint and id > :cursor and id < :before order by id limit :limit
)

-- name: delivered
-- Of these the ones that a replay repeats: the last of each event, and none while another one waits. By its event:
-- by the endpoint's index each looked at all that came later, and a step over 10,000 took a second, not 10 ms.
select d.id, d.id, d.event, d.type, e.payload is not null, null
from deliveries as d indexed by deliveries_by_endpoint
left join events as e on e.tenant = d.tenant and e.id = d.event
where d.endpoint = :endpoint and d.id > :cursor and d.id <= :last and d.tenant = :tenant
  and (:which = 'any' or d.status = :which)
  and (:event_types = '[]' or d.type in (select value from json_each(:event_types)))
  and not exists (
    select 1 from deliveries as newer indexed by deliveries_by_event
    where newer.event = d.event and newer.endpoint = d.endpoint and newer.id > d.id
  )
  and not exists (
    select 1 from queue indexed by queue_by_event where queue.event = d.event and queue.endpoint = d.endpoint
  )
order by d.id

-- name: missed_until
-- Where the next `limit` events of a tenant end, NULL after the last one.
select max(id) from (
    select id from events where tenant = :tenant and id > :cursor and id < :before order by id limit :limit
)

-- name: missed
-- Of these the ones that no delivery was made of for an endpoint.
select e.id, null, e.id, e.type, e.payload is not null, e.scope
from events as e
where e.tenant = :tenant and e.id > :cursor and e.id <= :last
  and (:event_types = '[]' or e.type in (select value from json_each(:event_types)))
  and e.type not in (select value from json_each(:but))
  and not exists (
    select 1 from deliveries as d indexed by deliveries_by_event where d.event = e.id and d.endpoint = :endpoint
  )
  and not exists (
    select 1 from queue indexed by queue_by_event where queue.event = e.id and queue.endpoint = :endpoint
  )
order by e.id
