"""The services over a real SQLite file, with a tenant `demo`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookferry.service.forms import NewTenant
from hookferry.service.services import Services
from hookferry.store.base import Store
from tests.store.world import World, sqlite_store
from tests.support.clock import ManualClock
from tests.support.services import House


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    store = sqlite_store(tmp_path / "test.db", clock)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def house(store: Store, clock: ManualClock) -> House:
    house = House(store, clock)
    await house.services.tenants.create(NewTenant(id="demo", name="Demo"))
    return house


@pytest.fixture
def services(house: House) -> Services:
    return house.services


@pytest.fixture
def world(house: House, clock: ManualClock) -> World:
    """The same store, for what the engine would do with it."""
    return World(house.store, clock)
