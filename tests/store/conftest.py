"""Every test of this folder runs on every backend."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookferry.store.base import Store
from hookferry.store.postgres import PostgresStore
from hookferry.store.sqlite import SqliteStore
from tests.store.world import World, postgres_store, sqlite_store
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    store: SqliteStore | PostgresStore
    if request.param == "sqlite":
        store = sqlite_store(tmp_path / "test.db", clock)
    else:
        store = postgres_store(request.getfixturevalue("migrated_url"), clock)
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
