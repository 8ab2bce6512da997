"""One transaction's statements, by name: what stores share is written once for every backend.

The backends have queries of the same names, each in its own SQL. SQLite answers at once, PostgreSQL is waited
for: shared logic is written as coroutines, and `at_once` runs those that have nothing to wait for.
"""

from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Row = tuple[Any, ...]


class Database(Protocol):
    """A transaction that is open. Values are bound in the order of the query's placeholders."""

    async def rows(self, query: str, *values: Any) -> Sequence[Row]:
        """All rows that a query gives."""
        ...

    async def row(self, query: str, *values: Any) -> Row | None:
        """The first of them."""
        ...

    async def named(self, query: str, given: Mapping[str, Any]) -> Sequence[Row]:
        """All rows that a query with `:names` gives."""
        ...

    def stream(self, query: str, given: Mapping[str, Any]) -> AsyncIterator[Row]:
        """The same rows, a few at a time."""
        ...

    async def run(self, query: str, *values: Any) -> int:
        """How many rows a statement changed."""
        ...

    async def each(self, query: str, rows: Sequence[Row]) -> int:
        """Run a statement for all rows in one go; how many it changed."""
        ...

    async def ids(self, query: str, rows: Sequence[Row]) -> set[str]:
        """The ids that a query gives for all rows."""
        ...


class RacedError(Exception):
    """Another process was faster: the transaction has to be done again."""


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    work.close()
    raise RuntimeError("it had to wait")
