-- name: missing_endpoint
-- One of the ids in a JSON list that names no endpoint of the tenant.
select named.value from json_array_elements_text($1::text::json) as named (value)
left join endpoints on endpoints.id = named.value and endpoints.tenant = $2 and endpoints.status <> 'deleted'
where endpoints.id is null limit 1

-- name: take_from_alerts
update alerts
set endpoints = (
    select coalesce(json_agg(value)::text, '[]')
    from json_array_elements_text(alerts.endpoints::json) as named (value) where value <> $1::text
)
where tenant = $2 and $1::text in (select json_array_elements_text(alerts.endpoints::json))

-- name: touch_keys
update keys set last_used_at = used.at
from unnest($1::text[], $2::bigint[]) as used (id, at) where keys.id = used.id

-- name: url_taken
select id from endpoints
where tenant = $1 and md5(url) = md5($2) and url = $2 and id <> $3 and status <> 'deleted' limit 1

-- name: lock_changes
-- Before anything is read that is changed then: changes of the configuration come one after the other.
select pg_advisory_xact_lock(hashtext('hookferry.changes'))

-- name: changes_since
select version, kind, id, tenant from changes where version > $1 order by version

-- name: last_change
select coalesce(max(version), 0) from changes

-- name: first_change
select coalesce(min(version), 0) from changes

-- name: forget_changes
delete from changes where at < now() - interval '1 day' and version < (select max(version) from changes)

-- name: confirm
-- Says what this worker has seen, and asks what there is, how many workers live and what time it is.
update workers set seen = $2, confirmed_at = clock_timestamp() where id = $1
returning (select coalesce(max(version), 0) from changes),
          (select count(*) from workers as others where others.until > $3 and others.delivers),
          (extract(epoch from clock_timestamp()) * 1000)::bigint,
          (select count(*) from health)

-- name: not_seen
-- Workers that live, have asked within the last second and have not seen a change yet.
select id from workers
where until > $2 and seen < $1 and confirmed_at > clock_timestamp() - interval '1 second' limit 1

-- name: tenants_by_id
select id, name, contract, created_at, features, contract_version, events_per_second, waiting from tenants
where id = any($1::text[])

-- name: endpoints_by_id
select id, tenant, url, name, event_types, scope, status, timeout, rate_limit, disabled_reason, sealed,
    created_at, updated_at
from endpoints where id = any($1::text[])

-- name: alerts_by_id
select id, tenant, name, message, event_types, scope, endpoints, active, created_at, updated_at
from alerts where id = any($1::text[])

-- name: keys_by_id
select id, digest, prefix, name, tenant, permissions, created_at, expires_at, last_used_at, member
from keys where id = any($1::text[])

-- name: roles_by_id
select id, tenant, name, permissions, created_at from roles where id = any($1::text[])

-- name: members_by_id
select id, tenant, name, role, created_at, email from members where id = any($1::text[])

-- name: event_types_by_id
select name, title, description, schema, example, deprecated from event_types where name = any($1::text[])

-- name: contracts_by_id
select version, name, text, vectors, uploaded_at from contracts where name = any($1::text[])
