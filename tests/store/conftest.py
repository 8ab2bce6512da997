"""Every test of this folder runs on every backend."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookferry.store.base import Store
from tests.store.world import World, sqlite_store
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite"])
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    store = sqlite_store(tmp_path / "test.db", clock)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def world(store: Store, clock: ManualClock) -> World:
    """A tenant `demo` with one endpoint for everything."""
    world = World(store, clock)
    await world.add_tenant("demo")
    world.endpoint = await world.add_endpoint("demo")
    return world
