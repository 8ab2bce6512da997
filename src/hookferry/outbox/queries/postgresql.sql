-- name: prepare
-- Whoever analysed the table while it was empty lets a backlog of 100,000 rows be sorted for each claim: 90 ms
-- instead of 0.7 by the index.
set local enable_sort = off;
set local idle_in_transaction_session_timeout = 0

-- name: claim
select id, tenant, type, payload, occurred_at, changes, scope,
       created_at < now() - interval '20 hours' as aged
from hookferry_outbox
where failed_at is null and tenant <> all($2::text[])
order by id
limit $1
for update skip locked

-- name: delete
delete from hookferry_outbox where id = any($1::text[])

-- name: fail
update hookferry_outbox as o
set failed_at = now(), error = f.error
from unnest($1::text[], $2::text[]) as f (id, error)
where o.id = f.id

-- name: failed
select id, tenant, type,
       to_char(failed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as failed_at,
       coalesce(error, '') as error
from hookferry_outbox
where failed_at is not null
order by id
limit $1

-- name: retry
update hookferry_outbox
set failed_at = null, error = null
where failed_at is not null and ($1::text is null or id = $1::text)
