"""One thread that writes: what waits while a commit runs becomes the next commit (rule 7 of the queue)."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from hookferry.errors import HookferryError, Unavailable

T = TypeVar("T")

Many = Callable[[sqlite3.Connection, list[Any]], list[Any]]
"""Does the work of several members in one go: a result or a HookferryError for each, in their order."""

# What one commit may carry: beyond it latency grows and nothing else is gained.
_LARGEST_BATCH = 1024


Done = Callable[[list[tuple[Any, Any]]], None]
"""Told, on the event loop, the members of one commit with their results, which may be exceptions."""


class Job(NamedTuple):
    """A member of a batch: members of the same `run` are run together, lower `rank` first."""

    rank: int
    run: Many
    member: Any
    done: "asyncio.Future[Any] | Done"


class Writer:
    """Owns the writing connection. Its mutable state is the queue of jobs; `None` in it ends the thread."""

    def __init__(
        self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop, on_batch: Callable[[int], None]
    ) -> None:
        self._connection = connection
        self._loop = loop
        self._on_batch = on_batch
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hookferry-writer", daemon=True)
        self._thread.start()

    def submit(self, rank: int, run: Many, member: Any) -> "asyncio.Future[Any]":
        """Have `run` do a member's work in the next commit. Fails with Unavailable if it cannot write."""
        future = self._loop.create_future()
        self._jobs.put(Job(rank, run, member, future))
        return future

    def post(self, rank: int, run: Many, member: Any, done: Done) -> None:
        """The same without a future: `done` is called once for all such members of a commit."""
        self._jobs.put(Job(rank, run, member, done))

    def call(self, function: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Run a function alone in the next commit, in the order of the calls."""
        return self.submit(9, _call_each, function)

    async def close(self) -> None:
        """Commit what waits and end the thread."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, last = self._take(first)
            results = self._commit(batch)
            self._loop.call_soon_threadsafe(self._resolve, batch, results)
            if last:
                return

    def _take(self, first: Job) -> tuple[list[Job], bool]:
        batch = [first]
        while len(batch) < _LARGEST_BATCH and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                return batch, True
            batch.append(job)
        batch.sort(key=_rank)
        return batch, False

    def _commit(self, batch: list[Job]) -> list[Any]:
        """One transaction; if it fails, each half in one of its own, so that a bad member harms no other."""
        try:
            self._connection.execute("begin immediate")
            results = self._run_all(batch)
            self._connection.execute("commit")
            return results
        except (sqlite3.Error, HookferryError) as error:
            failure: Exception = error if isinstance(error, HookferryError) else unavailable(error)
        except Exception as error:  # a bug of ours must answer its caller, not end the thread
            failure = error
        self._roll_back()
        if len(batch) == 1 or (isinstance(failure, Unavailable) and failure.for_all):
            return [failure] * len(batch)
        half = len(batch) // 2
        return self._commit(batch[:half]) + self._commit(batch[half:])

    def _run_all(self, batch: list[Job]) -> list[Any]:
        results: list[Any] = []
        start = 0
        for end in range(1, len(batch) + 1):
            if end == len(batch) or batch[end].run is not batch[start].run:
                results += batch[start].run(self._connection, [job.member for job in batch[start:end]])
                start = end
        return results

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("rollback")

    def _resolve(self, batch: list[Job], results: list[Any]) -> None:
        self._on_batch(len(batch))
        posted: dict[Done, list[tuple[Any, Any]]] = {}
        for job, result in zip(batch, results, strict=True):
            if not isinstance(job.done, asyncio.Future):
                posted.setdefault(job.done, []).append((job.member, result))
            elif job.done.cancelled():
                continue
            elif isinstance(result, Exception):
                job.done.set_exception(result)
            else:
                job.done.set_result(result)
        for done, members in posted.items():
            done(members)


def _rank(job: Job) -> int:
    return job.rank


def _call_each(
    connection: sqlite3.Connection, functions: list[Callable[[sqlite3.Connection], Any]]
) -> list[Any]:
    """Each in a savepoint: one that is refused leaves nothing behind and the others alone."""
    results: list[Any] = []
    for function in functions:
        connection.execute("savepoint one")
        try:
            results.append(function(connection))
        except HookferryError as error:
            connection.execute("rollback to one")
            results.append(error)
        connection.execute("release one")
    return results


_CAUSES = {
    "SQLITE_FULL": "The disk is full. Free some space; nothing has to be restarted.",
    "SQLITE_READONLY": "The database file cannot be written. Check its owner, mode and file system.",
    "SQLITE_CORRUPT": "The database file is damaged. Stop, and restore it from a backup.",
    "SQLITE_NOTADB": "The file is not a SQLite database. Name another one, or restore a backup.",
    "SQLITE_BUSY": "Another program holds a lock on the database file. Close it there.",
    "SQLITE_IOERR": "The disk answers with errors. Look at the system's log.",
    "SQLITE_CANTOPEN": "The file cannot be opened. Check its folder, owner and mode.",
}


def unavailable(error: sqlite3.Error) -> HookferryError:
    """What a failure of SQLite means to a caller, and what to do about it."""
    if isinstance(error, sqlite3.IntegrityError):
        return HookferryError(f"The database refused a row: {error}.")
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, message in _CAUSES.items():
        if name.startswith(prefix):
            return Unavailable(message, for_all=True)
    return Unavailable(f"The database refused a write: {error}.")
