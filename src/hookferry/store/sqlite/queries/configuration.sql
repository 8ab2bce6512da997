-- name: tenants
select id, name, contract, created_at from tenants

-- name: tenant
select id, name, contract, created_at from tenants where id = ?

-- name: put_tenant
insert into tenants (id, name, contract, created_at) values (?, ?, ?, ?)
on conflict (id) do update set name = excluded.name, contract = excluded.contract

-- name: delete_tenant
delete from tenants where id = ?

-- name: delete_tenants_keys
delete from keys where tenant = ?

-- name: delete_tenants_endpoints
update endpoints set status = 'deleted', updated_at = ? where tenant = ? and status <> 'deleted'

-- name: endpoints
select id, tenant, url, name, event_types, scope, status, timeout, disabled_reason, sealed, created_at, updated_at
from endpoints

-- name: endpoint
select id, tenant, url, name, event_types, scope, status, timeout, disabled_reason, sealed, created_at, updated_at
from endpoints where id = ?

-- name: put_endpoint
insert into endpoints (id, tenant, url, name, event_types, scope, status, timeout, disabled_reason, sealed,
                       created_at, updated_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (id) do update set url = excluded.url, name = excluded.name, event_types = excluded.event_types,
    scope = excluded.scope, status = excluded.status, timeout = excluded.timeout,
    disabled_reason = excluded.disabled_reason, sealed = excluded.sealed, updated_at = excluded.updated_at

-- name: keys
select id, digest, prefix, name, tenant, permissions, created_at, expires_at, last_used_at from keys

-- name: add_key
insert into keys (id, digest, prefix, name, tenant, permissions, created_at, expires_at)
values (?, ?, ?, ?, ?, ?, ?, ?)

-- name: touch_keys
update keys set last_used_at = v.column2 from (values :rows) as v where keys.id = v.column1

-- name: delete_key
delete from keys where id = ?

-- name: event_types
select name, title, description, schema, example, deprecated from event_types

-- name: event_type
select name, title, description, schema, example, deprecated from event_types where name = ?

-- name: put_event_type
insert into event_types (name, title, description, schema, example, deprecated) values (?, ?, ?, ?, ?, ?)
on conflict (name) do update set title = excluded.title, description = excluded.description,
    schema = excluded.schema, example = excluded.example, deprecated = excluded.deprecated

-- name: delete_event_type
delete from event_types where name = ?

-- name: fact
select value from facts where name = ?

-- name: put_fact
insert into facts (name, value) values (?, ?)
