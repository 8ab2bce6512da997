"""Group commit: what waits while a commit runs becomes the next one (rule 7 of the queue)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import structlog

from hookferry.errors import Unavailable
from hookferry.logs import described
from hookferry.store.answering import Done, Waits, answer
from hookferry.store.postgres.connection import AGAIN, FAILURES, TRIES, unavailable

_log = structlog.get_logger("hookferry.store")

# A commit costs the database and us 0.3 ms for itself, and 10 µs for each member. Between two the loop goes
# round so often: if it is busy that takes milliseconds and brings members, if it is idle next to nothing. One
# process has 11 % more throughput so with 32 publishers and 5 % with 16, which lost a third where the wait
# was of some milliseconds.
_ROUNDS = 4
# A commit that takes so many seconds waits for something: the disk, a standby, somebody's lock.
_SLOW = 1.0


class Job(NamedTuple):
    """A member of a batch, about how many rows it writes, and who is told."""

    weight: int
    member: Any
    done: Waits


class Batcher:
    """Runs `commit` for many members in one transaction, one transaction at a time.

    `commit` gives a result for each, which may be an exception. `heaviest` bounds the rows of one
    transaction, `on_batch` is told how many members each had. Its mutable state is what waits.
    """

    def __init__(
        self,
        commit: Callable[[list[Any]], Awaitable[list[Any]]],
        on_batch: Callable[[int], None],
        heaviest: int,
    ) -> None:
        self._commit = commit
        self._on_batch = on_batch
        self._heaviest = heaviest
        self._jobs: list[Job] = []
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    def submit(self, weight: int, member: Any) -> "asyncio.Future[Any]":
        """Take a member to the next commit. Fails with Unavailable if nothing can be written."""
        future = self._loop.create_future()
        self._add(Job(weight, member, future))
        return future

    def post(self, weight: int, member: Any, done: Done) -> None:
        """The same without a future: `done` is called once for all such members of a commit."""
        self._add(Job(weight, member, done))

    @property
    def busy(self) -> bool:
        """True while a commit runs, or the next one gathers."""
        return self._task is not None

    async def close(self) -> None:
        """Commit what waits."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def _add(self, job: Job) -> None:
        self._jobs.append(job)
        if self._task is None:
            self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            # What the same round of the loop asks for goes together.
            await asyncio.sleep(0)
            while self._jobs:
                batch = self._take()
                more = bool(self._jobs)
                self._tell(batch, await self._timed([job.member for job in batch]))
                if not more:
                    await self._gather()
        finally:
            self._task = None
            if self._jobs:
                self._task = self._loop.create_task(self._run())

    async def _gather(self) -> None:
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)

    def _take(self) -> list[Job]:
        count = weight = 0
        for job in self._jobs:
            weight += job.weight
            if count and weight > self._heaviest:
                break
            count += 1
        batch = self._jobs[:count]
        del self._jobs[:count]
        return batch

    async def _timed(self, members: list[Any]) -> list[Any]:
        began = time.monotonic()
        try:
            return await self._results(members)
        except Exception as error:  # a bug in what tells failures apart: nobody may wait for ever
            return [error] * len(members)
        finally:
            if (seconds := time.monotonic() - began) > _SLOW:
                _log.warning("slow commit", seconds=round(seconds, 1), members=len(members))

    async def _results(self, members: list[Any]) -> list[Any]:
        """What became of each member. Those of a batch that is refused are tried in halves."""
        try:
            return await self._tried(members)
        except FAILURES as error:
            failure: Exception = unavailable(error)
        except Unavailable as error:
            failure = error
        except Exception as error:  # a bug of ours must answer its caller, not end the loop
            failure = error
            _log.error("a commit ran into a bug", **described(error))
        if len(members) == 1 or (isinstance(failure, Unavailable) and failure.for_all):
            return [failure] * len(members)
        half = len(members) // 2
        return await self._results(members[:half]) + await self._results(members[half:])

    async def _tried(self, members: list[Any]) -> list[Any]:
        for turn in range(TRIES):
            try:
                return await self._commit(members)
            except AGAIN:
                await asyncio.sleep(0.005 * 2**turn * random.random())  # noqa: S311 - spreads, hides nothing
        return await self._commit(members)

    def _tell(self, batch: list[Job], results: list[Any]) -> None:
        last = results[-1]
        if isinstance(last, Unavailable) and last.for_all:
            # What every other write would meet too, all that wait are told.
            results = results + [last] * len(self._jobs)
            batch, self._jobs = batch + self._jobs, []
        self._on_batch(len(batch))
        answer((job.done, job.member, result) for job, result in zip(batch, results, strict=True))
