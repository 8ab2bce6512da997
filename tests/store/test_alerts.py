"""Alerts: changed in the database and in the directory together, with the endpoints that they name."""

from pathlib import Path

import msgspec
import pytest

from hookferry.errors import Invalid, NotFound
from hookferry.model import Alert, Endpoint, EndpointStatus, Scope
from tests.store.world import World, sqlite_store
from tests.support.clock import ManualClock


def _alert(world: World, *endpoints: Endpoint, tenant: str = "demo") -> Alert:
    ids = tuple(endpoint.id for endpoint in endpoints or (world.endpoint,))
    scope: Scope = {"outcome": ("failed",)}
    return Alert(world.ids.new("alr"), tenant, "Jobs", "Look!", ("job.failed",), scope, ids, True, 1, 2)


async def _added(world: World, *endpoints: Endpoint) -> Alert:
    alert = _alert(world, *endpoints)
    await world.store.add_alert(alert)
    return alert


async def test_an_alert_survives_a_restart(tmp_path: Path) -> None:
    """All of it."""
    clock = ManualClock()
    store = sqlite_store(tmp_path / "alerts.db", clock)
    await store.open()
    world = World(store, clock)
    await world.add_tenant("demo")
    alert = await _added(world, await world.add_endpoint("demo"))
    await store.close()
    again = sqlite_store(tmp_path / "alerts.db", clock)
    await again.open()
    assert again.directory.alerts("demo") == [alert]
    await again.close()


async def test_an_alert_is_found_by_what_sets_it_off(world: World) -> None:
    """The type and the labels, as with endpoints."""
    alert = await _added(world)
    assert world.store.directory.alerted("demo", "job.failed", {"outcome": ("failed",)}) == [alert]


async def test_an_alert_is_not_found_by_other_labels(world: World) -> None:
    """For each label that it names the sets must meet."""
    await _added(world)
    assert world.store.directory.alerted("demo", "job.failed", {"outcome": ("succeeded",)}) == []


async def test_an_inactive_alert_is_not_found(world: World) -> None:
    """It is kept and silent."""
    alert = await _added(world)
    await world.store.change_alert("demo", alert.id, lambda old: msgspec.structs.replace(old, active=False))
    assert world.store.directory.alerted("demo", "job.failed", {"outcome": ("failed",)}) == []


async def test_a_deleted_alert_is_gone(world: World) -> None:
    """It cannot be read any more."""
    alert = await _added(world)
    await world.store.delete_alert("demo", alert.id)
    with pytest.raises(NotFound):
        world.store.directory.alert("demo", alert.id)


async def test_an_alert_is_deleted_once(world: World) -> None:
    """The second time there is none."""
    alert = await _added(world)
    await world.store.delete_alert("demo", alert.id)
    with pytest.raises(NotFound):
        await world.store.delete_alert("demo", alert.id)


async def test_another_tenants_alert_is_not_found(world: World) -> None:
    """Not to read, and not to change."""
    alert = await _added(world)
    await world.add_tenant("other")
    with pytest.raises(NotFound):
        await world.store.change_alert("other", alert.id, lambda old: old)


async def test_an_alert_is_stored_with_new_endpoints(world: World) -> None:
    """In one commit."""
    endpoint = world.new_endpoint("demo")
    await world.store.add_alert(_alert(world, endpoint), [endpoint])
    assert world.store.directory.endpoint("demo", endpoint.id) == endpoint


async def test_a_refused_alert_stores_no_endpoint(world: World) -> None:
    """All or none."""
    missing, endpoint = world.new_endpoint("demo"), world.new_endpoint("demo")
    with pytest.raises(Invalid):
        await world.store.add_alert(_alert(world, endpoint, missing), [endpoint])
    with pytest.raises(NotFound):
        await world.store.change_endpoint("demo", endpoint.id, lambda old: old)


async def test_an_alert_names_no_other_tenants_endpoint(world: World) -> None:
    """It is as if it were not there."""
    await world.add_tenant("other")
    foreign = await world.add_endpoint("other")
    with pytest.raises(Invalid, match=foreign.id):
        await _added(world, world.endpoint, foreign)


async def test_an_alert_names_no_deleted_endpoint(world: World) -> None:
    """It is gone."""
    await world.set_status(EndpointStatus.DELETED)
    with pytest.raises(Invalid):
        await _added(world)


async def test_a_deleted_endpoint_leaves_its_alerts(world: World) -> None:
    """In memory."""
    other = await world.add_endpoint("demo")
    alert = await _added(world, world.endpoint, other)
    await world.set_status(EndpointStatus.DELETED)
    assert world.store.directory.alert("demo", alert.id).endpoints == (other.id,)


async def test_a_deleted_endpoint_leaves_its_alerts_for_good(world: World) -> None:
    """And in the database."""
    other = await world.add_endpoint("demo")
    alert = await _added(world, world.endpoint, other)
    await world.set_status(EndpointStatus.DELETED)
    changed = await world.store.change_alert("demo", alert.id, lambda old: old)
    assert changed.endpoints == (other.id,)


async def test_a_deleted_tenants_alerts_are_gone(world: World) -> None:
    """Nobody who gets its id gets them."""
    await _added(world)
    await world.store.delete_tenant("demo", 1)
    await world.add_tenant("demo")
    assert world.store.directory.alerts("demo") == []
