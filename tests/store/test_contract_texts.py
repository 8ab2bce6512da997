"""The texts of contracts: kept with the tenants that are pinned to them."""

import msgspec
import pytest

from hookferry.errors import Conflict, NotFound
from hookferry.model import ContractText, Tenant
from hookferry.store import configuration
from hookferry.store.directory import Directory
from hookferry.store.shared import SharedStore
from tests.store.world import World

TEXT = ContractText("0123456789ab", "acme", 'name = "acme"\n', "[[request]]\n")
NEWER = ContractText("ba9876543210", "acme", 'name = "acme"\n\n', None, 17)
TENANT = Tenant("a", "A", "acme", 0, contract_version=TEXT.version)


async def kept(world: World) -> dict[str, ContractText]:
    """The texts by version: in the database, and the same in memory."""
    assert isinstance(world.store, SharedStore)
    vault, found = world.store._vault, Directory()
    await world.store._transact(lambda db: configuration.read(db, found, vault))
    assert found.contract_texts == world.store.directory.contract_texts
    return found.contract_texts


async def test_with_a_new_tenant(world: World) -> None:
    """The text that a tenant is pinned to is kept with it."""
    await world.store.add_tenant(TENANT, TEXT)
    assert await kept(world) == {TEXT.version: TEXT}


async def test_not_without_the_tenant(world: World) -> None:
    """Both or none."""
    with pytest.raises(Conflict):
        await world.store.add_tenant(msgspec.structs.replace(TENANT, id="demo"), TEXT)
    assert await kept(world) == {}


async def test_with_a_moved_tenant(world: World) -> None:
    """The text that a tenant is moved to is kept with it, and the pin."""
    await world.store.change_tenant("demo", lambda old: msgspec.structs.replace(TENANT, id="demo"), TEXT)
    assert (await kept(world), world.store.directory.tenant("demo").contract_version) == (
        {TEXT.version: TEXT},
        TEXT.version,
    )


async def test_again(world: World) -> None:
    """The same version again keeps what it does not say anew: vectors, and when it was uploaded."""
    await world.store.put_contract(TEXT)
    await world.store.put_contract(msgspec.structs.replace(TEXT, vectors=None, uploaded_at=5))
    await world.store.put_contract(TEXT)
    assert await kept(world) == {TEXT.version: msgspec.structs.replace(TEXT, uploaded_at=5)}


async def test_delete(world: World) -> None:
    """All versions of a contract that nobody has can be deleted."""
    for text in (TEXT, NEWER):
        await world.store.put_contract(text)
    await world.store.delete_contract("acme")
    assert await kept(world) == {}


async def test_delete_what_a_tenant_has(world: World) -> None:
    """What a tenant has is kept."""
    await world.store.add_tenant(TENANT, TEXT)
    with pytest.raises(Conflict):
        await world.store.delete_contract("acme")
    assert await kept(world) == {TEXT.version: TEXT}


async def test_delete_nothing(world: World) -> None:
    """A contract that is not there cannot be deleted."""
    with pytest.raises(NotFound):
        await world.store.delete_contract("acme")
