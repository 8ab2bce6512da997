"""SQLite's side of `store.database`: statements that run at once, on whichever thread calls."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from hookferry.store.database import Row
from hookferry.store.queries import chunks, load, with_rows

SQL = {
    **load("hookferry.store", "configuration", "jobs", "health"),
    **load("hookferry.store.sqlite", "configuration", "queue", "history", "jobs", "health"),
}


class Statements:
    """See `store.database.Database`, on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def rows(self, query: str, *values: Any) -> Sequence[Row]:
        return self._connection.execute(SQL[query], values).fetchall()

    async def row(self, query: str, *values: Any) -> Row | None:
        found: Row | None = self._connection.execute(SQL[query], values).fetchone()
        return found

    async def named(self, query: str, given: Mapping[str, Any]) -> Sequence[Row]:
        return self._connection.execute(SQL[query], given).fetchall()

    async def stream(self, query: str, given: Mapping[str, Any]) -> AsyncIterator[Row]:
        for row in self._connection.execute(SQL[query], given):
            yield row

    async def run(self, query: str, *values: Any) -> int:
        return self._connection.execute(SQL[query], values).rowcount

    async def each(self, query: str, rows: Sequence[Row]) -> int:
        return execute_many(self._connection, SQL[query], rows)

    async def ids(self, query: str, rows: Sequence[Row]) -> set[str]:
        return select_many(self._connection, SQL[query], rows)


def execute_many(connection: sqlite3.Connection, sql: str, rows: Sequence[Row]) -> int:
    """Run a query with `:rows` for all rows; how many it changed.

    The driver lets go of the interpreter's lock once for each step of a statement and must then queue
    for it behind the event loop: with `executemany` an event cost 110 µs on a busy loop, so 47 µs.
    """
    return sum(connection.execute(query, values).rowcount for query, values in _filled(sql, rows))


def select_many(connection: sqlite3.Connection, sql: str, rows: Sequence[Row]) -> set[str]:
    """Run a query with `:rows` that gives one JSON array of ids, for all rows."""
    found: set[str] = set()
    for query, values in _filled(sql, rows):
        found.update(msgspec.json.decode(connection.execute(query, values).fetchone()[0]))
    return found


def _filled(sql: str, rows: Sequence[Row]) -> Iterator[tuple[str, list[Any]]]:
    """The statements for all rows, each with its values."""
    start = 0
    for size in chunks(len(rows)):
        part = rows[start : start + size]
        yield with_rows(sql, size, len(part[0])), list(chain.from_iterable(part))
        start += size
