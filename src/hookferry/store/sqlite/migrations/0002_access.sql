-- Who may do what: features that the operator switches, the people of a tenant and their roles.

alter table tenants add column features text not null default '[]' check (json_valid(features));

-- A member's key has no permissions of its own: its member's role says them.
alter table keys add column member text;

create table roles (
    id          text    not null primary key,
    tenant      text    not null,
    name        text    not null,
    permissions text    not null check (json_valid(permissions)),
    created_at  integer not null
) without rowid;

create table members (
    id         text    not null primary key,
    tenant     text    not null,
    name       text    not null,
    email      text,
    role       text    not null,
    created_at integer not null
) without rowid;

-- Contracts may want a URL once within a tenant.
create index endpoints_by_url on endpoints (tenant, url) where status <> 'deleted';
