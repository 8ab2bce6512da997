"""One writer: what waits while a commit runs becomes the next commit (rule 7 of the queue).

The many small statements of a batch run on the event loop, the commit with its flush to disk runs in a
thread. With the statements in the thread too, an event cost 270 µs of processor time instead of 150 and
throughput fell by half: each step of a statement lets go of the interpreter's lock and then queues for
it behind a busy loop. A statement for a whole batch takes some 10 µs a member, so that the loop is held
for a millisecond or two. What may take longer is a `call`, and runs in the thread.
"""

import asyncio
import sqlite3
from bisect import bisect_right
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import accumulate
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from hookferry.errors import HookferryError, Unavailable
from hookferry.store.answering import Done, Waits, answer
from hookferry.store.sqlite.checkpoints import Checkpoints, move

T = TypeVar("T")

Many = Callable[[sqlite3.Connection, list[Any]], list[Any]]
"""Does the work of several members in one go: a result or a HookferryError for each, in their order."""

# How many rows one commit may carry: the loop is held while their statements run, some 10 µs each.
_HEAVIEST_BATCH = 192
# Milliseconds that a lock of another program is waited for, in the thread.
_BUSY = 2000


class Job(NamedTuple):
    """A member of a batch: members of the same `run` are run together, lower `rank` first.

    `weight` is about how many rows it writes.
    """

    rank: int
    weight: int
    run: Many
    member: Any
    done: Waits


_CALL = 9
_RANK = attrgetter("rank")


class Writer:
    """Owns the writing connection: the loop and the thread use it in turns, never at once.

    Its mutable state is the jobs that wait, whether a commit is under way, and who waits for the end.
    `on_batch` is told the size of each commit.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        on_batch: Callable[[int], None],
        checkpoints: Checkpoints,
    ) -> None:
        self._connection = connection
        # The loop waits for nobody's lock: the thread does.
        connection.execute("pragma busy_timeout = 0")
        self._loop = loop
        self._on_batch = on_batch
        self._checkpoints = checkpoints
        self._jobs: list[Job] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = ThreadPoolExecutor(1, "hookferry-commit")

    def submit(self, rank: int, weight: int, run: Many, member: Any) -> "asyncio.Future[Any]":
        """Have `run` do a member's work in the next commit. Fails with Unavailable if it cannot write."""
        future = self._loop.create_future()
        self._add(Job(rank, weight, run, member, future))
        return future

    def post(self, rank: int, weight: int, run: Many, member: Any, done: Done) -> None:
        """The same without a future: `done` is called once for all such members of a commit."""
        self._add(Job(rank, weight, run, member, done))

    def call(self, function: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Run a function alone in the next commit, in the thread, in the order of the calls."""
        return self.submit(_CALL, 1, _call_each, function)

    async def close(self) -> None:
        """Commit what waits and end the thread."""
        await self._idle.wait()
        self._checkpoints.close()
        self._thread.shutdown()

    def _add(self, job: Job) -> None:
        self._jobs.append(job)
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        """Run what waits and hand the commit to the thread."""
        batch = sorted(self._take(), key=_RANK)
        calls = next((at for at, job in enumerate(batch) if job.rank == _CALL), len(batch))
        try:
            self._connection.execute("begin immediate")
            results = _run_all(self._connection, batch[:calls])
        except Exception:
            # Whatever it was, the thread finds out: it waits for locks and splits the batch.
            _roll_back(self._connection)
            work = self._thread.submit(_commit, self._connection, batch)
        else:
            work = self._thread.submit(_finish, self._connection, batch, results)
        work.add_done_callback(lambda work: self._loop.call_soon_threadsafe(self._end, batch, work))

    def _take(self) -> list[Job]:
        """The jobs of the next batch: one at least, no more rows than it may carry."""
        weights = list(accumulate([job.weight for job in self._jobs]))
        count = max(1, bisect_right(weights, _HEAVIEST_BATCH))
        batch = self._jobs[:count]
        del self._jobs[:count]
        return batch

    def _end(self, batch: list[Job], work: "Future[list[Any]]") -> None:
        """A batch is committed or failed. What every other write would meet too, all that wait are told."""
        self._checkpoints.committed()
        error = work.exception()
        results: list[Any] = work.result() if error is None else [error] * len(batch)
        if isinstance(results[-1], Unavailable) and results[-1].for_all:
            results = results + [results[-1]] * len(self._jobs)
            batch, self._jobs = batch + self._jobs, []
        try:
            self._resolve(batch, results)
        finally:
            self._go_on()

    def _go_on(self) -> None:
        if self._checkpoints.take_rest():
            work = self._thread.submit(move, self._connection)
            work.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._go_on))
        elif self._jobs:
            # After what was just answered: then the next batch is larger, and throughput 6 % higher.
            self._loop.call_soon(self._begin)
        else:
            self._busy = False
            self._idle.set()

    def _resolve(self, batch: list[Job], results: list[Any]) -> None:
        self._on_batch(len(batch))
        answer((job.done, job.member, result) for job, result in zip(batch, results, strict=True))


def _finish(connection: sqlite3.Connection, batch: list[Job], results: list[Any]) -> list[Any]:
    """The calls of a batch whose other members have run, and the commit."""
    try:
        results = results + _run_all(connection, batch[len(results) :])
        connection.execute("commit")
        return results
    except Exception:
        _roll_back(connection)
        return _commit(connection, batch)


def _commit(connection: sqlite3.Connection, batch: list[Job]) -> list[Any]:
    """One transaction; if it fails, each half in one of its own, so that a bad member harms no other."""
    failure: Exception
    try:
        connection.execute(f"pragma busy_timeout = {_BUSY}")
        connection.execute("begin immediate")
        results = _run_all(connection, batch)
        connection.execute("commit")
        return results
    except sqlite3.Error as error:
        failure = unavailable(error)
    except Exception as error:  # a bug of ours must answer its caller, not end the thread
        failure = error
    finally:
        _roll_back(connection)
        connection.execute("pragma busy_timeout = 0")
    if len(batch) == 1 or (isinstance(failure, Unavailable) and failure.for_all):
        return [failure] * len(batch)
    half = len(batch) // 2
    return _commit(connection, batch[:half]) + _commit(connection, batch[half:])


def _run_all(connection: sqlite3.Connection, batch: list[Job]) -> list[Any]:
    results: list[Any] = []
    start = 0
    for end in range(1, len(batch) + 1):
        if end == len(batch) or batch[end].run is not batch[start].run:
            results += batch[start].run(connection, [job.member for job in batch[start:end]])
            start = end
    return results


def _roll_back(connection: sqlite3.Connection) -> None:
    # A disk that fails may fail this too; the transaction is gone with the next one that begins.
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("rollback")


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


DAMAGED = "The database file is damaged. Stop, and restore it from a backup."
_CAUSES = {
    "SQLITE_FULL": "The disk is full. Free some space; nothing has to be restarted.",
    "SQLITE_READONLY": "The database file cannot be written. Check its owner, mode and file system.",
    "SQLITE_CORRUPT": DAMAGED,
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
