"""PostgreSQL's side of `store.database`: statements of one connection, each waited for."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hookferry.store.database import Row
from hookferry.store.queries import load

if TYPE_CHECKING:
    from hookferry.store.postgres.connection import Connection


class Query(NamedTuple):
    """A query with numbered placeholders, and the names that they had."""

    text: str
    names: tuple[str, ...] = ()


def _numbered(text: str) -> Query:
    """A query with `?` or `:name` for its values, as PostgreSQL wants it."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name is None or name not in names:
            names.append(name or "?")
            return f"${len(names)}"
        return f"${names.index(name) + 1}"

    numbered = re.sub(r"\?|(?<!:):([a-z_]+)", number, text)
    return Query(numbered, tuple(names))


SQL = {
    name: _numbered(text)
    for name, text in {
        **load("hookferry.store", "configuration", "jobs", "health"),
        **load(
            "hookferry.store.postgres",
            "configuration",
            "hot",
            "queue",
            "history",
            "jobs",
            "partitions",
            "condition",
            "health",
        ),
    }.items()
}

_AT_A_TIME = 16


class Statements:
    """See `store.database.Database`, on one connection with its transaction."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    async def rows(self, query: str, *values: Any) -> Sequence[Row]:
        return await self._connection.fetch(SQL[query].text, *values)

    async def row(self, query: str, *values: Any) -> Row | None:
        found: Row | None = await self._connection.fetchrow(SQL[query].text, *values)
        return found

    async def named(self, query: str, given: Mapping[str, Any]) -> Sequence[Row]:
        text, names = SQL[query]
        return await self._connection.fetch(text, *[given[name] for name in names])

    async def stream(self, query: str, given: Mapping[str, Any]) -> AsyncIterator[Row]:
        text, names = SQL[query]
        values = [given[name] for name in names]
        async for row in self._connection.cursor(text, *values, prefetch=_AT_A_TIME):
            yield row

    async def run(self, query: str, *values: Any) -> int:
        return _count(await self._connection.execute(SQL[query].text, *values))

    async def each(self, query: str, rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        return _count(await self._connection.execute(SQL[query].text, *zip(*rows, strict=True)))

    async def ids(self, query: str, rows: Sequence[Row]) -> set[str]:
        return {id for (id,) in await self._connection.fetch(SQL[query].text, *zip(*rows, strict=True))}


def _count(status: str) -> int:
    """How many rows a command's tag tells of, such as `UPDATE 3`."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
