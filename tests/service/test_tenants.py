import pytest

from hookferry.errors import Conflict, Invalid, NotFound
from hookferry.service.forms import NewEndpoint, NewTenant, TenantChange
from hookferry.service.principal import OPERATOR
from hookferry.service.services import Services
from hookferry.store.sqlite import SqliteStore
from tests.store.world import World
from tests.support.services import House


async def test_create(services: Services) -> None:
    """A tenant can be read once it is made."""
    tenant = await services.tenants.create(NewTenant(name="Acme"))
    assert services.tenants.get(tenant.id) == tenant


async def test_taken(services: Services) -> None:
    """An id is given once."""
    with pytest.raises(Conflict):
        await services.tenants.create(NewTenant(id="demo", name="Demo again"))


@pytest.mark.parametrize("id", ["", "-a", "a b", "a/b", "x" * 65, "a\x00", "..", "é"])
async def test_bad_id(services: Services, id: str) -> None:
    """A tenant's id goes into a path as it is."""
    with pytest.raises(Invalid):
        await services.tenants.create(NewTenant(id=id, name="x"))


async def test_unknown_contract(services: Services) -> None:
    """A tenant's contract must be there."""
    with pytest.raises(Invalid):
        await services.tenants.create(NewTenant(name="x", contract="standart"))


async def test_rename(services: Services) -> None:
    """A change leaves out what is not given."""
    changed = await services.tenants.change("demo", TenantChange(name="New"))
    assert (changed.name, changed.contract) == ("New", "standard")


async def test_list_by_id(services: Services) -> None:
    """Tenants are listed by id."""
    await services.tenants.create(NewTenant(id="acme", name="Acme"))
    assert [tenant.id for tenant in services.tenants.list(OPERATOR)] == ["acme", "demo"]


async def test_delete(services: Services) -> None:
    """A deleted tenant is not found."""
    await services.tenants.delete("demo")
    with pytest.raises(NotFound):
        services.tenants.get("demo")


async def test_delete_many_endpoints(house: House, store: SqliteStore, world: World) -> None:
    """Their commits are shared: a tenant with thousands of endpoints is gone within a second."""
    endpoints = [await world.add_endpoint("demo") for _ in range(200)]
    await world.publish(*endpoints)
    commits: list[int] = []
    store.batches = commits.append
    cancelled = await house.services.tenants.delete("demo")
    assert (cancelled, len(commits) < 20) == (200, True)


async def test_delete_cancels(services: Services, world: World) -> None:
    """Deleting a tenant cancels what waits for its endpoints, and says how much that was."""
    endpoint = await services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))
    await world.publish(endpoint)
    await world.publish(endpoint)
    assert await services.tenants.delete("demo") == 2


async def test_history_is_not_inherited(services: Services, world: World) -> None:
    """A new tenant cannot take the id of a deleted one while that one's events are kept."""
    await world.publish(await services.endpoints.create("demo", NewEndpoint(url="https://example.com/")))
    await services.tenants.delete("demo")
    with pytest.raises(Conflict):
        await services.tenants.create(NewTenant(id="demo", name="Somebody else"))
