"""The keeper: what it does when its time has come, and what it does not fall over."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookferry.delivery.keeper import Keeper
from hookferry.errors import NotFound
from hookferry.model import DeliveryStatus
from tests.store.world import World, sqlite_store
from tests.support.clock import ManualClock

DAY = 86_400.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = ManualClock()
    store = sqlite_store(tmp_path / "test.db", clock)
    await store.open()
    world = World(store, clock)
    await world.add_tenant("demo")
    world.endpoint = await world.add_endpoint("demo")
    yield world
    await store.close()


class Keeping:
    """A keeper at work on a world's store. `woken` counts its wake-ups, `noted` its notes of keys."""

    def __init__(self, world: World, failing: Exception | None = None) -> None:
        self._world = world
        self._failing = failing
        self.woken = 0
        self.noted = 0

    async def __aenter__(self) -> "Keeping":
        self._keeper = Keeper(
            self._world.store, self._world.clock, 30, DAY, DAY, self._wake, self._note, _nothing
        )
        self._task = asyncio.create_task(self._keeper.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeper.stop()
        self._world.clock.advance(60)
        await self._task

    async def second(self) -> None:
        """One more second, and what falls due in it."""
        self._world.clock.advance(1)
        for _ in range(5):
            await self._world.flush()

    def _wake(self) -> None:
        self.woken += 1

    async def _note(self) -> None:
        self.noted += 1
        if self._failing is not None:
            raise self._failing


async def _nothing() -> None:
    """There are no replays."""


async def _is_kept(world: World, event: str) -> bool:
    try:
        await world.store.event("demo", event)
    except NotFound:
        return False
    return True


async def test_pruning_goes_on_past_what_waits(world: World) -> None:
    """More than it looks at in one go still waits: what is behind goes all the same, within seconds."""
    held = [world.ingest_of(world.event(), status=DeliveryStatus.HELD) for _ in range(4_500)]
    await world.store.ingest(held)
    done = world.event()
    await world.publish(event=done)
    await world.settle(await world.claim_one(), DeliveryStatus.SUCCEEDED)
    world.clock.advance(2 * DAY)
    async with Keeping(world) as keeping:
        for _ in range(5):
            await keeping.second()
        assert not await _is_kept(world, done.id)


async def test_pruning_takes_its_time_over_what_waits(world: World) -> None:
    """One step a second, so that a large backlog costs publishers little."""
    held = [world.ingest_of(world.event(), status=DeliveryStatus.HELD) for _ in range(4_500)]
    await world.store.ingest(held)
    done = world.event()
    await world.publish(event=done)
    await world.settle(await world.claim_one(), DeliveryStatus.SUCCEEDED)
    world.clock.advance(2 * DAY)
    async with Keeping(world) as keeping:
        await keeping.second()
        assert await _is_kept(world, done.id)


async def test_a_bug_in_a_duty_ends_no_other(world: World) -> None:
    """The keeper goes on, and comes back to the duty when it is due again."""
    async with Keeping(world, failing=KeyError("a bug")) as keeping:
        await keeping.second()
        world.clock.advance(30)
        await keeping.second()
        assert keeping.noted == 2
