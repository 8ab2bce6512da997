"""The outbox of an application on SQLite. One relay at a time has its turn."""

import fcntl
import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec

from hookferry.errors import ConfigError, Unreachable
from hookferry.outbox.table import Done, Failed, Publish, Row
from hookferry.store.queries import load

_SQL = load("hookferry.outbox", "sqlite")

# Seconds to wait for the application's transactions before saying so. A signal is heard after them.
_PATIENCE = 2.0


class SqliteTable:
    """See `Table`. A turn is a lock on a file beside the database, which ends with its process.

    A transaction of SQLite's would keep the application from writing while Hookferry is asked.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None
        self._lock: int | None = None

    async def take(self, publish: Publish, limit: int, without: Collection[str]) -> Done:
        with self._reached(), self._turn() as ours:
            rows = self._claim(limit, without) if ours else []
            if not rows:
                return Done()
            done = await publish(rows)
            with self._connection() as connection:
                connection.execute("begin immediate")
                connection.executemany(_SQL["delete"], [(id,) for id in done.published])
                connection.executemany(_SQL["fail"], [(error, id) for id, error in done.failed.items()])
        return done

    async def failed(self, limit: int) -> list[Failed]:
        with self._reached():
            return [Failed(*row) for row in self._connection().execute(_SQL["failed"], (limit,))]

    async def retry(self, id: str | None) -> int:
        with self._reached():
            return self._connection().execute(_SQL["retry"], {"id": id}).rowcount

    async def close(self) -> None:
        if self._open is not None:
            self._open.close()
        if self._lock is not None:
            os.close(self._lock)

    def _claim(self, limit: int, without: Collection[str]) -> list[Row]:
        held = msgspec.json.encode(list(without)).decode()
        found = self._connection().execute(_SQL["claim"], {"limit": limit, "without": held})
        return [Row(*row) for row in found.fetchall()]

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """True if no other relay has its turn now."""
        if self._lock is None:
            path = self._path.with_name(self._path.name + ".outbox.lock")
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            # Not made if it is not there: it is the application's.
            where = f"file:{quote(str(self._path))}?mode=rw"
            self._open = sqlite3.connect(where, uri=True, isolation_level=None, timeout=_PATIENCE)
            # What is no UTF-8 is to fail alone, not with all rows of its claim.
            self._open.text_factory = lambda text: text.decode(errors="surrogateescape")
        return self._open

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if self._open is None:
                raise ConfigError(f"{self._path} cannot be opened: {error}.") from None
            if "no such" in str(error):
                raise ConfigError(
                    f"{self._path}: {error}. `hookferry outbox schema` prints the table."
                ) from None
            raise Unreachable(f"{self._path} cannot be used now: {error}.") from None
