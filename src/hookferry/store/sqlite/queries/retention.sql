-- Each scan has `NAME_until`, the last old row of the next `limit` ones, NULL if none of them is old; `NAME`,
-- what becomes of the rows up to there; and perhaps `NAME_then`, what else has to be done for them.
-- Rows are appended as time goes by, unless a clock went wrong.

-- name: prune_attempts_until
select max(seq) from (
    select seq, started_at from attempts where seq > :after order by seq limit :limit
) where started_at < :before

-- name: prune_attempts
delete from attempts where seq > :after and seq <= :last and started_at < :before
  and not exists (select 1 from queue where queue.tenant = attempts.tenant and queue.id = attempts.delivery)

-- name: prune_deliveries_until
select max(seq) from (
    select seq, ended_at from deliveries where seq > :after order by seq limit :limit
) where ended_at < :before

-- name: prune_deliveries
delete from deliveries where seq > :after and seq <= :last and ended_at < :before

-- name: prune_events_until
select max(seq) from (
    select seq, created_at from events where seq > :after order by seq limit :limit
) where created_at < :before

-- name: prune_events
delete from events where seq > :after and seq <= :last and created_at < :before
  and not exists (select 1 from queue where queue.event = events.id)

-- name: prune_payloads_until
select max(seq) from (
    select seq, created_at from events where seq > :after order by seq limit :limit
) where created_at < :before

-- name: prune_payloads
update events set payload = null, changes = null
where seq > :after and seq <= :last and created_at < :before and payload is not null
  and not exists (select 1 from queue where queue.event = events.id)

-- name: prune_payloads_then
insert or ignore into left_payloads (seq)
select seq from events where seq > :after and seq <= :last and payload is not null

-- name: prune_left_payloads_until
select max(seq) from (select seq from left_payloads where seq > :after order by seq limit :limit)

-- name: prune_left_payloads
update events set payload = null, changes = null
where seq in (select seq from left_payloads where seq > :after and seq <= :last)
  and created_at < :before and payload is not null
  and not exists (select 1 from queue where queue.event = events.id)

-- name: prune_left_payloads_then
delete from left_payloads where seq > :after and seq <= :last
  and not exists (select 1 from events where events.seq = left_payloads.seq and payload is not null)

-- name: prune_attempt_bodies_until
select max(seq) from (
    select seq, started_at from attempts where seq > :after order by seq limit :limit
) where started_at < :before

-- name: prune_attempt_bodies
update attempts set body_head = null, body_tail = null, answer = null
where seq > :after and seq <= :last and started_at < :before and (body_head is not null or answer is not null)

-- name: prune_idempotency
delete from idempotency where (tenant, key) in (
    select tenant, key from idempotency where expires_at <= :now limit :limit
)

-- name: newest_event
select coalesce(max(seq), 0) from events

-- name: newest_attempt
select coalesce(max(seq), 0) from attempts

-- name: watermark
select value from facts where name = ?

-- name: lower_watermark
update facts set value = :newest where name = :name and value > :newest

-- name: put_watermark
insert into facts (name, value) values (?, ?) on conflict (name) do update set value = excluded.value
