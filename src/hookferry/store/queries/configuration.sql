-- The same on every backend.

-- name: tenants
select id, name, contract, created_at, features, contract_version, events_per_second, waiting from tenants

-- name: tenant
select id, name, contract, created_at, features, contract_version, events_per_second, waiting from tenants where id = ?

-- name: put_tenant
insert into tenants (id, name, contract, created_at, features, contract_version, events_per_second, waiting)
values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (id) do update set name = excluded.name, contract = excluded.contract, features = excluded.features,
    contract_version = excluded.contract_version, events_per_second = excluded.events_per_second,
    waiting = excluded.waiting

-- name: waiting
-- Counted to its quota and no further.
select count(*) from (select id from queue where tenant = ? limit ?) as found

-- name: delete_tenant
delete from tenants where id = ?

-- name: delete_tenants_keys
delete from keys where tenant = ?

-- name: delete_tenants_roles
delete from roles where tenant = ?

-- name: delete_tenants_members
delete from members where tenant = ?

-- name: delete_tenants_endpoints
update endpoints set status = 'deleted', updated_at = ? where tenant = ? and status <> 'deleted'

-- name: endpoints
select id, tenant, url, name, event_types, scope, status, timeout, rate_limit, disabled_reason, sealed,
    created_at, updated_at
from endpoints

-- name: endpoint
select id, tenant, url, name, event_types, scope, status, timeout, rate_limit, disabled_reason, sealed,
    created_at, updated_at
from endpoints where id = ?

-- name: put_endpoint
insert into endpoints (id, tenant, url, name, event_types, scope, status, timeout, rate_limit, disabled_reason,
                       sealed, created_at, updated_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (id) do update set url = excluded.url, name = excluded.name, event_types = excluded.event_types,
    scope = excluded.scope, status = excluded.status, timeout = excluded.timeout,
    rate_limit = excluded.rate_limit, disabled_reason = excluded.disabled_reason, sealed = excluded.sealed,
    updated_at = excluded.updated_at

-- name: alerts
select id, tenant, name, message, event_types, scope, endpoints, active, created_at, updated_at from alerts

-- name: alert
select id, tenant, name, message, event_types, scope, endpoints, active, created_at, updated_at
from alerts where tenant = ? and id = ?

-- name: put_alert
insert into alerts (id, tenant, name, message, event_types, scope, endpoints, active, created_at, updated_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (tenant, id) do update set name = excluded.name, message = excluded.message,
    event_types = excluded.event_types, scope = excluded.scope, endpoints = excluded.endpoints,
    active = excluded.active, updated_at = excluded.updated_at

-- name: delete_alert
delete from alerts where tenant = ? and id = ?

-- name: delete_tenants_alerts
delete from alerts where tenant = ?

-- name: delete_tenants_sets
delete from members_of_sets where tenant = ?

-- name: keys
select id, digest, prefix, name, tenant, permissions, created_at, expires_at, last_used_at, member from keys

-- name: add_key
insert into keys (id, digest, prefix, name, tenant, permissions, created_at, expires_at, member)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: delete_key
delete from keys where id = ?

-- name: roles
select id, tenant, name, permissions, created_at from roles

-- name: role
select id, tenant, name, permissions, created_at from roles where id = ? and tenant = ?

-- name: put_role
insert into roles (id, tenant, name, permissions, created_at) values (?, ?, ?, ?, ?)
on conflict (id) do update set name = excluded.name, permissions = excluded.permissions

-- name: members_with_role
select count(*) from members where role = ?

-- name: delete_role
delete from roles where id = ?

-- name: members
select id, tenant, name, role, created_at, email from members

-- name: member
select id, tenant, name, role, created_at, email from members where id = ? and tenant = ?

-- name: put_member
insert into members (id, tenant, name, role, created_at, email) values (?, ?, ?, ?, ?, ?)
on conflict (id) do update set name = excluded.name, role = excluded.role, email = excluded.email

-- name: delete_member
delete from members where id = ?

-- name: delete_members_keys
delete from keys where member = ?

-- name: contracts
select version, name, text, vectors, uploaded_at from contracts

-- name: put_contract
insert into contracts (version, name, text, vectors, uploaded_at) values (?, ?, ?, ?, ?)
on conflict (version) do update set vectors = coalesce(excluded.vectors, contracts.vectors),
    uploaded_at = coalesce(excluded.uploaded_at, contracts.uploaded_at)
returning version, name, text, vectors, uploaded_at

-- name: delete_contract
delete from contracts where name = ?

-- name: tenant_of_contract
select id from tenants where contract = ? order by id limit 1

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
insert into facts (name, value) values (?, ?) on conflict (name) do nothing
