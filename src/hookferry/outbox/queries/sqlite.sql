-- name: claim
select cast(id as text), cast(tenant as text), cast(type as text), cast(payload as text),
       cast(occurred_at as text), cast(changes as text), cast(scope as text),
       created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-20 hours')
from hookferry_outbox
where failed_at is null and tenant not in (select value from json_each(:without))
order by id
limit :limit

-- name: delete
delete from hookferry_outbox where id = ?

-- name: fail
update hookferry_outbox set failed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), error = ? where id = ?

-- name: failed
select id, tenant, type, failed_at, coalesce(error, '')
from hookferry_outbox
where failed_at is not null
order by id
limit ?

-- name: retry
update hookferry_outbox
set failed_at = null, error = null
where failed_at is not null and (:id is null or id = :id)
