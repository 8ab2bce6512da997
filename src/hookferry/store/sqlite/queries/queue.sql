-- `:rows` stands for as many tuples as there are values; one statement then does the work of many,
-- and the interpreter's lock is let go once instead of once a row.

-- name: add_events
insert into events (id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, payload)
values :rows

-- name: add_to_queue
insert into queue (tenant, id, event, endpoint, type, status, attempts, created_at, due_at, retry_of, worker, token)
values :rows

-- name: add_idempotency
insert or replace into idempotency (tenant, key, fingerprint, event, deliveries, expires_at)
values :rows

-- name: find_idempotency
select fingerprint, event, deliveries from idempotency where tenant = ? and key = ? and expires_at > ?

-- name: in_set
select member from members_of_sets where tenant = ? and rule = ? and subject = ? limit 1

-- name: join
insert into members_of_sets (tenant, rule, subject, member) values (?, ?, ?, ?) on conflict do nothing

-- name: leave
delete from members_of_sets where tenant = ? and rule = ? and subject = ? and member = ?

-- name: ours
-- Which of these leases no newer claim has fenced off: expiry alone refuses nothing. `cross join` keeps the order: a row of three
-- values in `in (values ...)` matched no index and read the whole queue.
select json_group_array(q.id) from (values :rows) as v
cross join queue as q on q.tenant = v.column1 and q.id = v.column2
where q.token = v.column3

-- name: unpend
select json_group_array(q.id) from (values :rows) as v
cross join queue as q on q.tenant = v.column1 and q.id = v.column2
where q.token = v.column3 and q.status = 'pending'

-- name: remove_from_queue
delete from queue where (tenant, id) in (select v.column1, v.column2 from (values :rows) as v)

-- name: requeue
update queue set status = v.column3, attempts = v.column4, due_at = v.column5, worker = null, token = token + 1
from (values :rows) as v
where queue.tenant = v.column1 and queue.id = v.column2

-- name: lease
update queue set status = 'leased', worker = v.column3, token = v.column4
from (values :rows) as v
where queue.tenant = v.column1 and queue.id = v.column2

-- name: add_deliveries
insert into deliveries (tenant, id, event, endpoint, type, status, attempts, created_at, ended_at, retry_of)
values :rows

-- name: add_attempts
insert into attempts (id, tenant, delivery, endpoint, event, number, started_at, duration, outcome, status_code,
                      wire, body_head, body_tail, answer)
values :rows

-- name: disable_endpoint
update endpoints set status = 'disabled', disabled_reason = ?, updated_at = ? where id = ? and status in ('active', 'paused')

-- name: next_due
-- A skip scan: one seek for each endpoint that has something pending, however much that is.
with recursive lanes (endpoint) as (
    select min(endpoint) from queue where status = 'pending'
    union all
    select (select min(endpoint) from queue where status = 'pending' and endpoint > lanes.endpoint)
    from lanes where lanes.endpoint is not null
)
select min((select min(due_at) from queue where status = 'pending' and endpoint = lanes.endpoint))
from lanes where lanes.endpoint not in (select value from json_each(:skip))

-- name: claimable
-- The same skip scan, from the endpoint after the one where the last claim stopped. One row with all of them, as
-- JSON with bytes in hexadecimal digits: at each row that it steps to, the driver queues for the interpreter's
-- lock behind a busy loop. Row by row 1,000 a second were claimed under full load.
with recursive lanes (endpoint) as (
    select min(endpoint) from queue where status = 'pending' and endpoint > :after
    union all
    select (select min(endpoint) from queue where status = 'pending' and endpoint > lanes.endpoint)
    from lanes where lanes.endpoint is not null
)
select json_group_array(json_array(tenant, id, event, endpoint, type, attempts, created_at, due_at, retry_of, token,
                                   occurred_at, event_at, idempotency_key, scope, changes, payload))
from (
    select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.due_at, q.retry_of, q.token,
           e.occurred_at, e.created_at as event_at, e.idempotency_key, hex(e.scope) as scope,
           hex(e.changes) as changes, hex(e.payload) as payload
    from lanes
    cross join queue as q on (q.tenant, q.id) in (
            select tenant, id from (
                select tenant, id, row_number() over (order by due_at, id) as number from queue
                where status = 'pending' and endpoint = lanes.endpoint and due_at <= :now
                order by due_at, id limit :per_endpoint
            )
            where number < 1 + coalesce((select rate_limit from endpoints where id = lanes.endpoint), number)
        )
    left join events as e on e.tenant = q.tenant and e.id = q.event
    where lanes.endpoint not in (select value from json_each(:skip))
    limit :limit
)

-- name: heartbeat
insert into workers (id, until) values (?, ?) on conflict (id) do update set until = excluded.until

-- name: rescue
update queue set status = 'pending', due_at = coalesce(due_at, ?1), worker = null
where status = 'leased' and worker in (select id from workers where until <= ?1 and id <> ?2)

-- name: lapsed
select id from workers where until <= ? and id <> ? limit 1

-- name: forget_workers
delete from workers where until <= ? and id <> ?

-- name: free_leases
update queue set status = 'pending', due_at = coalesce(due_at, ?), worker = null
where status = 'leased'

-- name: forget_all_workers
delete from workers

-- name: hold
update queue set status = 'held', due_at = null
where (tenant, id) in (
    select q.tenant, q.id from endpoints as owner
    cross join queue as q on q.endpoint = owner.id and q.status = 'pending'
    where owner.status = 'paused' and owner.id between ?1 and ?2 limit ?3
)

-- name: release
update queue set status = 'pending', due_at = ?4
where (tenant, id) in (
    select q.tenant, q.id from endpoints as owner
    cross join queue as q on q.endpoint = owner.id and q.status = 'held'
    where owner.status = 'active' and owner.id between ?1 and ?2 limit ?3
)

-- name: ended_pending
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.retry_of from endpoints as owner
cross join queue as q on q.endpoint = owner.id and q.status = 'pending'
where owner.status in ('disabled', 'deleted') and owner.id between ?1 and ?2 limit ?3

-- name: ended_held
select q.tenant, q.id, q.event, q.endpoint, q.type, q.attempts, q.created_at, q.retry_of from endpoints as owner
cross join queue as q on q.endpoint = owner.id and q.status = 'held'
where owner.status in ('disabled', 'deleted') and owner.id between ?1 and ?2 limit ?3

-- name: due_now
update queue set status = 'pending', due_at = ? where tenant = ? and id = ? and status = 'pending'

-- name: backlog
select (select count(*) from queue where status = 'pending'), (select count(*) from queue where status = 'held'),
       (select count(*) from queue)

-- name: probe
insert into facts (name, value) values ('probe', ?) on conflict (name) do update set value = excluded.value
