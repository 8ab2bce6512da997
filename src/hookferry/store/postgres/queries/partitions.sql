-- name: partitions
select name, parent, begins, ends, stripped from partitions order by begins, name

-- name: lock_partitions
select pg_advisory_xact_lock(hashtext('hookferry.partitions'))

-- name: add_partition
insert into partitions (name, parent, begins, ends) values ($1, $2, $3, $4) on conflict do nothing

-- name: forget_partition
delete from partitions where name = $1

-- name: stripped
update partitions set stripped = $2 where name = $1

-- name: waits_within
select 1 from queue where event >= $1 and event < $2 limit 1

-- name: prune_idempotency
delete from idempotency where (tenant, key) in (
    select tenant, key from idempotency where expires_at <= $1 limit $2
)

-- name: prune_events
delete from events where id in (
    select id from events where id >= $1 and id < $2
      and not exists (select 1 from queue where queue.event = events.id) order by id limit $3
) and id >= $1 and id < $2

-- name: prune_deliveries
delete from deliveries where id in (
    select id from deliveries where id >= $1 and id < $2 order by id limit $3
) and id >= $1 and id < $2

-- name: prune_attempts
delete from attempts where id in (
    select id from attempts where id >= $1 and id < $2
      and not exists (select 1 from queue where queue.tenant = attempts.tenant and queue.id = attempts.delivery)
    order by id limit $3
) and id >= $1 and id < $2

-- name: next_events
select max(id) from (select id from events where id > $1 and id < $2 order by id limit $3) as found

-- name: next_attempts
select max(id) from (select id from attempts where id > $1 and id < $2 order by id limit $3) as found

-- name: strip_events
update events set payload = null, changes = null
where id > $1 and id <= $2 and payload is not null
  and not exists (select 1 from queue where queue.event = events.id)

-- name: strip_attempts
update attempts set body_head = null, body_tail = null, answer = null
where id > $1 and id <= $2 and (body_head is not null or answer is not null)

-- name: leave_payloads
insert into left_payloads (id)
select id from events where id > $1 and id <= $2 and payload is not null on conflict do nothing

-- name: strip_left
with ended as (
    delete from left_payloads where id in (
        select id from left_payloads as l where not exists (select 1 from queue where queue.event = l.id)
        order by id limit $1
    ) returning id
)
update events set payload = null, changes = null from ended where events.id = ended.id and payload is not null
