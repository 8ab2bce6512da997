"""The clock jumps, on each backend (FAULTS, 12)."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookferry.clock import DatabaseClock
from hookferry.delivery.guard import Guard
from hookferry.delivery.sender import Sender
from hookferry.receiver import Answer, Receiver
from tests.store.world import postgres_store, sqlite_store
from tests.support.clock import ManualClock
from tests.support.engine import LOOPBACK, Engine

HOUR = 3600


@pytest.fixture(params=["sqlite", "postgres"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine that runs, with one endpoint."""
    clock, sender = ManualClock(), Sender(Guard(LOOPBACK))
    store = (
        sqlite_store(tmp_path / "a.db", clock)
        if request.param == "sqlite"
        else postgres_store(request.getfixturevalue("migrated_url"), clock)
    )
    await store.open()
    async with Receiver(clock=clock) as receiver:
        made = Engine(store, clock, receiver, sender)
        await made.add_tenant()
        await made.add_endpoint()
        made.start()
        yield made
        await made.stop()
    await sender.close()
    await store.close()


async def ticking(engine: Engine, count: int) -> None:
    """Return once so many attempts are settled, while time goes on as it does."""
    async with asyncio.timeout(20):
        while len(engine.settled) < count:
            engine.clock.advance(0.2)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_fault_12_what_is_published_after_a_jump_arrives(engine: Engine, jump: int) -> None:
    """Although every lease has lapsed, or ends an hour late."""
    await engine.publish()
    await engine.until_settled(1)
    engine.clock.advance(jump)
    await engine.publish()
    await ticking(engine, 2)
    assert await engine.statuses() == ["succeeded", "succeeded"]


async def test_fault_12_a_retry_comes_early(engine: Engine) -> None:
    """After a jump ahead; it is not lost, and not sent twice."""
    engine.receiver.answer("/hooks", Answer(500), Answer(200))
    await engine.publish()
    await engine.until_settled(1)
    engine.clock.advance(HOUR)
    await ticking(engine, 2)
    assert (await engine.statuses(), engine.receiver.count) == (["succeeded"], 2)


def test_fault_12_machines_follow_the_databases_clock() -> None:
    """Whatever a machine's own says: what one stores as due is due for all at the same time."""
    clock = DatabaseClock()
    an_hour_ago = clock.now() - HOUR * 1000
    clock.set(an_hour_ago, time.monotonic())
    assert abs(clock.now() - an_hour_ago) < 1000
