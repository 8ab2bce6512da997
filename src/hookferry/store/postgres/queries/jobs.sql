-- name: jobs
select tenant, id, endpoint, which, since, until, event_types, but, scope, rate, total, created_at, cursor, next_at,
       status, done, skipped, cancelled, reason, ended_at
from jobs
where tenant = :tenant and id < :before and id >= :since and id < :until
  and (:endpoint::text is null or endpoint = :endpoint) and (:status::text is null or status = :status)
order by id desc limit :limit

-- name: step_of_job
-- A job that nobody else works at now.
select tenant, id, endpoint, which, since, until, event_types, but, scope, rate, total, created_at, cursor, next_at,
       status, done, skipped, cancelled, reason, ended_at
from jobs where tenant = ? and id = ? and status = 'running' for update skip locked

-- name: add_replays
insert into queue (tenant, id, event, endpoint, type, status, attempts, created_at, due_at, retry_of, worker, token, job)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[],
                     $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::integer[], $13::text[])

-- name: delivered_until
-- Where the next `limit` final deliveries of an endpoint end, NULL after the last one.
select max(id) from (
    select id from deliveries
    where endpoint = :endpoint and id > :cursor and id < :before order by id limit :limit
) as found

-- name: delivered
-- Of these the ones that a replay repeats: the last of each event, and none while another one waits.
select d.id, d.id, d.event, d.type, e.payload is not null, null::text
from deliveries as d
left join events as e on e.tenant = d.tenant and e.id = d.event
where d.endpoint = :endpoint and d.id > :cursor and d.id <= :last and d.tenant = :tenant
  and (:which::text = 'any' or d.status = :which)
  and (:event_types::text = '[]' or d.type in (select json_array_elements_text(:event_types::text::json)))
  and not exists (
    select 1 from deliveries as newer where newer.event = d.event and newer.endpoint = d.endpoint and newer.id > d.id
  )
  and not exists (select 1 from queue where queue.event = d.event and queue.endpoint = d.endpoint)
order by d.id

-- name: missed_until
-- Where the next `limit` events of a tenant end, NULL after the last one.
select max(id) from (
    select id from events where tenant = :tenant and id > :cursor and id < :before order by id limit :limit
) as found

-- name: missed
-- Of these the ones that no delivery was made of for an endpoint.
select e.id, null::text, e.id, e.type, e.payload is not null, e.scope
from events as e
where e.tenant = :tenant and e.id > :cursor and e.id <= :last
  and (:event_types::text = '[]' or e.type in (select json_array_elements_text(:event_types::text::json)))
  and e.type not in (select json_array_elements_text(:but::text::json))
  and not exists (select 1 from deliveries as d where d.event = e.id and d.endpoint = :endpoint)
  and not exists (select 1 from queue where queue.event = e.id and queue.endpoint = :endpoint)
order by e.id

-- name: lock_job
select tenant, id, endpoint, which, since, until, event_types, but, scope, rate, total, created_at, cursor, next_at,
       status, done, skipped, cancelled, reason, ended_at
from jobs where tenant = ? and id = ? for update

-- name: waiting_of_job
select tenant, id, event, endpoint, type, attempts, created_at, retry_of
from queue where job = ? and status in ('pending', 'held') limit ? for update skip locked
