"""A tail of two processes on one PostgreSQL database."""

import asyncio
from collections.abc import AsyncIterator, Collection, Set
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import msgspec
import pytest

from hookferry.ids import IdMaker
from hookferry.model import DeliveryStatus, EndpointStatus
from hookferry.service.polling import Poll
from hookferry.service.tail import Reader, Tail
from hookferry.store.postgres.connection import connect_once
from hookferry.store.sqlite import SqliteStore
from hookferry.store.values import Settlement, Watched
from hookferry.store.vault import Vault
from tests.store.world import KEY, World, two_processes
from tests.support.clock import ManualClock

SUCCEEDED = DeliveryStatus.SUCCEEDED
# More than from one look to the next, in seconds.
LOOK = 0.25


@pytest.fixture
async def both(migrated_url: str, clock: ManualClock) -> AsyncIterator[tuple[World, World]]:
    """Two processes, and a tenant `demo` with one endpoint."""
    async with two_processes(migrated_url, clock) as worlds:
        yield worlds


@asynccontextmanager
async def watching(world: World) -> AsyncIterator[Reader]:
    """Somebody who watches the tenant through a process, from now on."""
    tail = Tail(Poll(world.store, world.clock).run)
    reader = tail.open("demo")
    await reader.begun.wait()
    yield reader
    tail.leave(reader)


async def settle_one(world: World) -> str:
    """Publish an event and settle its delivery; the id of the attempt."""
    await world.publish()
    settled = await world.settle(await world.claim_one(), SUCCEEDED)
    assert settled.settlement.attempt is not None
    return settled.settlement.attempt.id


async def take(world: World, reader: Reader, count: int) -> list[str]:
    """The ids of what is shown within the next looks, once they are so many."""
    taken: list[str] = []
    async with asyncio.timeout(20):
        while len(taken) < count:
            world.clock.advance(LOOK)
            found, _ = await reader.take(0.1)
            taken += [one.attempt.id for one in found]
    return taken


async def settle_late(world: World, seconds: float) -> str:
    """Settle an attempt that was made so much earlier."""
    await world.publish()
    work = await world.claim_one()
    attempt = world.attempt(work)
    world.clock.advance(seconds)
    world.store.settle(Settlement(work, SUCCEEDED, world.clock.now(), attempt))
    await world.flush()
    return attempt.id


async def test_what_another_process_settles_is_shown(both: tuple[World, World]) -> None:
    """Whichever is asked."""
    one, other = both
    async with watching(one) as reader:
        settled = [await settle_one(world) for world in (other, one, other)]
        assert sorted(await take(one, reader, 3)) == sorted(settled)


async def test_each_attempt_is_shown_once(both: tuple[World, World]) -> None:
    """Though each look goes back over what was shown."""
    one, other = both
    async with watching(one) as reader:
        shown = []
        settled = []
        for _ in range(30):
            settled.append(await settle_one(other))
            shown += await take(one, reader, 1)
    assert shown == settled


async def test_what_was_before_is_not_shown(both: tuple[World, World]) -> None:
    """Nothing is replayed."""
    one, other = both
    await settle_one(other)
    async with watching(one) as reader:
        settled = await settle_one(other)
        assert await take(one, reader, 1) == [settled]


async def test_what_is_committed_late_is_shown(both: tuple[World, World]) -> None:
    """Commits do not come in the order of ids."""
    one, other = both
    async with watching(one) as reader:
        late = await settle_late(other, 4)
        assert await take(one, reader, 1) == [late]


async def test_what_was_on_its_way_when_its_endpoint_was_deleted_is_shown(both: tuple[World, World]) -> None:
    """It was sent."""
    one, other = both
    async with watching(one) as reader:
        await other.publish()
        work = await other.claim_one()
        await one.store.change_endpoint(
            "demo",
            one.endpoint.id,
            lambda old: msgspec.structs.replace(old, status=EndpointStatus.DELETED),
        )
        settled = await other.settle(work, SUCCEEDED)
        assert settled.settlement.attempt is not None
        assert await take(one, reader, 1) == [settled.settlement.attempt.id]


async def test_nothing_is_missed_while_the_history_cannot_be_read(
    both: tuple[World, World], migrated_url: str
) -> None:
    """However long: the next look goes back to the last one that was answered."""
    one, other = both
    connection = await connect_once(migrated_url)
    async with watching(one) as reader:
        await other.publish()
        work = await other.claim_one()
        await connection.execute("alter table events rename to gone")
        settled = await other.settle(work, SUCCEEDED)
        for _ in range(100):
            one.clock.advance(LOOK)
            await reader.take(0.005)
        await connection.execute("alter table gone rename to events")
        assert settled.settlement.attempt is not None
        assert await take(one, reader, 1) == [settled.settlement.attempt.id]
    await connection.close()


async def test_what_comes_after_a_first_look_that_failed_is_shown(
    both: tuple[World, World], migrated_url: str
) -> None:
    """Who is told that the tail has begun misses nothing from then on."""
    one, other = both
    connection = await connect_once(migrated_url)
    await connection.execute("alter table attempts rename to gone")
    async with watching(one) as reader:
        one.clock.advance(0.01)
        await connection.execute("alter table gone rename to attempts")
        settled = await settle_one(other)
        assert await take(one, reader, 1) == [settled]
    await connection.close()


async def test_who_watches_many_tenants_looks_at_one_at_a_time(tmp_path: Path, clock: ManualClock) -> None:
    """Lists of the history have a connection of their own."""
    store = _Slow(tmp_path / "test.db", clock, IdMaker(clock.now, Random().getrandbits), Vault(KEY))
    await store.open()
    tail = Tail(Poll(store, clock).run)
    readers = [tail.open(tenant) for tenant in ("one", "two", "three")]
    async with asyncio.timeout(20):
        for reader in readers:
            await reader.begun.wait()
    for reader in readers:
        tail.leave(reader)
    await store.close()
    assert store.most == 1


async def test_a_slow_look_makes_the_next_one_wait(tmp_path: Path, clock: ManualClock) -> None:
    """Looks take a fifth of the time at most."""
    store = _Slow(tmp_path / "test.db", clock, IdMaker(clock.now, Random().getrandbits), Vault(KEY))
    await store.open()
    store.takes = 2
    tail = Tail(Poll(store, clock).run)
    reader = tail.open("one")
    await reader.begun.wait()
    for _ in range(7):
        clock.advance(1)
        await reader.take(0.01)
    looks = store.looks
    clock.advance(1)
    await reader.take(0.1)
    tail.leave(reader)
    await store.close()
    assert (looks, store.looks) == (1, 2)


class _Slow(SqliteStore):
    """One whose looks take so many seconds, and are counted: in all, and how many at most at once."""

    takes = 0.0
    looks = 0
    most = 0
    _now = 0

    async def settled_since(
        self, tenant: str, endpoints: Collection[str], since: int, known: Set[str], limit: int
    ) -> tuple[Set[str], list[Watched]]:
        self.looks += 1
        self._now += 1
        self.most = max(self.most, self._now)
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(self.takes)
        try:
            return await super().settled_since(tenant, endpoints, since, known, limit)
        finally:
            self._now -= 1


async def test_too_many_at_once_are_counted(both: tuple[World, World]) -> None:
    """The newest are shown, and how many are not."""
    one, other = both
    async with watching(one) as reader:
        await other.store.ingest([other.ingest_of(other.event()) for _ in range(1_200)])
        works = await other.claim(2_000, 2_000)
        for work in works:
            attempt = other.attempt(work)
            other.store.settle(Settlement(work, SUCCEEDED, other.clock.now(), attempt))
        await other.flush()
        one.clock.advance(LOOK)
        found, missed = await reader.take(20)
    assert (len(works), len(found), missed) == (1_200, 1_000, 200)
