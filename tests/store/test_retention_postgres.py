"""Retention on PostgreSQL drops whole partitions, for which it needs their tables alone for a moment."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from hookferry.store.values import Ingest, Pruned
from tests.store.world import World, postgres_store
from tests.support.clock import ManualClock

DAY = 86_400


@pytest.fixture
async def world(migrated_url: str, clock: ManualClock) -> AsyncIterator[World]:
    """A store with an event of long ago, and nothing that waits."""
    store = postgres_store(migrated_url, clock)
    await store.open()
    world = World(store, clock)
    await world.add_tenant("demo")
    world.endpoint = await world.add_endpoint("demo")
    await store.ingest([Ingest(world.event(), ())])
    clock.advance(40 * DAY)
    yield world
    await store.close()


@pytest.fixture
async def reader(migrated_url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Somebody who reads for long, as a backup does."""
    connection = await asyncpg.connect(migrated_url)
    async with connection.transaction():
        await connection.fetchval("select count(*) from events")
        yield connection
    await connection.close()


async def prune(world: World) -> Pruned:
    now = world.clock.now()
    total, more = Pruned(), True
    while more:
        pruned, more = await world.store.prune(now - 30 * DAY * 1_000, now - 30 * DAY * 1_000, now, 100)
        total = total.plus(pruned)
    return total


async def test_publishing_does_not_wait_for_retention(
    world: World, reader: "asyncpg.Connection[Any]"
) -> None:
    """While somebody reads for long, retention lets go again soon: who comes behind it is not kept."""
    began = time.monotonic()
    pruning = asyncio.create_task(prune(world))
    while not pruning.done():
        await world.publish()
    assert (time.monotonic() - began < 2, await pruning) == (True, Pruned())


async def test_what_could_not_be_dropped_goes_later(world: World, migrated_url: str) -> None:
    """Nothing is forgotten."""
    connection = await asyncpg.connect(migrated_url)
    async with connection.transaction():
        await connection.fetchval("select count(*) from events")
        await prune(world)
    await connection.close()
    assert (await prune(world)).events == 1


async def test_a_start_does_not_wait_for_who_reads(
    world: World, reader: "asyncpg.Connection[Any]", migrated_url: str
) -> None:
    """Nor does it fail: partitions of days to come are made by whoever comes by later."""
    world.clock.advance(40 * DAY)
    began = time.monotonic()
    other = postgres_store(migrated_url, world.clock)
    await other.open()
    took = time.monotonic() - began
    await other.close()
    assert took < 2
