"""Tenants and all that is theirs, event types, contracts: read whole at start, changed one by one."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from hookferry.errors import Conflict, Invalid, NotFound
from hookferry.model import (
    Alert,
    ContractText,
    Endpoint,
    EndpointStatus,
    EventType,
    Key,
    Member,
    Role,
    Tenant,
)
from hookferry.store.directory import Directory
from hookferry.store.queries import load
from hookferry.store.sqlite.records import (
    alert_of,
    alert_row,
    endpoint_of,
    endpoint_row,
    event_type_of,
    event_type_row,
    key_of,
    key_row,
    member_of,
    member_row,
    role_of,
    role_row,
    tenant_of,
    tenant_row,
)
from hookferry.store.sqlite.rows import execute_many
from hookferry.store.vault import Vault

SQL = load("hookferry.store.sqlite", "configuration")


def read(connection: sqlite3.Connection, directory: Directory, vault: Vault) -> None:
    """Fill the directory."""
    for row in connection.execute(SQL["tenants"]):
        directory.put_tenant(tenant_of(row))
    for row in connection.execute(SQL["endpoints"]):
        directory.put_endpoint(endpoint_of(row, vault))
    for row in connection.execute(SQL["alerts"]):
        directory.put_alert(alert_of(row))
    for row in connection.execute(SQL["keys"]):
        directory.put_key(key_of(row))
    for row in connection.execute(SQL["roles"]):
        directory.put_role(role_of(row))
    for row in connection.execute(SQL["members"]):
        directory.put_member(member_of(row))
    for row in connection.execute(SQL["event_types"]):
        directory.put_event_type(event_type_of(row))
    for row in connection.execute(SQL["contracts"]):
        directory.put_contract(ContractText(*row))


def _one(connection: sqlite3.Connection, query: str, id: str, kind: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(SQL[query], (id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no {kind} {id!r}.")
    return row


def add_tenant(
    connection: sqlite3.Connection, tenant: Tenant, text: ContractText | None
) -> ContractText | None:
    if connection.execute(SQL["tenant"], (tenant.id,)).fetchone():
        raise Conflict(f"There is a tenant {tenant.id!r} already.", code="already_exists", field="id")
    connection.execute(SQL["put_tenant"], tenant_row(tenant))
    return None if text is None else put_contract(connection, text)


def change_tenant(
    connection: sqlite3.Connection, id: str, change: Callable[[Tenant], Tenant], text: ContractText | None
) -> tuple[Tenant, ContractText | None]:
    changed = change(tenant_of(_one(connection, "tenant", id, "tenant")))
    connection.execute(SQL["put_tenant"], tenant_row(changed))
    return changed, None if text is None else put_contract(connection, text)


def put_contract(connection: sqlite3.Connection, text: ContractText) -> ContractText:
    """The text as it is kept now."""
    (row,) = connection.execute(SQL["put_contract"], msgspec.structs.astuple(text)).fetchall()
    return ContractText(*row)


def delete_contract(connection: sqlite3.Connection, name: str) -> None:
    if tenant := connection.execute(SQL["tenant_of_contract"], (name,)).fetchone():
        raise Conflict(f"The tenant {tenant[0]!r} has the contract {name!r}: move it to another one first.")
    if not connection.execute(SQL["delete_contract"], (name,)).rowcount:
        raise NotFound(f"There is no contract {name!r}.")


def delete_tenant(connection: sqlite3.Connection, id: str, now: int) -> None:
    _one(connection, "tenant", id, "tenant")
    connection.execute(SQL["delete_tenant"], (id,))
    for owned in ("keys", "members", "roles", "alerts", "sets"):
        connection.execute(SQL[f"delete_tenants_{owned}"], (id,))
    connection.execute(SQL["delete_tenants_endpoints"], (now, id))


def add_endpoint(
    connection: sqlite3.Connection, endpoint: Endpoint, vault: Vault, unique_url: bool = False
) -> Endpoint:
    _one(connection, "tenant", endpoint.tenant, "tenant")
    if unique_url:
        _check_url(connection, endpoint)
    connection.execute(SQL["put_endpoint"], endpoint_row(endpoint, vault))
    return endpoint


def _check_url(connection: sqlite3.Connection, endpoint: Endpoint) -> None:
    row = connection.execute(SQL["url_taken"], (endpoint.tenant, endpoint.url, endpoint.id)).fetchone()
    if row is not None:
        raise Conflict("An endpoint with this URL is registered already.", code="url_taken", field="url")


def change_endpoint(
    connection: sqlite3.Connection,
    tenant: str,
    id: str,
    change: Callable[[Endpoint], Endpoint],
    vault: Vault,
    unique_url: bool = False,
) -> Endpoint:
    row = connection.execute(SQL["endpoint"], (id,)).fetchone()
    old = row and endpoint_of(row, vault)
    if old is None or old.tenant != tenant or old.status is EndpointStatus.DELETED:
        raise NotFound(f"There is no endpoint {id!r} in this tenant.")
    changed = change(old)
    if unique_url:
        _check_url(connection, changed)
    connection.execute(SQL["put_endpoint"], endpoint_row(changed, vault))
    if changed.status is EndpointStatus.DELETED:
        connection.execute(SQL["take_from_alerts"], {"tenant": tenant, "endpoint": id})
    return changed


def add_alert(
    connection: sqlite3.Connection,
    alert: Alert,
    endpoints: Sequence[Endpoint],
    vault: Vault,
    unique_url: bool = False,
) -> None:
    _one(connection, "tenant", alert.tenant, "tenant")
    _put_alert(connection, alert, endpoints, vault, unique_url)


def change_alert(
    connection: sqlite3.Connection,
    tenant: str,
    id: str,
    change: Callable[[Alert], Alert],
    endpoints: Sequence[Endpoint],
    vault: Vault,
    unique_url: bool = False,
) -> Alert:
    row = connection.execute(SQL["alert"], (tenant, id)).fetchone()
    if row is None:
        raise _no_alert(id)
    changed = change(alert_of(row))
    _put_alert(connection, changed, endpoints, vault, unique_url)
    return changed


def _put_alert(
    connection: sqlite3.Connection,
    alert: Alert,
    endpoints: Sequence[Endpoint],
    vault: Vault,
    unique_url: bool,
) -> None:
    for endpoint in endpoints:
        add_endpoint(connection, endpoint, vault, unique_url)
    row = alert_row(alert)
    missing = connection.execute(SQL["missing_endpoint"], (row[6], alert.tenant)).fetchone()
    if missing is not None:
        raise Invalid(f"There is no endpoint {missing[0]!r} in this tenant.", field="endpoints")
    connection.execute(SQL["put_alert"], row)


def delete_alert(connection: sqlite3.Connection, tenant: str, id: str) -> None:
    if not connection.execute(SQL["delete_alert"], (tenant, id)).rowcount:
        raise _no_alert(id)


def _no_alert(id: str) -> NotFound:
    return NotFound(f"There is no alert {id!r} in this tenant.")


def add_key(connection: sqlite3.Connection, key: Key) -> Key:
    if key.tenant is not None:
        _one(connection, "tenant", key.tenant, "tenant")
    if key.member is not None:
        _owned(connection, "member", key.tenant, key.member)
    connection.execute(SQL["add_key"], key_row(key))
    return key


def touch_keys(connection: sqlite3.Connection, used: Mapping[str, int]) -> None:
    execute_many(connection, SQL["touch_keys"], list(used.items()))


def delete_key(connection: sqlite3.Connection, id: str) -> None:
    if not connection.execute(SQL["delete_key"], (id,)).rowcount:
        raise NotFound(f"There is no key {id!r}.")


def add_role(connection: sqlite3.Connection, role: Role) -> None:
    _one(connection, "tenant", role.tenant, "tenant")
    connection.execute(SQL["put_role"], role_row(role))


def change_role(connection: sqlite3.Connection, tenant: str, id: str, change: Callable[[Role], Role]) -> Role:
    changed = change(role_of(_owned(connection, "role", tenant, id)))
    connection.execute(SQL["put_role"], role_row(changed))
    return changed


def delete_role(connection: sqlite3.Connection, tenant: str, id: str) -> None:
    _owned(connection, "role", tenant, id)
    (members,) = connection.execute(SQL["members_with_role"], (id,)).fetchone()
    if members:
        raise Conflict(f"The role is that of {members} members: give them another one first.")
    connection.execute(SQL["delete_role"], (id,))


def add_member(connection: sqlite3.Connection, member: Member) -> None:
    _one(connection, "tenant", member.tenant, "tenant")
    _put_member(connection, member)


def change_member(
    connection: sqlite3.Connection, tenant: str, id: str, change: Callable[[Member], Member]
) -> Member:
    changed = change(member_of(_owned(connection, "member", tenant, id)))
    _put_member(connection, changed)
    return changed


def _put_member(connection: sqlite3.Connection, member: Member) -> None:
    if connection.execute(SQL["role"], (member.role, member.tenant)).fetchone() is None:
        raise Invalid(f"There is no role {member.role!r} in this tenant.", field="role")
    connection.execute(SQL["put_member"], member_row(member))


def delete_member(connection: sqlite3.Connection, tenant: str, id: str) -> None:
    _owned(connection, "member", tenant, id)
    connection.execute(SQL["delete_member"], (id,))
    connection.execute(SQL["delete_members_keys"], (id,))


def _owned(connection: sqlite3.Connection, kind: str, tenant: str | None, id: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(SQL[kind], (id, tenant)).fetchone()
    if row is None:
        raise NotFound(f"There is no {kind} {id!r} in this tenant.")
    return row


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
