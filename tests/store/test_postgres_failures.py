"""What PostgreSQL refuses, in our words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hookferry.errors import HookferryError, NotFound
from hookferry.store.postgres import PostgresStore
from tests.store.world import World, postgres_store
from tests.support.clock import ManualClock


@pytest.fixture
async def world(migrated_url: str, clock: ManualClock) -> AsyncIterator[World]:
    store = postgres_store(migrated_url, clock)
    await store.open()
    world = World(store, clock)
    await world.add_tenant("demo")
    world.endpoint = await world.add_endpoint("demo")
    yield world
    await store.close()


async def test_a_refused_row_is_not_quoted(world: World) -> None:
    """The database's details hold values, which may be a customer's."""
    event = world.event()
    await world.publish(event=event)
    with pytest.raises(HookferryError, match="duplicate key") as refused:
        await world.publish(event=event)
    assert event.id not in refused.value.message


async def test_nothing_has_nul_in_its_name(world: World) -> None:
    """PostgreSQL has no such texts: what is asked for by one is not there, and that is no bug."""
    with pytest.raises(NotFound):
        await world.store.event("demo", "evt_\0")


async def test_nothing_with_nul_in_its_name_is_retried(world: World) -> None:
    """Nor where something would be written."""
    with pytest.raises(NotFound):
        await world.store.retry("demo", "dlv_\0", "dlv_1", 0)


async def test_a_quota_is_counted_while_all_read_the_history(world: World) -> None:
    """Publishing does not wait for somebody's long lists."""
    store = world.store
    assert isinstance(store, PostgresStore)
    await world.publish()
    async with AsyncExitStack() as stack:
        for _ in range(store._readers.get_max_size()):
            await stack.enter_async_context(store._readers.acquire())
        async with asyncio.timeout(2):
            assert await store.waiting("demo", 10) == 1
