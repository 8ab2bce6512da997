"""Group commits on PostgreSQL: who is told what when a commit fails."""

import asyncio

import asyncpg
import pytest
from structlog.testing import capture_logs

from hookferry.errors import Unavailable
from hookferry.store.postgres.batcher import Batcher


async def test_a_database_that_is_away_is_no_bug() -> None:
    """A commit that finds the database gone on its way answers 503 and logs no bug (FAULTS, 7)."""

    async def commit(members: list[object]) -> list[object]:
        raise Unavailable("gone", for_all=True)

    batcher = Batcher(commit, lambda size: None, 100)
    with capture_logs() as logs:
        with pytest.raises(Unavailable):
            await batcher.submit(1, "a member")
        await batcher.close()
    assert logs == []


async def batches(apart: int) -> list[int]:
    """The sizes of commits where one comes, and after its answer two, so many rounds of the loop apart."""
    sizes: list[int] = []

    async def commit(members: list[object]) -> list[object]:
        return members

    batcher = Batcher(commit, sizes.append, 100)
    await batcher.submit(1, "a member")
    one = batcher.submit(1, "one")
    for _ in range(apart):
        await asyncio.sleep(0)
    await asyncio.gather(one, batcher.submit(1, "two"))
    await batcher.close()
    return sizes


async def test_who_comes_soon_after_a_commit_goes_together() -> None:
    """In a busy loop a round brings many, and each commit costs something for itself."""
    assert await batches(2) == [1, 2]


async def test_a_commit_waits_a_few_rounds_only() -> None:
    """In an idle loop that is next to nothing."""
    assert await batches(8) == [1, 1, 1]


async def test_nothing_waits_while_more_stands_ready() -> None:
    """A commit that was full by the weight of its members is followed at once: whoever comes then is late."""
    sizes: list[int] = []

    async def commit(members: list[object]) -> list[object]:
        return members

    batcher = Batcher(commit, sizes.append, 12)
    first, *others = [batcher.submit(1, "a member") for _ in range(20)]
    await first
    await asyncio.gather(*others, batcher.submit(1, "late"))
    assert sizes == [12, 8, 1]


class Meets:
    """A commit that meets another transaction so many times. Its mutable state is how often it was tried."""

    def __init__(self, times: int) -> None:
        self._times = times
        self.tries = 0

    async def __call__(self, members: list[object]) -> list[object]:
        self.tries += 1
        if self.tries <= self._times:
            raise asyncpg.SerializationError("could not serialize access")
        return members


async def test_a_commit_that_meets_another_is_tried_again() -> None:
    """FAULTS, 10."""
    batcher = Batcher(Meets(3), lambda size: None, 100)
    assert await batcher.submit(1, "a member") == "a member"


async def test_tries_are_bounded() -> None:
    """Whatever is in its way for good ends as 503, not as an endless wait (FAULTS, 10)."""
    commit = Meets(1000)
    with pytest.raises(Unavailable):
        await Batcher(commit, lambda size: None, 100).submit(1, "a member")
    assert commit.tries < 10


async def test_a_failure_that_nobody_knows_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a commit is told something, whatever the driver comes up with."""

    def puzzled(error: BaseException) -> None:
        raise AttributeError("an error without what errors have")

    monkeypatch.setattr("hookferry.store.postgres.batcher.unavailable", puzzled)
    with pytest.raises(AttributeError):
        await Batcher(Meets(1000), lambda size: None, 100).submit(1, "a member")


async def test_a_slow_commit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks why publishes take seconds finds it in the log."""
    monkeypatch.setattr("hookferry.store.postgres.batcher._SLOW", 0)
    with capture_logs() as logs:
        await Batcher(Meets(0), lambda size: None, 100).submit(1, "a member")
    assert [(line["event"], line["members"]) for line in logs] == [("slow commit", 1)]
