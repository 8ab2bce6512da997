-- A batch's values come as one array for each column: one statement then does the work of many.

-- name: add_events
insert into events (id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, payload)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
                     $8::bytea[], $9::bytea[])

-- name: add_to_queue
insert into queue (tenant, id, event, endpoint, type, status, attempts, created_at, due_at, retry_of, worker, token)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[],
                     $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::integer[])

-- name: add_idempotency
-- One that has expired is replaced; one that another process has just added is left, and counted as missing.
insert into idempotency (tenant, key, fingerprint, event, deliveries, expires_at)
select * from unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::integer[], $6::bigint[])
on conflict (tenant, key) do update set fingerprint = excluded.fingerprint, event = excluded.event,
    deliveries = excluded.deliveries, expires_at = excluded.expires_at
where idempotency.expires_at <= excluded.expires_at - 86400000

-- name: find_idempotency
select fingerprint, event, deliveries from idempotency where tenant = $1 and key = $2 and expires_at > $3

-- name: still_fresh
-- What an ingest was planned on must hold: nothing of these tenants has changed since, and the worker that its
-- deliveries are leased to lives. The lock keeps it alive until the commit.
select 1 from workers
where id = $1 and not exists (select 1 from changes where tenant = any($2::text[]) and version > $3)
for key share

-- name: lives
-- The lock keeps it alive until the commit.
select 1 from workers where id = $1 for key share

-- name: lock_set
select pg_advisory_xact_lock(hashtextextended($1, 0))

-- name: in_set
select member from members_of_sets where tenant = $1 and rule = $2 and subject = $3 limit 1

-- name: join
insert into members_of_sets (tenant, rule, subject, member) values ($1, $2, $3, $4) on conflict do nothing

-- name: leave
delete from members_of_sets where tenant = $1 and rule = $2 and subject = $3 and member = $4

-- name: ours
-- Which of these leases no newer claim has fenced off: expiry alone refuses nothing.
select q.id from unnest($1::text[], $2::text[], $3::integer[]) as v (tenant, id, token)
join queue as q on q.tenant = v.tenant and q.id = v.id
where q.token = v.token
for update of q

-- name: remove_from_queue
delete from queue using unnest($1::text[], $2::text[]) as v (tenant, id)
where queue.tenant = v.tenant and queue.id = v.id

-- name: requeue
update queue set status = v.status, attempts = v.attempts, due_at = v.due_at, worker = null, token = token + 1
from unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[]) as v (tenant, id, status, attempts, due_at)
where queue.tenant = v.tenant and queue.id = v.id

-- name: add_deliveries
insert into deliveries (tenant, id, event, endpoint, type, status, attempts, created_at, ended_at, retry_of)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[],
                     $8::bigint[], $9::bigint[], $10::text[])

-- name: add_attempts
insert into attempts (id, tenant, delivery, endpoint, event, number, started_at, duration, outcome, status_code,
                      wire, body_head, body_tail, answer)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bigint[],
                     $8::double precision[], $9::text[], $10::integer[], $11::text[], $12::bytea[], $13::bytea[],
                     $14::bytea[])

-- name: disable_endpoint
update endpoints set status = 'disabled', disabled_reason = $1, updated_at = $2
where id = $3 and status in ('active', 'paused')

-- name: soonest
-- The earliest of the first to be due, and whether these are all: most often nobody need look any further.
with first as materialized (
    select endpoint, due_at from queue where status = 'pending' order by due_at limit 4096
)
select (select min(due_at) from first where endpoint <> all ($1::text[])), (select count(*) from first) < 4096

-- name: next_due
-- A skip scan: one seek for each endpoint that has something pending, however much that is.
with recursive lanes (endpoint) as (
    (select endpoint from queue where status = 'pending' order by endpoint limit 1)
    union all
    select (select endpoint from queue where status = 'pending' and queue.endpoint > lanes.endpoint
            order by endpoint limit 1)
    from lanes where lanes.endpoint is not null
)
select min((select due_at from queue where status = 'pending' and queue.endpoint = lanes.endpoint
            order by due_at limit 1))
from lanes where lanes.endpoint is not null and lanes.endpoint <> all ($1::text[])

-- name: claim
-- Round robin from the endpoint after the one where the last claim stopped. With little due, over the endpoints that
-- it is for; with much, by the same skip scan, which finds enough in the first of them. Over 10,000 endpoints that
-- all wait for a later time the skip scan alone took 100 ms.
with recursive first as materialized (
    select endpoint from queue where status = 'pending' and due_at <= $2 order by due_at limit 4096
), few (endpoint) as (
    select distinct endpoint from first where (select count(*) from first) < 4096 and endpoint > $1
), many (endpoint) as (
    (select endpoint from queue
     where status = 'pending' and endpoint > $1 and (select count(*) from first) = 4096
     order by endpoint limit 1)
    union all
    select (select endpoint from queue where status = 'pending' and queue.endpoint > many.endpoint
            order by endpoint limit 1)
    from many where many.endpoint is not null
), lanes as (
    (select endpoint from few order by endpoint) union all select endpoint from many
), due as (
    select due.tenant, due.id
    from lanes cross join lateral (
        select tenant, id from queue
        where status = 'pending' and queue.endpoint = lanes.endpoint and due_at <= $2
        order by due_at, id
        limit least($3, (select ceil(rate_limit / $7)::bigint from endpoints where id = lanes.endpoint))
        for update skip locked
    ) as due
    where lanes.endpoint is not null and lanes.endpoint <> all ($4::text[])
    limit $5
), claimed as (
    update queue set status = 'leased', worker = $6, token = token + 1
    from due where queue.tenant = due.tenant and queue.id = due.id
    returning queue.*
)
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.due_at, q.retry_of, q.token,
       e.occurred_at, e.created_at, e.idempotency_key, e.scope, e.changes, e.payload
from claimed as q left join events as e on e.tenant = q.tenant and e.id = q.event
order by q.endpoint, q.due_at, q.id

-- name: register
insert into workers (id, until, delivers) values ($1, $2, $3)
on conflict (id) do update set until = excluded.until, confirmed_at = now()

-- name: heartbeat
update workers set until = $2 where id = $1

-- name: lapsed
-- Locked before anything of theirs is freed: an ingest of theirs is then either seen or refused.
select id from workers where until <= $1 and id <> $2 for update

-- name: rescue
-- A lease is under the name of its worker with the number of the commit that made it: see `free_lost`. Nobody would
-- ever free the leases of a worker that has no row: a row goes only here, locked, when all of its leases are free.
update queue set status = 'pending', due_at = coalesce(due_at, $1), worker = null
where status = 'leased' and split_part(worker, '.', 1) in (select id from workers where until <= $1 and id <> $2)

-- name: free_lost
-- Leases of commits whose answer was lost, which their worker does not know of.
update queue set status = 'pending', due_at = coalesce(due_at, $1), worker = null
where status = 'leased' and worker = any($2::text[])

-- name: forget_workers
delete from workers where until <= $1 and id <> $2

-- name: leave_work
-- A worker that ends gives back what it still has.
update queue set status = 'pending', due_at = coalesce(due_at, $1), worker = null
where status = 'leased' and split_part(worker, '.', 1) = $2

-- name: hold
update queue set status = 'held', due_at = null
where (tenant, id) in (
    select q.tenant, q.id from endpoints as owner
    cross join lateral (
        select tenant, id from queue where queue.endpoint = owner.id and status = 'pending' limit $3
        for update skip locked
    ) as q
    where owner.status = 'paused' and owner.id between $1 and $2 limit $3
)

-- name: release
update queue set status = 'pending', due_at = $4
where (tenant, id) in (
    select q.tenant, q.id from
    (select distinct endpoint from queue where status = 'held' and endpoint between $1 and $2) as held
    join endpoints as owner on owner.id = held.endpoint and owner.status = 'active'
    cross join lateral (
        select tenant, id from queue where queue.endpoint = owner.id and status = 'held' limit $3
        for update skip locked
    ) as q
    limit $3
)

-- name: ended_pending
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.retry_of from endpoints as owner
cross join lateral (
    select * from queue where queue.endpoint = owner.id and status = 'pending' limit $3 for update skip locked
) as q
where owner.status in ('disabled', 'deleted') and owner.id between $1 and $2 limit $3

-- name: ended_held
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.retry_of from endpoints as owner
cross join lateral (
    select * from queue where queue.endpoint = owner.id and status = 'held' limit $3 for update skip locked
) as q
where owner.status in ('disabled', 'deleted') and owner.id between $1 and $2 limit $3

-- name: due_now
update queue set status = 'pending', due_at = $1 where tenant = $2 and id = $3 and status = 'pending'

-- name: backlog
select count(*) filter (where status = 'pending'), count(*) filter (where status = 'leased'),
       count(*) filter (where status = 'held')
from queue

-- name: probe
insert into facts (name, value) values ('probe', int8send($1::bigint))
on conflict (name) do update set value = excluded.value

-- name: notify
select pg_notify('hookferry', $1)
