"""Tenants and all that is theirs, event types, contracts: read whole at start, changed one by one."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from hookferry.errors import Conflict, Invalid, NotFound, StartError
from hookferry.health import Health
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
from hookferry.store import health
from hookferry.store.database import Database, Row
from hookferry.store.directory import Directory
from hookferry.store.records import (
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
from hookferry.store.rows import health_of
from hookferry.store.vault import UnreadableError, Vault


async def read(db: Database, directory: Directory, vault: Vault) -> None:
    """Fill the directory."""
    for row in await db.rows("tenants"):
        directory.put_tenant(tenant_of(row))
    for row in await db.rows("endpoints"):
        directory.put_endpoint(endpoint_of(row, vault))
    directory.health.update(map(health_of, await db.rows("healths")))
    for row in await db.rows("alerts"):
        directory.put_alert(alert_of(row))
    for row in await db.rows("keys"):
        directory.put_key(key_of(row))
    for row in await db.rows("roles"):
        directory.put_role(role_of(row))
    for row in await db.rows("members"):
        directory.put_member(member_of(row))
    for row in await db.rows("event_types"):
        directory.put_event_type(event_type_of(row))
    for row in await db.rows("contracts"):
        directory.put_contract(ContractText(*row))


async def check_key(db: Database, vault: Vault) -> None:
    """Raises StartError if the database was sealed under another key: better now than at each delivery."""
    if await db.row("fact", "sealed") is None:
        # Whoever starts at the same time may be faster.
        await db.run("put_fact", "sealed", vault.seal(b"hookferry", "facts"))
    ((sealed,),) = await db.rows("fact", "sealed")
    try:
        vault.open(sealed, "facts")
    except UnreadableError as error:
        raise StartError(
            "The secrets in this database were encrypted under another key. Start with the "
            "HOOKFERRY_SECRET_KEY, or the key file beside the database, that it was made with.",
            code="wrong_secret_key",
        ) from error


async def _one(db: Database, query: str, id: str, kind: str) -> Row:
    row = await db.row(query, id)
    if row is None:
        raise NotFound(f"There is no {kind} {id!r}.")
    return row


async def add_tenant(
    db: Database, tenant: Tenant, text: ContractText | None
) -> tuple[Tenant, ContractText | None]:
    if await db.row("tenant", tenant.id):
        raise Conflict(f"There is a tenant {tenant.id!r} already.", code="already_exists", field="id")
    await db.run("put_tenant", *tenant_row(tenant))
    return tenant, None if text is None else await put_contract(db, text)


async def change_tenant(
    db: Database, id: str, change: Callable[[Tenant], Tenant], text: ContractText | None
) -> tuple[Tenant, ContractText | None]:
    changed = change(tenant_of(await _one(db, "tenant", id, "tenant")))
    await db.run("put_tenant", *tenant_row(changed))
    return changed, None if text is None else await put_contract(db, text)


async def put_contract(db: Database, text: ContractText) -> ContractText:
    """The text as it is kept now."""
    (row,) = await db.rows("put_contract", *msgspec.structs.astuple(text))
    return ContractText(*row)


async def delete_contract(db: Database, name: str) -> None:
    if tenant := await db.row("tenant_of_contract", name):
        raise Conflict(f"The tenant {tenant[0]!r} has the contract {name!r}: move it to another one first.")
    if not await db.run("delete_contract", name):
        raise NotFound(f"There is no contract {name!r}.")


async def delete_tenant(db: Database, id: str, now: int) -> None:
    await _one(db, "tenant", id, "tenant")
    await db.run("delete_tenant", id)
    for owned in ("keys", "members", "roles", "alerts", "sets", "jobs", "health"):
        await db.run(f"delete_tenants_{owned}", id)
    await db.run("note_tenants_endpoints", now, id)
    await db.run("delete_tenants_endpoints", now, id)


async def add_endpoint(db: Database, endpoint: Endpoint, vault: Vault, unique_url: bool = False) -> Endpoint:
    await _one(db, "tenant", endpoint.tenant, "tenant")
    if unique_url:
        await _check_url(db, endpoint)
    await db.run("put_endpoint", *endpoint_row(endpoint, vault))
    await db.run("note_endpoint", endpoint.id)
    return endpoint


async def _check_url(db: Database, endpoint: Endpoint) -> None:
    row = await db.row("url_taken", endpoint.tenant, endpoint.url, endpoint.id)
    if row is not None:
        raise Conflict("An endpoint with this URL is registered already.", code="url_taken", field="url")


async def change_endpoint(
    db: Database,
    tenant: str,
    id: str,
    change: Callable[[Endpoint], Endpoint],
    vault: Vault,
    unique_url: bool = False,
) -> tuple[Endpoint, Health | None]:
    """The endpoint now, and its health if it begins anew: one that receives again gets a ramp."""
    row = await db.row("endpoint", id)
    old = None if row is None else endpoint_of(row, vault)
    if old is None or old.tenant != tenant or old.status is EndpointStatus.DELETED:
        raise NotFound(f"There is no endpoint {id!r} in this tenant.")
    changed = change(old)
    if unique_url:
        await _check_url(db, changed)
    await db.run("put_endpoint", *endpoint_row(changed, vault))
    if _noted(changed) != _noted(old):
        await db.run("note_endpoint", id)
    if changed.status is EndpointStatus.DELETED:
        await db.run("take_from_alerts", id, tenant)
        await db.run("drop_health", id)
    if changed.status is EndpointStatus.ACTIVE and old.status is not EndpointStatus.ACTIVE:
        return changed, await health.enable(db, id, changed.updated_at)
    return changed, None


def _noted(endpoint: Endpoint) -> tuple[object, ...]:
    """What its history tells of it."""
    return endpoint.status, endpoint.event_types, endpoint.scope, endpoint.disabled_reason


async def add_alert(
    db: Database,
    alert: Alert,
    endpoints: Sequence[Endpoint],
    vault: Vault,
    unique_url: bool = False,
) -> Alert:
    await _one(db, "tenant", alert.tenant, "tenant")
    await _put_alert(db, alert, endpoints, vault, unique_url)
    return alert


async def change_alert(
    db: Database,
    tenant: str,
    id: str,
    change: Callable[[Alert], Alert],
    endpoints: Sequence[Endpoint],
    vault: Vault,
    unique_url: bool = False,
) -> Alert:
    row = await db.row("alert", tenant, id)
    if row is None:
        raise _no_alert(id)
    changed = change(alert_of(row))
    await _put_alert(db, changed, endpoints, vault, unique_url)
    return changed


async def _put_alert(
    db: Database,
    alert: Alert,
    endpoints: Sequence[Endpoint],
    vault: Vault,
    unique_url: bool,
) -> None:
    for endpoint in endpoints:
        await add_endpoint(db, endpoint, vault, unique_url)
    row = alert_row(alert)
    missing = await db.row("missing_endpoint", row[6], alert.tenant)
    if missing is not None:
        raise Invalid(f"There is no endpoint {missing[0]!r} in this tenant.", field="endpoints")
    await db.run("put_alert", *row)


async def delete_alert(db: Database, tenant: str, id: str) -> None:
    if not await db.run("delete_alert", tenant, id):
        raise _no_alert(id)


def _no_alert(id: str) -> NotFound:
    return NotFound(f"There is no alert {id!r} in this tenant.")


async def add_key(db: Database, key: Key) -> Key:
    if key.tenant is not None:
        await _one(db, "tenant", key.tenant, "tenant")
    if key.member is not None:
        await _owned(db, "member", key.tenant, key.member)
    await db.run("add_key", *key_row(key))
    return key


async def touch_keys(db: Database, used: Mapping[str, int]) -> None:
    await db.each("touch_keys", list(used.items()))


async def delete_key(db: Database, id: str) -> None:
    if not await db.run("delete_key", id):
        raise NotFound(f"There is no key {id!r}.")


async def add_role(db: Database, role: Role) -> Role:
    await _one(db, "tenant", role.tenant, "tenant")
    await db.run("put_role", *role_row(role))
    return role


async def change_role(db: Database, tenant: str, id: str, change: Callable[[Role], Role]) -> Role:
    changed = change(role_of(await _owned(db, "role", tenant, id)))
    await db.run("put_role", *role_row(changed))
    return changed


async def delete_role(db: Database, tenant: str, id: str) -> None:
    await _owned(db, "role", tenant, id)
    ((members,),) = await db.rows("members_with_role", id)
    if members:
        raise Conflict(f"The role is that of {members} members: give them another one first.")
    await db.run("delete_role", id)


async def add_member(db: Database, member: Member) -> Member:
    await _one(db, "tenant", member.tenant, "tenant")
    await _put_member(db, member)
    return member


async def change_member(db: Database, tenant: str, id: str, change: Callable[[Member], Member]) -> Member:
    changed = change(member_of(await _owned(db, "member", tenant, id)))
    await _put_member(db, changed)
    return changed


async def _put_member(db: Database, member: Member) -> None:
    if await db.row("role", member.role, member.tenant) is None:
        raise Invalid(f"There is no role {member.role!r} in this tenant.", field="role")
    await db.run("put_member", *member_row(member))


async def delete_member(db: Database, tenant: str, id: str) -> None:
    await _owned(db, "member", tenant, id)
    await db.run("delete_member", id)
    await db.run("delete_members_keys", id)


async def _owned(db: Database, kind: str, tenant: str | None, id: str) -> Row:
    row = await db.row(kind, id, tenant)
    if row is None:
        raise NotFound(f"There is no {kind} {id!r} in this tenant.")
    return row


async def add_event_type(db: Database, type: EventType) -> EventType:
    if await db.row("event_type", type.name):
        raise Conflict(f"There is an event type {type.name!r} already.", code="already_exists", field="name")
    await db.run("put_event_type", *event_type_row(type))
    return type


async def change_event_type(db: Database, name: str, change: Callable[[EventType], EventType]) -> EventType:
    row = await db.row("event_type", name)
    if row is None:
        raise NotFound(f"There is no event type {name!r}.")
    changed = change(event_type_of(row))
    await db.run("put_event_type", *event_type_row(changed))
    return changed


async def delete_event_type(db: Database, name: str) -> None:
    if not await db.run("delete_event_type", name):
        raise NotFound(f"There is no event type {name!r}.")
