"""Readiness: found out by writing, at a bounded cost."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hookferry.service.readiness import Readiness
from hookferry.store.sqlite import SqliteStore
from tests.support.clock import ManualClock


@pytest.fixture
def writes(store: SqliteStore) -> list[int]:
    """One for each commit."""
    writes: list[int] = []
    store.batches = writes.append
    return writes


@pytest.fixture
def readiness(store: SqliteStore, clock: ManualClock) -> Readiness:
    return Readiness(store, clock)


@contextmanager
def locked(tmp_path: Path) -> Iterator[None]:
    """Meanwhile another program holds the lock to write."""
    with closing(sqlite3.connect(tmp_path / "test.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        yield
        other.execute("rollback")


async def test_those_who_ask_at_once_share_a_write(readiness: Readiness, writes: list[int]) -> None:
    """A hundred checks are one member of one commit."""
    await asyncio.gather(*[readiness.check() for _ in range(100)])
    assert writes == [1]


async def test_an_answer_holds_for_a_second(
    readiness: Readiness, writes: list[int], clock: ManualClock
) -> None:
    """Who asks within it causes no write."""
    await readiness.check()
    clock.advance(0.999)
    await readiness.check()
    assert len(writes) == 1


@pytest.mark.parametrize("seconds", [1, -3600])
async def test_an_answer_does_not_hold_longer(
    readiness: Readiness, writes: list[int], clock: ManualClock, seconds: float
) -> None:
    """Nor when the clock goes back."""
    await readiness.check()
    clock.advance(seconds)
    await readiness.check()
    assert len(writes) == 2


async def test_a_database_that_cannot_be_written(readiness: Readiness, tmp_path: Path) -> None:
    """The reason is said."""
    with locked(tmp_path):
        reason = await readiness.check()
    assert reason == "Another program holds a lock on the database file. Close it there."


async def test_who_goes_away_takes_the_answer_from_nobody(readiness: Readiness) -> None:
    """A probe that gives up early does not make the others fail."""
    first = asyncio.create_task(readiness.check())
    second = asyncio.create_task(readiness.check())
    await asyncio.sleep(0)
    first.cancel()
    assert await second is None
