-- As fill.sql, for PostgreSQL: :history attempts that ended well in the last hours, :waiting retries over the next.

create temp table of_event as select e.* from events as e join deliveries as d on d.event = e.id where d.status = 'succeeded';
create temp table of_delivery as select * from deliveries where status = 'succeeded';
create temp table of_attempt as select a.* from attempts as a join of_delivery as d on d.id = a.delivery;
create temp table of_waiting_event as select e.* from events as e join queue as q on q.event = e.id;
create temp table of_waiting as select * from queue;

create temp table copies as
select i, %(since)s + i * %(span)s / %(history)s as time,
       lpad(to_hex(%(since)s + i * %(span)s / %(history)s), 12, '0') || lpad(to_hex(i), 16, '0') as id
from generate_series(0::bigint, %(history)s - 1) as i;

insert into events (id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, payload)
select 'evt_' || c.id, o.tenant, o.type, c.time, c.time, o.scope, null, o.changes, o.payload
from copies as c cross join of_event as o;

insert into attempts (id, tenant, delivery, endpoint, event, number, started_at, duration, outcome, status_code,
                      wire, body_head, body_tail, answer)
select 'att_' || c.id, o.tenant, 'dlv_' || c.id, o.endpoint, 'evt_' || c.id, o.number, c.time, o.duration, o.outcome,
       o.status_code, o.wire, o.body_head, o.body_tail, o.answer
from copies as c cross join of_attempt as o;

insert into deliveries (tenant, id, event, endpoint, type, status, attempts, created_at, ended_at, retry_of)
select o.tenant, 'dlv_' || c.id, 'evt_' || c.id, o.endpoint, o.type, o.status, o.attempts, c.time, c.time, null
from copies as c cross join of_delivery as o;

insert into events (id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, payload)
select 'evt_' || overlay(c.id placing 'f' from 13 for 1), o.tenant, o.type, c.time, c.time, o.scope, null, o.changes,
       o.payload
from copies as c cross join of_waiting_event as o where c.i < %(waiting)s;

insert into queue (tenant, id, event, endpoint, type, status, attempts, created_at, due_at, retry_of, worker, token)
select o.tenant, 'dlv_' || overlay(c.id placing 'f' from 13 for 1), 'evt_' || overlay(c.id placing 'f' from 13 for 1),
       o.endpoint, o.type, o.status, o.attempts, c.time, %(now)s + c.i * %(ahead)s / %(waiting)s, null, null, o.token
from copies as c cross join of_waiting as o where c.i < %(waiting)s
