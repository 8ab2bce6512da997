-- The texts of contracts that were uploaded or that a tenant is pinned to, the built-in ones' too: so neither
-- an upgrade nor a changed file alters what a tenant's receivers get.

create table contracts (
    version     text not null primary key check (length(version) = 12),
    name        text not null,
    text        text not null,
    vectors     text,
    uploaded_at integer
) without rowid;

-- Tenants of before are pinned at the next start.
alter table tenants add column contract_version text not null default '';
