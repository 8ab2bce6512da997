"""Settlements that do not wait for the disk: the next publish takes them along, or they see to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import LiteralString, Self

import psycopg
import pytest

from hookferry.model import DeliveryStatus
from hookferry.store.postgres import PostgresStore
from hookferry.store.postgres.flushes import Flushes
from hookferry.store.values import Settlement
from tests.store.world import World, postgres_store
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer
from tests.support.proxy import Proxy, proxied


async def test_a_commit_that_begins_later_takes_it_along() -> None:
    """The log is written in order."""
    flushes = Flushes()
    waiting = asyncio.create_task(flushes.awaited("a session"))
    await asyncio.sleep(0)
    flushes.begun("a session").set()
    assert await waiting


async def test_a_commit_that_had_begun_does_not() -> None:
    """It may have been written first."""
    flushes = Flushes()
    before = flushes.begun("a session")
    waiting = asyncio.create_task(flushes.awaited("a session"))
    await asyncio.sleep(0)
    before.set()
    assert not await waiting


async def test_a_commit_of_another_session_does_not() -> None:
    """The server may have crashed in between, and have forgotten it."""
    flushes = Flushes()
    waiting = asyncio.create_task(flushes.awaited("a session"))
    await asyncio.sleep(0)
    flushes.begun("another").set()
    assert not await waiting


class Publishing:
    """A world on PostgreSQL, behind a proxy: a delivery is leased, and a publish hangs before its commit.

    Its mutable state is the lock that the publish waits for.
    """

    def __init__(self, url: str, proxy: Proxy, store: PostgresStore, clock: ManualClock) -> None:
        self.proxy = proxy
        self.world = World(store, clock)
        self._url = url
        self._store = store

    async def __aenter__(self) -> Self:
        world = self.world
        await self._store.open()
        await world.add_tenant("demo")
        world.endpoint = await world.add_endpoint("demo")
        await world.publish()
        self._work = await world.claim_one()
        self._lock = await psycopg.AsyncConnection.connect(self._url)
        # As a rescue does, for a moment. Confirmations wait for it too, which would write the disk.
        await self._lock.execute("select 1 from workers for update")
        self._hanging = asyncio.create_task(world.publish())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.publish_at_last()
        await self._store.close()

    async def publish_at_last(self) -> None:
        """What hangs goes on."""
        await self._lock.close()
        await asyncio.gather(self._hanging, return_exceptions=True)

    async def settle(self) -> None:
        """The delivery has arrived, and that is committed; we are about to hear of it."""
        # The answer names it.
        self.proxy.half_open(self._work.delivery.id.encode())
        attempt = self.world.attempt(self._work)
        now = self.world.clock.now()
        self._store.settle(Settlement(self._work, DeliveryStatus.SUCCEEDED, now, attempt))
        await self.proxy.held()

    async def heard(self) -> None:
        """Return once we have heard of it, and wait for somebody's commit."""
        async with asyncio.timeout(20):
            while self._store._flushes.session is None:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)

    async def queued(self) -> list[str]:
        """What the database has in its queue, by status."""
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            rows = await connection.execute("select status from queue order by id")
            return [status for (status,) in await rows.fetchall()]


@asynccontextmanager
async def publishing(url: str, clock: ManualClock, pooled: bool = False) -> AsyncIterator[Publishing]:
    """With `pooled`, as if a pooler stood before the database."""
    async with proxied(url) as proxy:
        store = postgres_store(proxy.before(url), clock, direct=url if pooled else None)
        async with Publishing(url, proxy, store, clock) as those:
            yield those


@pytest.fixture
def crashing(durable_postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server that writes to its disk only what somebody waits for."""
    configure(durable_postgres, "alter system set wal_writer_delay = '10s'")
    yield durable_postgres
    configure(durable_postgres, "alter system reset wal_writer_delay")


def configure(server: PostgresServer, setting: LiteralString) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(setting)
        connection.execute("select pg_reload_conf()")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees to it before a publish does."""
    monkeypatch.setattr("hookferry.store.postgres.flushes._PATIENCE", 60)


async def test_a_crash_before_that_loses_no_result(crashing: PostgresServer, clock: ManualClock) -> None:
    """It was committed, and is gone: else the delivery would be leased for as long as its worker lives."""
    async with publishing(crashing.url(crashing.new_database()), clock) as those:
        await those.settle()
        those.proxy.deaf()
        await those.heard()
        await asyncio.to_thread(crashing.restart)
        those.proxy.reset()
        those.proxy.heal()
        await those.world.until_settled()
        assert await those.queued() == []


async def test_a_crash_after_a_second_try_loses_no_result(
    crashing: PostgresServer, clock: ManualClock
) -> None:
    """It found the delivery ended, by a commit that nobody had waited for."""
    async with publishing(crashing.url(crashing.new_database()), clock) as those:
        await those.settle()
        those.proxy.deaf()
        await those.heard()
        those.proxy.reset()
        those.proxy.heal()
        await those.world.until_settled()
        await asyncio.to_thread(crashing.restart)
        assert await those.queued() == []


async def test_a_publish_that_hangs_holds_nothing_up(migrated_url: str, clock: ManualClock) -> None:
    """Nor does one that does not come."""
    async with publishing(migrated_url, clock) as those:
        await those.settle()
        those.proxy.heal()
        await those.heard()
        await those.world.until_settled()
        assert await those.queued() == []


@pytest.mark.usefixtures("patient")
async def test_the_publish_that_hangs_is_not_enough(migrated_url: str, clock: ManualClock) -> None:
    """It had begun before: its commit may have been written first."""
    async with publishing(migrated_url, clock) as those:
        await those.settle()
        those.proxy.heal()
        await those.heard()
        await those.publish_at_last()
        for _ in range(10):
            await asyncio.sleep(0)
        unsettled = those.world.store.unsettled
        await those.world.publish()
        assert unsettled == 1


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("key", [None, "k"])
async def test_the_next_publish_is_enough(key: str | None, migrated_url: str, clock: ManualClock) -> None:
    """The disk is written once for both; also where the publish has an idempotency key."""
    async with publishing(migrated_url, clock) as those:
        await those.settle()
        those.proxy.heal()
        await those.heard()
        await those.publish_at_last()
        if key is None:
            await those.world.publish()
        else:
            await those.world.publish_keyed(key, b"f")
        await those.world.until_settled()
        assert await those.queued() == ["pending", "pending"]


@pytest.mark.usefixtures("patient")
async def test_behind_a_pooler_no_publish_is_waited_for(migrated_url: str, clock: ManualClock) -> None:
    """Its sessions outlive the server's, and prove nothing."""
    async with publishing(migrated_url, clock, pooled=True) as those:
        await those.settle()
        those.proxy.heal()
        await those.world.until_settled()
        assert await those.queued() == []
