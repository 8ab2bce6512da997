"""Tenants, endpoints, keys, event types: changed in the database and in the directory together."""

from pathlib import Path

import msgspec
import pytest

from hookferry.errors import Conflict, Invalid, NotFound, StartError
from hookferry.model import Endpoint, EndpointStatus, EventType, Key, Permission, Secret, Tenant
from hookferry.store.sqlite import SqliteStore
from tests.store.world import World, sqlite_store
from tests.support.clock import ManualClock


async def _reopened(world: World) -> SqliteStore:
    """A new process on the same database."""
    assert isinstance(world.store, SqliteStore)
    path = world.store._path
    await world.store.close()
    store = sqlite_store(path, world.clock)
    await store.open()
    world.store = store
    return store


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """A store that a test may close; it is never shared with the other fixtures."""
    clock = ManualClock()
    store = sqlite_store(tmp_path / "config.db", clock)
    await store.open()
    world = World(store, clock)
    await world.add_tenant("demo")
    return world


@pytest.fixture(autouse=True)
async def _close(world: World) -> object:
    yield
    await world.store.close()


async def test_a_tenants_change_survives_a_restart(world: World) -> None:
    """It is in the database."""
    await world.store.change_tenant("demo", lambda old: msgspec.structs.replace(old, name="New"))
    assert (await _reopened(world)).directory.tenant("demo").name == "New"


async def test_a_tenants_id_is_taken_once(world: World) -> None:
    """A second one is a conflict."""
    with pytest.raises(Conflict):
        await world.store.add_tenant(Tenant("demo", "Again", "standard", 0))


async def test_an_endpoint_survives_a_restart(world: World) -> None:
    """All of it: secrets, headers, scope."""
    endpoint = msgspec.structs.replace(
        world.new_endpoint("demo"),
        event_types=("a.b",),
        scope={"dc_ids": ("1", "2")},
        headers=(("Authorization", "Bearer x"),),
        secrets=(Secret("new"), Secret("old", 5)),
        ed25519=Secret("whsk_x"),
        timeout=3.5,
    )
    await world.store.add_endpoint(endpoint)
    assert (await _reopened(world)).directory.endpoint("demo", endpoint.id) == endpoint


async def test_secrets_are_not_in_clear_in_the_files(world: World) -> None:
    """Invariant 8."""
    endpoint = msgspec.structs.replace(world.new_endpoint("demo"), secrets=(Secret("canary-in-a-coal-mine"),))
    await world.store.add_endpoint(endpoint)
    assert isinstance(world.store, SqliteStore)
    files = world.store._path.parent.glob("config.db*")
    assert not any(b"canary" in file.read_bytes() for file in files)


async def test_another_key_does_not_start(world: World) -> None:
    """Better refused at start than at each delivery."""
    await world.add_endpoint("demo")
    await world.store.close()
    assert isinstance(world.store, SqliteStore)
    other = sqlite_store(world.store._path, world.clock, key=b"x" * 32)
    with pytest.raises(StartError):
        await other.open()
    world.store = sqlite_store(world.store._path, world.clock)
    await world.store.open()


async def test_a_second_process_is_told_who_owns_the_file(world: World) -> None:
    """One process owns a SQLite file."""
    assert isinstance(world.store, SqliteStore)
    with pytest.raises(StartError, match="owned by another Hookferry process"):
        await sqlite_store(world.store._path, world.clock).open()


async def test_a_deleted_endpoint_is_not_found(world: World) -> None:
    """It stays only for the history."""
    endpoint = await world.add_endpoint("demo")
    await world.set_status(EndpointStatus.DELETED, endpoint)
    with pytest.raises(NotFound):
        world.store.directory.endpoint("demo", endpoint.id)


async def test_another_tenants_endpoint_cannot_be_changed(world: World) -> None:
    """Every change is scoped."""
    endpoint = await world.add_endpoint("demo")
    with pytest.raises(NotFound):
        await world.store.change_endpoint("other", endpoint.id, lambda old: old)


async def test_a_refused_change_changes_nothing(world: World) -> None:
    """What the change raises reaches the caller, and the row stays."""
    endpoint = await world.add_endpoint("demo")

    def refuse(old: Endpoint) -> Endpoint:
        raise Invalid("no")

    with pytest.raises(Invalid):
        await world.store.change_endpoint("demo", endpoint.id, refuse)


async def test_a_key_survives_a_restart(world: World) -> None:
    """Only its digest is kept."""
    key = Key("key_1", b"d" * 32, "hf_abc", "ci", "demo", frozenset({Permission.EVENTS_WRITE}), 1, 2)
    await world.store.add_key(key)
    assert (await _reopened(world)).directory.key(b"d" * 32) == key


async def test_a_revoked_key_is_unknown_at_once(world: World) -> None:
    """In the directory that requests are checked against."""
    await world.store.add_key(Key("key_1", b"d" * 32, "hf_abc", "", None, frozenset(), 1))
    await world.store.delete_key("key_1")
    assert world.store.directory.key(b"d" * 32) is None


async def test_a_deleted_tenants_keys_are_unknown(world: World) -> None:
    """They go with it."""
    await world.store.add_key(Key("key_1", b"d" * 32, "hf_abc", "", "demo", frozenset(), 1))
    await world.store.delete_tenant("demo", 1)
    assert world.store.directory.key(b"d" * 32) is None


async def test_an_event_type_survives_a_restart(world: World) -> None:
    """Schema and example too."""
    kind = EventType("a.b", "A", "About b", msgspec.Raw(b'{"type":"object"}'), msgspec.Raw(b"{}"), True)
    await world.store.add_event_type(kind)
    found = (await _reopened(world)).directory.event_types["a.b"]
    assert (found.title, found.deprecated, bytes(found.schema or b"")) == ("A", True, b'{"type":"object"}')


async def test_an_event_types_name_is_taken_once(world: World) -> None:
    """A second one is a conflict."""
    await world.store.add_event_type(EventType("a.b"))
    with pytest.raises(Conflict):
        await world.store.add_event_type(EventType("a.b"))


async def test_a_deleted_event_type_is_gone(world: World) -> None:
    """From the catalogue."""
    await world.store.add_event_type(EventType("a.b"))
    await world.store.delete_event_type("a.b")
    assert world.store.directory.event_types == {}
