"""Moving from SQLite to PostgreSQL: both stores show the same, and the new one sends what waited."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from hookferry.errors import Conflict, StartError
from hookferry.model import (
    Alert,
    ContractText,
    DeliveryStatus,
    EndpointStatus,
    EventType,
    Key,
    Member,
    Permission,
    Quotas,
    Replayed,
    Role,
    Secret,
)
from hookferry.store import copying
from hookferry.store.base import Store
from hookferry.store.copying import Tell
from hookferry.store.postgres import migrations
from hookferry.store.postgres.connection import connect_once
from hookferry.store.values import Ingest, Membership, Pruned, Slice
from hookferry.store.vault import Vault
from tests.store.test_replays import start
from tests.store.world import KEY, World, postgres_store, sqlite_store
from tests.support.clock import ManualClock

OTHER_KEY = b"o" * 32
DAY = 86_400
PENDING, HELD = DeliveryStatus.PENDING, DeliveryStatus.HELD
SUCCEEDED, FAILED = DeliveryStatus.SUCCEEDED, DeliveryStatus.FAILED
EVERYTHING = Slice(limit=1_000)


class Cut(Exception):
    """Ends a copy where nobody expects it."""


async def _configure(world: World) -> None:
    """One of each kind, and an endpoint in each status."""
    store, now = world.store, world.clock.now()
    world.endpoint = await world.add_endpoint("demo")
    secrets = (Secret("whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXc="), Secret("whsec_b2xk", now + 1_000))
    rotated = msgspec.structs.replace(
        world.new_endpoint("demo"),
        name="Größe 箱",
        event_types=("order.created", "order.ended"),
        scope={"dc_ids": ("1", "2")},
        headers=(("X-Api-Key", "geheim"),),
        secrets=secrets,
        timeout=2.5,
        rate_limit=7.5,
        ed25519=Secret("whsk_a2V5"),
    )
    await store.add_endpoint(rotated)
    paused, disabled, deleted = [await world.add_endpoint("demo") for _ in range(3)]
    await world.set_status(EndpointStatus.PAUSED, paused)
    await world.set_status(EndpointStatus.DISABLED, disabled)
    await world.set_status(EndpointStatus.DELETED, deleted)
    await store.add_alert(Alert("al_1", "demo", "Late", "It is late", (), {}, (rotated.id,), True, now, now))
    await store.add_role(Role("role_1", "demo", "Reader", frozenset({Permission.EVENTS_READ}), now))
    await store.add_member(Member("mem_1", "demo", "Ann", "role_1", now, "ann@example.com"))
    await store.add_key(
        Key("key_1", b"d" * 32, "hf_abc", "CI", None, frozenset({Permission.ADMIN}), now, now + 9)
    )
    await store.add_key(Key("key_2", b"e" * 32, "hf_def", "", "demo", frozenset(), now, None, None, "mem_1"))
    await store.touch_keys({"key_1": now})
    await store.add_event_type(
        EventType("order.created", "Order", "", msgspec.Raw(b"{}"), msgspec.Raw(b"[1]"))
    )
    await store.put_contract(ContractText("0123456789ab", "mine", "text = 1", None, now))


async def _deliver(world: World) -> None:
    """Events of several days, deliveries in each state, a set with a member, a replay at work."""
    store, other = world.store, await world.add_endpoint("demo")
    for outcome in (SUCCEEDED, FAILED):
        await world.publish(event=world.event(b'{"n": "\xc3\xa9"}'))
        await world.settle(await world.claim_one(), outcome, body=b"not the payload \x00\xff")
        world.clock.advance(DAY)
    bare = world.event(None)
    await store.ingest([Ingest(bare, ())])
    full = msgspec.structs.replace(
        world.event(b'{"big":%d}' % 10**30),
        changes=b'{"a":{"previous":1,"current":2}}',
        scope={"dc_ids": ("1",)},
    )
    await world.publish(event=full)
    await world.settle(await world.claim_one(), PENDING, retry_in=3_600)
    await world.publish(other, status=HELD)
    await world.publish_keyed("k", b"f")
    follower = world.ingest_of(world.event(type="first"))
    joined = Ingest(follower.event, follower.deliveries, None, (), Membership("held", "cargo", "a", True))
    await store.ingest([Ingest(world.event(type="hold"), (), None, (joined,))])
    replay = await start(world, Replayed.FAILED)
    await replay.step(1)


async def _payload_left(world: World) -> None:
    """Retention has taken the bodies, but for the payload of what still waits."""
    await world.store.prune(
        world.clock.now() - 9 * DAY * 1_000, world.clock.now() + DAY * 1_000, world.clock.now(), 100
    )


@pytest.fixture
async def old(tmp_path: Path, clock: ManualClock) -> World:
    """A SQLite store with something in every table."""
    store = sqlite_store(tmp_path / "old.db", clock)
    await store.open()
    world = World(store, clock)
    await world.add_tenant("demo")
    await world.add_tenant("other")
    quotas = Quotas(events_per_second=2.5, waiting=1000)
    await world.store.change_tenant("other", lambda old: msgspec.structs.replace(old, quotas=quotas))
    await _configure(world)
    await _deliver(world)
    return world


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "old.db"


@pytest.fixture
async def target(postgres_url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection to an empty database of this version."""
    connection = await connect_once(postgres_url)
    await migrations.migrate(connection)
    yield connection
    await connection.close()


def _silent(table: str, done: int, total: int) -> None:
    pass


async def _copy(
    file: Path,
    target: "asyncpg.Connection[Any]",
    clock: ManualClock,
    keys: tuple[bytes, ...] = (KEY,),
    new_key: bytes = KEY,
    tell: Tell = _silent,
) -> None:
    with copying.owned(file, [Vault(key) for key in keys], clock.now()) as source:
        await copying.copy(source, target, Vault(new_key), tell)


async def _read(store: Store) -> dict[str, Any]:
    """Everything that the seam shows."""
    known = store.directory
    endpoints = sorted(known._endpoints)
    pages: dict[str, Any] = {
        "events": (await store.events("demo", EVERYTHING)).data,
        "deliveries": (await store.deliveries("demo", EVERYTHING)).data,
        "jobs": (await store.jobs("demo", EVERYTHING)).data,
    }
    return {
        **pages,
        "payloads": [await store.event("demo", event.id) for event in pages["events"]],
        "attempts": [(await store.attempts("demo", EVERYTHING, endpoint=id)).data for id in endpoints],
        "endpoints": [known.find_endpoint(id) for id in endpoints],
        "were": [await store.endpoint_history(id) for id in endpoints],
        "alerts": known.alerts("demo"),
        "health": getattr(known, "health", None),
        "running": await store.running_jobs(),
        **{
            name: getattr(known, name)
            for name in ("tenants", "keys", "roles", "members", "event_types", "contract_texts")
        },
    }


@pytest.fixture
async def moved(
    old: World, file: Path, target: "asyncpg.Connection[Any]", postgres_url: str, clock: ManualClock
) -> AsyncIterator[World]:
    """The PostgreSQL store after the copy."""
    await old.store.close()
    await _copy(file, target, clock)
    store = postgres_store(postgres_url, clock)
    await store.open()
    world = World(store, clock)
    world.ids, world.endpoint = old.ids, old.endpoint
    yield world
    await store.close()


async def test_the_same_is_read_from_both(
    old: World, file: Path, target: "asyncpg.Connection[Any]", postgres_url: str, clock: ManualClock
) -> None:
    """Configuration with its secrets, events, deliveries, attempts with their bodies, jobs."""
    before = await _read(old.store)
    await old.store.close()
    await _copy(file, target, clock)
    store = postgres_store(postgres_url, clock)
    await store.open()
    after = await _read(store)
    await store.close()
    assert after == before


async def test_every_table_has_something_to_copy(old: World, file: Path, clock: ManualClock) -> None:
    """But for those that other tests fill: what is compared above is not compared in vain."""
    await old.store.close()
    with copying.owned(file, [Vault(KEY)], clock.now()) as source:
        assert {table.name for table in source.tables if not table.rows} <= {"left_payloads", "health"}


async def test_all_tables_and_columns_are_there(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """Whatever migrations add on one side, they add on the other, or the copy is told about it."""
    await old.store.close()
    there = {
        (row["table_name"], row["column_name"])
        for row in await target.fetch(
            "select table_name, column_name from information_schema.columns where table_schema = 'public' "
            "and table_name not similar to '%_[0-9]{8}|%_other'"
        )
    }
    with copying.owned(file, [Vault(KEY)], clock.now()) as source:
        copied = {(table.name, column) for table in source.tables for column in table.columns}
    stays = {"facts", "migrations", "workers", "changes", "partitions"}
    left = {(table, column) for table, column in there - copied if table not in stays}
    assert (copied - there, left) == (set(), {("endpoint_history", "seq")})


async def test_secrets_are_sealed_under_the_new_key(
    old: World, file: Path, target: "asyncpg.Connection[Any]", postgres_url: str, clock: ManualClock
) -> None:
    """Both databases need not have the same key."""
    before = [old.store.directory.find_endpoint(id) for id in sorted(old.store.directory._endpoints)]
    await old.store.close()
    await _copy(file, target, clock, (KEY,), OTHER_KEY)
    store = postgres_store(postgres_url, clock, OTHER_KEY)
    await store.open()
    after = [store.directory.find_endpoint(id) for id in sorted(store.directory._endpoints)]
    await store.close()
    assert after == before


async def test_the_key_that_fits_is_found(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """The key file and the variable are tried in turn."""
    await old.store.close()
    await _copy(file, target, clock, (OTHER_KEY, KEY))
    assert await target.fetchval("select count(*) from endpoints")


async def test_a_key_that_does_not_fit(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """It is said before anything is copied."""
    await old.store.close()
    with pytest.raises(StartError, match="another key"):
        await _copy(file, target, clock, (OTHER_KEY,))


async def test_what_waits_is_claimed_by_the_new_store(moved: World) -> None:
    """A retry when it is due, not before."""
    at_once = len(await moved.claim())
    later = len(await moved.claim_later(3_600))
    assert (at_once, later) == (3, 1)


async def test_what_was_leased_is_pending(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """Whoever had it is no more."""
    await old.claim()
    await old.store.close()
    await _copy(file, target, clock)
    rows = await target.fetch("select status, count(*) from queue group by status order by status")
    assert [tuple(row) for row in rows] == [("held", 1), ("pending", 4)]


async def test_an_idempotency_key_still_counts(moved: World) -> None:
    """The same again gives the event of before."""
    assert (await moved.publish_keyed("k", b"f")).repeated


async def test_an_idempotency_key_with_another_body(moved: World) -> None:
    """It is still a conflict."""
    with pytest.raises(Conflict):
        await moved.publish_keyed("k", b"g")


async def test_a_set_keeps_its_members(moved: World) -> None:
    """The next member does not begin it again."""
    joined = Ingest(moved.event(type="first"), (), None, (), Membership("held", "cargo", "b", True))
    (answer,) = await moved.store.ingest([Ingest(moved.event(type="hold"), (), None, (joined,))])
    assert answer.followers == frozenset()


async def test_history_is_in_partitions_of_its_days(moved: World, target: "asyncpg.Connection[Any]") -> None:
    """So that retention can drop them; nothing is in the one for all the rest."""
    others = [await target.fetchval(f"select count(*) from {table}_other") for table in copying._HISTORY]
    assert others == [0, 0, 0]


async def test_history_is_pruned_by_the_new_store(moved: World) -> None:
    """Days that are old go, with all that was copied of them."""
    moved.clock.advance(30 * DAY)
    now = moved.clock.now()
    total, more = Pruned(), True
    while more:
        pruned, more = await moved.store.prune(now - 31 * DAY * 1_000, now - 31 * DAY * 1_000, now, 1_000)
        total = total.plus(pruned)
    assert (total.events, total.attempts) == (1, 1)


async def test_payloads_that_were_left_go_later(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """What outlived its retention because it waits is remembered."""
    await _payload_left(old)
    left = [event.id for event in (await old.store.events("demo", EVERYTHING)).data]
    await old.store.close()
    await _copy(file, target, clock)
    found = [row["id"] for row in await target.fetch("select id from left_payloads")]
    assert found == [id for id in reversed(left) if id in found] != []


async def test_a_filled_database_is_refused(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """A second copy adds nothing to the first one."""
    await old.store.close()
    await _copy(file, target, clock)
    with pytest.raises(StartError, match=r"not empty.*tenants"):
        await _copy(file, target, clock)


async def test_a_database_with_a_server_is_refused(
    old: World, file: Path, target: "asyncpg.Connection[Any]", postgres_url: str, clock: ManualClock
) -> None:
    """What it knows would be old."""
    await old.store.close()
    server = postgres_store(postgres_url, ManualClock(4_000_000_000_000))
    await server.open()
    with pytest.raises(StartError, match="Stop it first"):
        await _copy(file, target, clock)
    await server.close()


async def test_a_file_with_a_server_is_refused(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """It would store events that nobody copies."""
    with pytest.raises(StartError, match="owned by another"):
        await _copy(file, target, clock)
    await old.store.close()


async def test_a_copy_that_is_cut_short_leaves_nothing(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """And can be begun again."""
    await old.store.close()

    def cut(table: str, done: int, total: int) -> None:
        if table == "queue":
            raise Cut

    with pytest.raises(Cut):
        await _copy(file, target, clock, tell=cut)
    left = await target.fetchval("select count(*) from tenants")
    await _copy(file, target, clock)
    assert (left, await target.fetchval("select count(*) from tenants")) == (0, 2)


async def test_rows_that_do_not_arrive_undo_it(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """The counts of both sides are compared before the end."""
    await old.store.close()
    await target.execute(
        "create function lose() returns trigger language plpgsql as 'begin return null; end'"
    )
    await target.execute("create trigger lose before insert on keys for each row execute function lose()")
    with pytest.raises(StartError, match="0 of 2 rows of keys"):
        await _copy(file, target, clock)
    assert await target.fetchval("select count(*) from tenants") == 0


async def test_how_far_it_has_come_is_told(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """Each table up to all of its rows."""
    await old.store.close()
    told: dict[str, tuple[int, int]] = {}
    await _copy(file, target, clock, tell=lambda table, done, total: told.update({table: (done, total)}))
    assert [told["tenants"], {done - total for done, total in told.values()}] == [(2, 2), {0}]


async def test_ids_that_are_none_are_copied_too(
    old: World, file: Path, target: "asyncpg.Connection[Any]", clock: ManualClock
) -> None:
    """Rows of a clock that went wild need no partition of their own."""
    await old.store.close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "update events set id = 'evt_' || 'ffffffffffff' || substr(id, 17) where type = 'hold'"
        )
    await _copy(file, target, clock)
    assert await target.fetchval("select count(*) from events_other") == 1
