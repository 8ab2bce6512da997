-- The usual batch in one statement, which is its own transaction: five or six, with a way to the database each,
-- took half as much again of both processors.

-- name: store_all
-- Events without idempotency keys and followers. Nothing is stored unless what they were planned on still holds:
-- see `still_fresh`.
with fresh as materialized (
    select 1 from workers
    where id = $1 and not exists (select 1 from changes where tenant = any($2::text[]) and version > $3)
    for key share
), added as (
    insert into events (id, tenant, type, occurred_at, created_at, scope, idempotency_key, changes, payload)
    select v.* from fresh cross join unnest(
        $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::bytea[],
        $12::bytea[]
    ) as v
), queued as (
    insert into queue (tenant, id, event, endpoint, type, status, attempts, created_at, due_at, retry_of, worker,
                       token)
    select v.* from fresh cross join unnest(
        $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::integer[],
        $20::bigint[], $21::bigint[], $22::text[], $23::text[], $24::integer[]
    ) as v
)
select count(*) from fresh

-- name: succeed_all
-- First attempts and retries that succeeded; those whose lease a newer claim has fenced off are left out.
with ended as (
    delete from queue using unnest(
        $1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::bigint[],
        $9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::double precision[], $14::text[], $15::integer[],
        $16::text[], $17::bytea[], $18::bytea[], $19::bytea[]
    ) as v (tenant, id, token, event, endpoint, type, attempts, created_at, ended_at, retry_of, attempt, started_at,
            duration, outcome, status_code, wire, body_head, body_tail, answer)
    where queue.tenant = v.tenant and queue.id = v.id and queue.token = v.token
    returning v.*
), recorded as (
    insert into deliveries (tenant, id, event, endpoint, type, status, attempts, created_at, ended_at, retry_of)
    select tenant, id, event, endpoint, type, 'succeeded', attempts, created_at, ended_at, retry_of from ended
), logged as (
    insert into attempts (id, tenant, delivery, endpoint, event, number, started_at, duration, outcome, status_code,
                          wire, body_head, body_tail, answer)
    select attempt, tenant, id, endpoint, event, attempts, started_at, duration, outcome, status_code, wire,
           body_head, body_tail, answer
    from ended
)
select id from ended
