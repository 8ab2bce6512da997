-- name: events
select id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, null::bytea
from events
where tenant = :tenant and id < :before and id >= :since and id < :until
  and (:type::text is null or type = :type)
order by id desc limit :limit

-- name: events_by_key
select id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, null::bytea
from events
where tenant = :tenant and idempotency_key = :key and id < :before and id >= :since and id < :until
  and (:type::text is null or type = :type)
order by id desc limit :limit

-- name: event
select id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, payload
from events where tenant = $1 and id = $2

-- name: waiting_deliveries
select id, tenant, event, endpoint, type, status, attempts, created_at, due_at, null::bigint, retry_of
from queue
where tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select json_array_elements_text(:status::text::json))
  and (:endpoint::text is null or endpoint = :endpoint) and (:event::text is null or event = :event)
  and (:type::text is null or type = :type)
order by id desc limit :limit

-- name: waiting_deliveries_by_event
select id, tenant, event, endpoint, type, status, attempts, created_at, due_at, null::bigint, retry_of
from queue
where event = :event and tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select json_array_elements_text(:status::text::json))
  and (:endpoint::text is null or endpoint = :endpoint) and (:type::text is null or type = :type)
order by id desc limit :limit

-- name: final_deliveries
select id, tenant, event, endpoint, type, status, attempts, created_at, null::bigint, ended_at, retry_of
from deliveries
where tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select json_array_elements_text(:status::text::json))
  and (:endpoint::text is null or endpoint = :endpoint) and (:event::text is null or event = :event)
  and (:type::text is null or type = :type)
order by id desc limit :limit

-- name: final_deliveries_by_event
select id, tenant, event, endpoint, type, status, attempts, created_at, null::bigint, ended_at, retry_of
from deliveries
where event = :event and tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select json_array_elements_text(:status::text::json))
  and (:endpoint::text is null or endpoint = :endpoint) and (:type::text is null or type = :type)
order by id desc limit :limit

-- name: final_deliveries_by_endpoint
select id, tenant, event, endpoint, type, status, attempts, created_at, null::bigint, ended_at, retry_of
from deliveries
where endpoint = :endpoint and tenant = :tenant and id < :before and id >= :since and id < :until
  and status in (select json_array_elements_text(:status::text::json))
  and (:event::text is null or event = :event) and (:type::text is null or type = :type)
order by id desc limit :limit

-- name: final_deliveries_by_status
select id, tenant, event, endpoint, type, status, attempts, created_at, null::bigint, ended_at, retry_of
from deliveries
where tenant = :tenant and status <> 'succeeded' and status = :only
  and id < :before and id >= :since and id < :until
  and (:endpoint::text is null or endpoint = :endpoint) and (:event::text is null or event = :event)
  and (:type::text is null or type = :type)
order by id desc limit :limit

-- name: waiting_delivery
select id, tenant, event, endpoint, type, status, attempts, created_at, due_at, null::bigint, retry_of
from queue where tenant = $1 and id = $2

-- name: final_delivery
select id, tenant, event, endpoint, type, status, attempts, created_at, null::bigint, ended_at, retry_of
from deliveries where tenant = $1 and id = $2

-- name: attempts_by_delivery
select a.id, a.delivery, a.endpoint, a.number, a.started_at, a.duration, a.outcome, a.status_code, a.wire,
       a.body_head, a.body_tail, a.answer, e.payload
from attempts as a left join events as e on e.tenant = a.tenant and e.id = a.event
where a.delivery = :delivery and a.tenant = :tenant and a.id < :before and a.id >= :since and a.id < :until
  and (:endpoint::text is null or a.endpoint = :endpoint) and (:outcome::text is null or a.outcome = :outcome)
order by a.id desc limit :limit

-- name: attempts_by_endpoint
select a.id, a.delivery, a.endpoint, a.number, a.started_at, a.duration, a.outcome, a.status_code, a.wire,
       a.body_head, a.body_tail, a.answer, e.payload
from attempts as a left join events as e on e.tenant = a.tenant and e.id = a.event
where a.endpoint = :endpoint and a.tenant = :tenant and a.id < :before and a.id >= :since and a.id < :until
  and (:outcome::text is null or a.outcome = :outcome)
order by a.id desc limit :limit

-- name: count_attempts
select count(*) from (select 1 from attempts where endpoint = :endpoint and tenant = :tenant limit :most) as found

-- name: settled_ids
select a.endpoint, a.id from attempts as a
where a.endpoint = any(array(select json_array_elements_text(:endpoints::text::json))) and a.tenant = :tenant and a.id >= :since
order by a.id desc limit :most

-- name: settled_attempts
-- `offset 0`: one by one, by index, whatever the statistics say.
select a.id, a.delivery, a.endpoint, a.number, a.started_at, a.duration, a.outcome, a.wire, a.event,
       coalesce(e.type, '')
from json_array_elements(:wanted::text::json) as v
cross join lateral (
    select * from attempts where endpoint = v ->> 0 and id = v ->> 1 and tenant = :tenant offset 0
) as a
left join events as e on e.tenant = a.tenant and e.id = a.event
