"""Settlements that do not wait for the disk: the next publish takes them along, or they see to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import psycopg
import pytest

from hookferry.model import DeliveryStatus
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

    def __init__(self, url: str, proxy: Proxy, world: World) -> None:
        self.proxy = proxy
        self.world = world
        self._url = url

    async def __aenter__(self) -> Self:
        world = self.world
        await world.store.open()
        await world.add_tenant("demo")
        world.endpoint = await world.add_endpoint("demo")
        await world.publish()
        self._work = await world.claim_one()
        self._lock = await psycopg.AsyncConnection.connect(self._url)
        # As a rescue does, for a moment.
        await self._lock.execute("select 1 from workers for update")
        self._hanging = asyncio.create_task(world.publish())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.publish_at_last()
        await self.world.store.close()

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
        self.world.store.settle(Settlement(self._work, DeliveryStatus.SUCCEEDED, now, attempt))
        await self.proxy.held()


@asynccontextmanager
async def publishing(url: str, clock: ManualClock) -> AsyncIterator[Publishing]:
    async with proxied(url) as proxy:
        world = World(postgres_store(proxy.before(url), clock), clock)
        async with Publishing(url, proxy, world) as those:
            yield those


async def test_a_crash_before_that_loses_no_result(
    durable_postgres: PostgresServer, clock: ManualClock
) -> None:
    """It was committed, and is gone: else the delivery would be leased for as long as its worker lives."""
    url = durable_postgres.url(durable_postgres.new_database())
    async with publishing(url, clock) as those:
        await those.settle()
        those.proxy.deaf()
        await asyncio.to_thread(durable_postgres.restart)
        those.proxy.reset()
        those.proxy.heal()
        await those.world.until_settled()
        assert await those.world.statuses() == ["succeeded"]


async def test_a_publish_that_hangs_holds_nothing_up(migrated_url: str, clock: ManualClock) -> None:
    """Nor does one that does not come."""
    async with publishing(migrated_url, clock) as those:
        await those.settle()
        those.proxy.heal()
        await those.world.until_settled()
        assert await those.world.statuses() == ["succeeded"]


async def test_the_next_publish_is_enough(
    migrated_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is written once for both."""
    monkeypatch.setattr("hookferry.store.postgres.flushes._PATIENCE", 60)
    async with publishing(migrated_url, clock) as those:
        await those.settle()
        those.proxy.heal()
        await those.publish_at_last()
        await those.world.publish()
        await those.world.until_settled()
        assert await those.world.statuses() == ["succeeded", "pending", "pending"]
