"""What another process has changed, taken over into the directory."""

from collections.abc import Callable, Sequence

from hookferry.model import ContractText
from hookferry.store import records
from hookferry.store.database import Database, Row
from hookferry.store.directory import Directory
from hookferry.store.vault import Vault

_Put = Callable[[Directory, Row, Vault], None]
_Drop = Callable[[Directory, str, str, int], None]

# The tables of the configuration, in the order in which one needs the other.
_PUTS: dict[str, _Put] = {
    "tenants": lambda directory, row, vault: directory.put_tenant(records.tenant_of(row)),
    "contracts": lambda directory, row, vault: directory.put_contract(ContractText(*row)),
    "roles": lambda directory, row, vault: directory.put_role(records.role_of(row)),
    "members": lambda directory, row, vault: directory.put_member(records.member_of(row)),
    "keys": lambda directory, row, vault: directory.put_key(records.key_of(row)),
    "endpoints": lambda directory, row, vault: directory.put_endpoint(records.endpoint_of(row, vault)),
    "alerts": lambda directory, row, vault: directory.put_alert(records.alert_of(row)),
    "event_types": lambda directory, row, vault: directory.put_event_type(records.event_type_of(row)),
}
# Endpoints stay, deleted.
_DROPS: dict[str, _Drop] = {
    "tenants": lambda directory, id, tenant, now: directory.drop_tenant(id, now),
    "contracts": lambda directory, id, tenant, now: directory.drop_contract(id),
    "roles": lambda directory, id, tenant, now: directory.drop_role(id),
    "members": lambda directory, id, tenant, now: directory.drop_member(id),
    "keys": lambda directory, id, tenant, now: directory.drop_key(id),
    "alerts": lambda directory, id, tenant, now: directory.drop_alert(tenant, id),
    "event_types": lambda directory, id, tenant, now: directory.drop_event_type(id),
}
KINDS = tuple(_PUTS)


async def changed_rows(db: Database, kind: str, changes: Sequence[Row]) -> Sequence[Row]:
    """The rows of a table, as they are now, that `changes` tell of."""
    wanted = list({id for _, of, id, _ in changes if of == kind})
    return await db.rows(f"{kind}_by_id", wanted) if wanted else []


def take_over(directory: Directory, kind: str, row: Row, vault: Vault) -> str:
    """Put a row into the directory; the id that `changes` has for it."""
    _PUTS[kind](directory, row, vault)
    # A contract's row is a version of it; what is noted is its name.
    return str(row[1] if kind == "contracts" else row[0])


def drop(directory: Directory, kind: str, id: str, tenant: str, now: int) -> None:
    """Take out of the directory what is no longer there."""
    if kind in _DROPS:
        _DROPS[kind](directory, id, tenant, now)
