-- Two originals: an event that was delivered (waits = 0), and one that failed once and waits (waits = 1).
create temp table originals as
select 0 as waits, event, id as delivery from deliveries where status = 'succeeded'
union all
select 1, event, id from queue where status = 'pending' and attempts = 1;

create temp table event_originals as
select o.waits, e.* from originals as o join events as e on e.id = o.event;

create temp table attempt_originals as
select o.waits, a.* from originals as o join attempts as a on a.delivery = o.delivery;

create temp table queue_originals as
select o.waits, q.* from originals as o join queue as q on q.id = o.delivery;

create temp table delivery_originals as
select o.waits, d.* from originals as o join deliveries as d on d.id = o.delivery;

-- One row a copy, with its time and its ids.
create temp table copies as
with recursive numbers (i) as (
    select 0 union all select i + 1 from numbers where i + 1 < :history
)
select i, i >= :history - :waiting as waits,
    :since + i * :span / :history as time,
    printf('%012x%016x', :since + i * :span / :history, i) as id
from numbers;

insert into events (id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, payload)
select 'evt_' || c.id, o.tenant, o.type, c.time, c.time, o.scope, null, o.changes, o.payload
from copies as c cross join event_originals as o where o.waits = c.waits;

insert into attempts (id, tenant, delivery, endpoint, event, number, started_at, duration, outcome, status_code,
                      wire, body_head, body_tail, answer)
select 'att_' || c.id, o.tenant, 'dlv_' || c.id, o.endpoint, 'evt_' || c.id, o.number, c.time, o.duration, o.outcome,
       o.status_code, o.wire, o.body_head, o.body_tail, o.answer
from copies as c cross join attempt_originals as o where o.waits = c.waits;

insert into deliveries (tenant, id, event, endpoint, type, status, attempts, created_at, ended_at, retry_of)
select o.tenant, 'dlv_' || c.id, 'evt_' || c.id, o.endpoint, o.type, o.status, o.attempts, c.time, c.time, null
from copies as c cross join delivery_originals as o where o.waits = c.waits;

-- Due over the next hours, as after a long outage: some in each second fail and wait again while others are measured.
insert into queue (tenant, id, event, endpoint, type, status, attempts, created_at, due_at, retry_of, worker, token)
select o.tenant, 'dlv_' || c.id, 'evt_' || c.id, o.endpoint, o.type, o.status, o.attempts, c.time,
       :now + (:history - c.i) * :ahead / :waiting, null, null, o.token
from copies as c cross join queue_originals as o where o.waits = c.waits;
