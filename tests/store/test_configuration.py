"""Tenants, endpoints, keys, people, event types: changed in the database and in the directory together."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from hookferry.errors import Conflict, Invalid, NotFound, StartError
from hookferry.model import Endpoint, EndpointStatus, EventType, Key, Member, Permission, Role, Secret, Tenant
from hookferry.store.queries import migrations
from hookferry.store.sqlite import SqliteStore
from hookferry.store.sqlite.connection import connect
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


async def test_a_tenants_features_survive_a_restart(world: World) -> None:
    """They are in the database."""
    features = frozenset({"webhooks", "developer-docs"})
    await world.store.change_tenant("demo", lambda old: msgspec.structs.replace(old, features=features))
    assert (await _reopened(world)).directory.tenant("demo").features == features


async def test_a_database_of_the_first_version_goes_on(tmp_path: Path, world: World) -> None:
    """Its tenants have no features, and its keys the permissions that they had."""
    path = tmp_path / "old.db"
    connection = connect(path)
    connection.execute("create table migrations (number integer primary key, name text, checksum text)")
    _, name, text = migrations("hookferry.store.sqlite")[0]
    connection.executescript(text)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    connection.execute("insert into migrations values (1, ?, ?)", (name, checksum))
    connection.execute("insert into tenants values ('acme', 'Acme', 'standard', 1)")
    connection.execute(
        "insert into keys values ('key_1', ?, 'hf_abc', '', 'acme', '[\"admin\"]', 1, null, null)",
        (b"d" * 32,),
    )
    connection.close()
    store = sqlite_store(path, world.clock)
    await store.open()
    directory = store.directory
    await store.close()
    assert directory.tenant("acme").features == frozenset()
    assert directory.permissions(directory.keys["key_1"]) == {Permission.ADMIN}


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


READER = Role("role_1", "demo", "Reader", frozenset({Permission.WEBHOOKS_READ}), 1)
WRITER = Role("role_2", "demo", "Writer", frozenset({Permission.WEBHOOKS_WRITE}), 1)
ADA = Member("mem_1", "demo", "Ada", "role_1", 1, "ada@example.com")
ADAS_KEY = Key("key_1", b"d" * 32, "hf_abc", "", "demo", frozenset(), 1, member="mem_1")


async def _people(world: World) -> None:
    """Two roles, and a member with the first and with a key."""
    await world.store.add_role(READER)
    await world.store.add_role(WRITER)
    await world.store.add_member(ADA)
    await world.store.add_key(ADAS_KEY)


async def test_roles_members_and_their_keys_survive_a_restart(world: World) -> None:
    """All of them, as they were."""
    await _people(world)
    directory = (await _reopened(world)).directory
    found = directory.role("demo", "role_1"), directory.member("demo", "mem_1"), directory.keys["key_1"]
    assert found == (READER, ADA, ADAS_KEY)


async def test_a_members_key_has_its_roles_permissions(world: World) -> None:
    """In the directory that requests are checked against."""
    await _people(world)
    assert world.store.directory.permissions(ADAS_KEY) == READER.permissions


async def test_a_changed_role_holds_at_once(world: World) -> None:
    """For the keys that there are."""
    await _people(world)
    none: frozenset[Permission] = frozenset()
    await world.store.change_role(
        "demo", "role_1", lambda old: msgspec.structs.replace(old, permissions=none)
    )
    assert world.store.directory.permissions(ADAS_KEY) == none


async def test_another_role_holds_at_once(world: World) -> None:
    """For the keys that there are, and after a restart."""
    await _people(world)
    await world.store.change_member("demo", "mem_1", lambda old: msgspec.structs.replace(old, role="role_2"))
    before = world.store.directory.permissions(ADAS_KEY)
    after = (await _reopened(world)).directory.permissions(ADAS_KEY)
    assert before == after == WRITER.permissions


async def test_a_role_that_a_member_has_stays(world: World) -> None:
    """To delete it is a conflict."""
    await _people(world)
    with pytest.raises(Conflict):
        await world.store.delete_role("demo", "role_1")


async def test_a_deleted_role_is_not_found(world: World) -> None:
    """Not even after a restart."""
    await _people(world)
    await world.store.delete_role("demo", "role_2")
    assert set((await _reopened(world)).directory.roles) == {"role_1"}


async def test_another_tenants_people_cannot_be_changed(world: World) -> None:
    """Every change is scoped."""
    await _people(world)
    await world.add_tenant("other")
    changes = [
        world.store.change_role("other", "role_1", lambda old: old),
        world.store.delete_role("other", "role_2"),
        world.store.change_member("other", "mem_1", lambda old: old),
        world.store.delete_member("other", "mem_1"),
        world.store.add_key(msgspec.structs.replace(ADAS_KEY, id="key_2", tenant="other")),
    ]
    for change in changes:
        with pytest.raises(NotFound):
            await change


async def test_another_tenants_role_cannot_be_given(world: World) -> None:
    """A member's role is its own tenant's."""
    await _people(world)
    await world.add_tenant("other")
    with pytest.raises(Invalid):
        await world.store.add_member(Member("mem_2", "other", "Bob", "role_1", 1))


async def test_a_deleted_members_keys_are_unknown(world: World) -> None:
    """They go with it, from the database too."""
    await _people(world)
    await world.store.delete_member("demo", "mem_1")
    before = world.store.directory.key(b"d" * 32)
    assert before is (await _reopened(world)).directory.key(b"d" * 32) is None


async def test_a_deleted_tenants_people_are_gone(world: World) -> None:
    """Members and roles, from the database too."""
    await _people(world)
    await world.store.delete_tenant("demo", 1)
    directories = world.store.directory, (await _reopened(world)).directory
    assert [(found.members, found.roles, found.keys) for found in directories] == [({}, {}, {})] * 2


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
