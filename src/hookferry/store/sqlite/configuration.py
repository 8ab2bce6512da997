"""Tenants, endpoints, keys and event types: read whole at start, changed one by one."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from hookferry.errors import Conflict, NotFound
from hookferry.model import Endpoint, EndpointStatus, EventType, Key, Tenant
from hookferry.store.directory import Directory
from hookferry.store.queries import load
from hookferry.store.sqlite.rows import (
    endpoint_of,
    endpoint_row,
    event_type_of,
    event_type_row,
    execute_many,
    key_of,
    key_row,
    tenant_row,
)
from hookferry.store.vault import Vault

SQL = load("hookferry.store.sqlite", "configuration")


def read(connection: sqlite3.Connection, directory: Directory, vault: Vault) -> None:
    """Fill the directory."""
    for row in connection.execute(SQL["tenants"]):
        directory.put_tenant(Tenant(*row))
    for row in connection.execute(SQL["endpoints"]):
        directory.put_endpoint(endpoint_of(row, vault))
    for row in connection.execute(SQL["keys"]):
        directory.put_key(key_of(row))
    for row in connection.execute(SQL["event_types"]):
        directory.put_event_type(event_type_of(row))


def _one(connection: sqlite3.Connection, query: str, id: str, kind: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(SQL[query], (id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no {kind} {id!r}.")
    return row


def add_tenant(connection: sqlite3.Connection, tenant: Tenant) -> Tenant:
    if connection.execute(SQL["tenant"], (tenant.id,)).fetchone():
        raise Conflict(f"There is a tenant {tenant.id!r} already.", code="already_exists", field="id")
    connection.execute(SQL["put_tenant"], tenant_row(tenant))
    return tenant


def change_tenant(connection: sqlite3.Connection, id: str, change: Callable[[Tenant], Tenant]) -> Tenant:
    changed = change(Tenant(*_one(connection, "tenant", id, "tenant")))
    connection.execute(SQL["put_tenant"], tenant_row(changed))
    return changed


def delete_tenant(connection: sqlite3.Connection, id: str, now: int) -> None:
    _one(connection, "tenant", id, "tenant")
    connection.execute(SQL["delete_tenant"], (id,))
    connection.execute(SQL["delete_tenants_keys"], (id,))
    connection.execute(SQL["delete_tenants_endpoints"], (now, id))


def add_endpoint(connection: sqlite3.Connection, endpoint: Endpoint, vault: Vault) -> Endpoint:
    _one(connection, "tenant", endpoint.tenant, "tenant")
    connection.execute(SQL["put_endpoint"], endpoint_row(endpoint, vault))
    return endpoint


def change_endpoint(
    connection: sqlite3.Connection, tenant: str, id: str, change: Callable[[Endpoint], Endpoint], vault: Vault
) -> Endpoint:
    row = connection.execute(SQL["endpoint"], (id,)).fetchone()
    old = row and endpoint_of(row, vault)
    if old is None or old.tenant != tenant or old.status is EndpointStatus.DELETED:
        raise NotFound(f"There is no endpoint {id!r} in this tenant.")
    changed = change(old)
    connection.execute(SQL["put_endpoint"], endpoint_row(changed, vault))
    return changed


def add_key(connection: sqlite3.Connection, key: Key) -> Key:
    if key.tenant is not None:
        _one(connection, "tenant", key.tenant, "tenant")
    connection.execute(SQL["add_key"], key_row(key))
    return key


def touch_keys(connection: sqlite3.Connection, used: Mapping[str, int]) -> None:
    execute_many(connection, SQL["touch_keys"], list(used.items()))


def delete_key(connection: sqlite3.Connection, id: str) -> None:
    if not connection.execute(SQL["delete_key"], (id,)).rowcount:
        raise NotFound(f"There is no key {id!r}.")


def add_event_type(connection: sqlite3.Connection, type: EventType) -> EventType:
    if connection.execute(SQL["event_type"], (type.name,)).fetchone():
        raise Conflict(f"There is an event type {type.name!r} already.", code="already_exists", field="name")
    connection.execute(SQL["put_event_type"], event_type_row(type))
    return type


def change_event_type(
    connection: sqlite3.Connection, name: str, change: Callable[[EventType], EventType]
) -> EventType:
    row = connection.execute(SQL["event_type"], (name,)).fetchone()
    if row is None:
        raise NotFound(f"There is no event type {name!r}.")
    changed = change(event_type_of(row))
    connection.execute(SQL["put_event_type"], event_type_row(changed))
    return changed


def delete_event_type(connection: sqlite3.Connection, name: str) -> None:
    if not connection.execute(SQL["delete_event_type"], (name,)).rowcount:
        raise NotFound(f"There is no event type {name!r}.")
