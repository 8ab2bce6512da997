-- name: events
select id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, null
from events
where tenant = :tenant and id < :before and id >= :since and id < :until
  and (:type is null or type = :type)
order by id desc limit :limit

-- name: events_by_key
select id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, null
from events indexed by events_by_key
where tenant = :tenant and idempotency_key = :key and id < :before and id >= :since and id < :until
  and (:type is null or type = :type)
order by id desc limit :limit

-- name: event
select id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, payload
from events where tenant = ? and id = ?

-- name: waiting_deliveries
select id, tenant, event, endpoint, type, status, attempts, created_at, due_at, null, retry_of
from queue
where tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select value from json_each(:status))
  and (:endpoint is null or endpoint = :endpoint) and (:event is null or event = :event)
  and (:type is null or type = :type)
order by id desc limit :limit

-- name: waiting_deliveries_by_event
select id, tenant, event, endpoint, type, status, attempts, created_at, due_at, null, retry_of
from queue
where event = :event and tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select value from json_each(:status))
  and (:endpoint is null or endpoint = :endpoint) and (:type is null or type = :type)
order by id desc limit :limit

-- name: final_deliveries
select id, tenant, event, endpoint, type, status, attempts, created_at, null, ended_at, retry_of
from deliveries
where tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select value from json_each(:status))
  and (:endpoint is null or endpoint = :endpoint) and (:event is null or event = :event)
  and (:type is null or type = :type)
order by id desc limit :limit

-- name: final_deliveries_by_event
select id, tenant, event, endpoint, type, status, attempts, created_at, null, ended_at, retry_of
from deliveries indexed by deliveries_by_event
where event = :event and tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select value from json_each(:status))
  and (:endpoint is null or endpoint = :endpoint) and (:type is null or type = :type)
order by id desc limit :limit

-- name: final_deliveries_by_endpoint
select id, tenant, event, endpoint, type, status, attempts, created_at, null, ended_at, retry_of
from deliveries indexed by deliveries_by_endpoint
where endpoint = :endpoint and tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select value from json_each(:status))
  and (:event is null or event = :event) and (:type is null or type = :type)
order by id desc limit :limit

-- name: final_deliveries_by_status
select id, tenant, event, endpoint, type, status, attempts, created_at, null, ended_at, retry_of
from deliveries indexed by deliveries_unsuccessful
where tenant = :tenant and status <> 'succeeded' and status = :only
  and id < :before and id >= :since and id < :until
  and (:endpoint is null or endpoint = :endpoint) and (:event is null or event = :event)
  and (:type is null or type = :type)
order by id desc limit :limit

-- name: waiting_delivery
select id, tenant, event, endpoint, type, status, attempts, created_at, due_at, null, retry_of
from queue where tenant = ? and id = ?

-- name: final_delivery
select id, tenant, event, endpoint, type, status, attempts, created_at, null, ended_at, retry_of
from deliveries where tenant = ? and id = ?

-- name: attempts_by_delivery
select a.id, a.delivery, a.endpoint, a.number, a.started_at, a.duration, a.outcome, a.status_code, a.wire,
       a.body_head, a.body_tail, a.answer, e.payload
from attempts as a left join events as e on e.tenant = a.tenant and e.id = a.event
where a.delivery = :delivery and a.tenant = :tenant and a.id < :before and a.id >= :since and a.id < :until
  and (:endpoint is null or a.endpoint = :endpoint) and (:outcome is null or a.outcome = :outcome)
order by a.id desc limit :limit

-- name: attempts_by_endpoint
select a.id, a.delivery, a.endpoint, a.number, a.started_at, a.duration, a.outcome, a.status_code, a.wire,
       a.body_head, a.body_tail, a.answer, e.payload
from attempts as a left join events as e on e.tenant = a.tenant and e.id = a.event
where a.endpoint = :endpoint and a.tenant = :tenant and a.id < :before and a.id >= :since and a.id < :until
  and (:outcome is null or a.outcome = :outcome)
order by a.id desc limit :limit

-- name: count_attempts
select count(*) from (select 1 from attempts where endpoint = :endpoint and tenant = :tenant limit :most)

-- name: settled_ids
select a.endpoint, a.id from attempts as a
where a.endpoint in (select value from json_each(:endpoints)) and a.tenant = :tenant and a.id >= :since
order by a.id desc limit :most

-- name: settled_attempts
select a.id, a.delivery, a.endpoint, a.number, a.started_at, a.duration, a.outcome, a.wire, a.event,
       coalesce(e.type, '')
from json_each(:wanted) as v
join attempts as a on a.endpoint = json_extract(v.value, '$[0]') and a.id = json_extract(v.value, '$[1]')
left join events as e on e.tenant = a.tenant and e.id = a.event
where a.tenant = :tenant
