"""Moves everything from a SQLite file to an empty PostgreSQL database, in one transaction.

A copy that is cut short, by whatever, leaves nothing behind and is begun again. Both sides have the same
tables with the same columns, but for the few that are named here.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from hookferry import ids
from hookferry.errors import StartError
from hookferry.store import configuration
from hookferry.store.database import Row, at_once
from hookferry.store.postgres import partitions
from hookferry.store.postgres.statements import Statements as PostgresStatements
from hookferry.store.records import resealed
from hookferry.store.sqlite.connection import Owner, connect, migrate, starting
from hookferry.store.sqlite.statements import Statements as SqliteStatements
from hookferry.store.vault import Vault

Tell = Callable[[str, int, int], None]
"""Told a table's name, how many of its rows are copied, and how many there are."""

# About the file and its process, not about what is in it.
_STAYS = {"facts", "migrations", "workers"}
# SQLite counts rows for retention; where PostgreSQL counts too, it counts anew in the same order.
_COUNTER = "seq"
# What is not the same on both sides: the columns there, and the query that gives them here.
_OTHERS = {
    "left_payloads": (("id",), "select e.id from left_payloads as l join events as e on e.seq = l.seq"),
}
# What only PostgreSQL has, and what it begins with.
_MORE = {"health": ("changed_at", 0)}
_HISTORY = ("events", "deliveries", "attempts")
_TELL_EVERY = 500
# Hexadecimal digits of an id: all of them, and the first ones, whose number changes every 4.7 hours.
_DIGITS, _BLOCK = 28, 6
# Milliseconds. There is no partition for ids whose clock said the year 10000.
_LAST = 253_402_300_800_000


class Table(msgspec.Struct, frozen=True):
    """A table to copy: its columns there, the query that gives them here, and how many rows it has."""

    name: str
    columns: tuple[str, ...]
    query: str
    rows: int


class Source:
    """A SQLite file that this process owns; `tables` are those to copy."""

    def __init__(self, connection: sqlite3.Connection, vaults: Sequence[Vault]) -> None:
        """`vaults` are tried in turn. Raises StartError if none opens the file's secrets."""
        db = SqliteStatements(connection)
        self._connection = connection
        self._vault = _fitting(db, vaults)
        self.tables = [self._table(name) for name in self._names()]

    def _names(self) -> list[str]:
        found = self._connection.execute(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name"
        )
        return [name for (name,) in found if name not in _STAYS]

    def _table(self, name: str) -> Table:
        columns, query = _OTHERS.get(name) or self._same(name)
        ((rows,),) = self._connection.execute(f"select count(*) from ({query})")  # noqa: S608 - our own table
        return Table(name, columns, query, rows)

    def _same(self, name: str) -> tuple[tuple[str, ...], str]:
        found = [
            column for (column,) in self._connection.execute("select name from pragma_table_info(?)", (name,))
        ]
        columns = [column for column in found if column != _COUNTER]
        more, value = _MORE.get(name, (None, None))
        wanted = [*columns, f"{value} as {more}"] if more else columns
        order = " order by seq" if _COUNTER in found else ""
        return (*columns, *([more] if more else ())), f"select {', '.join(wanted)} from {name}{order}"  # noqa: S608

    def rows(self, table: Table, vault: Vault, tell: Tell) -> Iterator[Row]:
        """A table's rows, one by one; secrets as `vault` seals them."""
        sealed = "sealed" in table.columns
        for number, row in enumerate(self._connection.execute(table.query), 1):
            yield resealed(row, table.columns, self._vault, vault) if sealed else row
            if number % _TELL_EVERY == 0:
                tell(table.name, number, table.rows)
        tell(table.name, table.rows, table.rows)

    def days(self) -> set[int]:
        """Times (milliseconds) in each day that a row of the history is of."""
        found: set[int] = set()
        for table in _HISTORY:
            query = f"select distinct substr(id, -{_DIGITS}, {_BLOCK}) from {table}"  # noqa: S608 - our own table
            for (digits,) in self._connection.execute(query):
                with suppress(ValueError):  # no id of ours: it needs no partition of its own
                    found.update(ids.time_of(digits + fill * (_DIGITS - _BLOCK)) for fill in "0f")
        return {time for time in found if time < _LAST}


def _fitting(db: SqliteStatements, vaults: Sequence[Vault]) -> Vault:
    for vault in vaults[:-1]:
        try:
            at_once(configuration.check_key(db, vault))
        except StartError:
            continue
        return vault
    at_once(configuration.check_key(db, vaults[-1]))
    return vaults[-1]


@contextmanager
def owned(path: Path, vaults: Sequence[Vault], now: int) -> Iterator[Source]:
    """The file, owned like a server does it and with its leases freed. Raises StartError."""
    owner = Owner(path)
    try:
        with starting(path):
            connection = connect(path)
            try:
                migrate(connection)
                db = SqliteStatements(connection)
                at_once(db.run("free_leases", now))
                # One snapshot: nobody else should write to the file, and nothing of it would be counted.
                connection.execute("begin")
                yield Source(connection, vaults)
            finally:
                connection.close()
    finally:
        owner.release()


async def copy(source: Source, connection: Any, vault: Vault, tell: Tell) -> None:
    """Copy all tables to a database that is at this version.

    Raises StartError if it is not empty, or has not got all rows in the end; then it is as it was.
    """
    async with connection.transaction():
        await connection.execute("set local statement_timeout = 0")
        await connection.execute("set local idle_in_transaction_session_timeout = 0")
        await connection.execute("set local lock_timeout = '10s'")
        await _lock(connection, source.tables)
        await _require_empty(connection, source.tables)
        await configuration.check_key(PostgresStatements(connection), vault)
        await partitions.make(connection, source.days())
        for table in source.tables:
            await connection.copy_records_to_table(
                table.name, columns=table.columns, records=source.rows(table, vault, tell)
            )
        await _compare(connection, source.tables)
    for table in source.tables:
        # The first statements should not be planned as if the tables were empty.
        await connection.execute(f"analyze {table.name}")


async def _lock(connection: Any, tables: Sequence[Table]) -> None:
    """Whoever starts a server on the database meanwhile waits at its first write."""
    names = ", ".join(["facts", "workers", *(table.name for table in tables)])
    await connection.execute(f"lock table {names} in exclusive mode")


async def _require_empty(connection: Any, tables: Sequence[Table]) -> None:
    filled = [table.name for table in tables if await _has_rows(connection, table.name)]
    if filled:
        raise StartError(
            f"The database to copy to is not empty: there are rows in {', '.join(filled)}. Name a new one.",
            code="not_empty",
        )
    alive = "select id from workers where until > extract(epoch from clock_timestamp()) * 1000 limit 1"
    if await connection.fetchval(alive) is not None:
        raise StartError("A server runs on the database to copy to. Stop it first.", code="owned")


async def _has_rows(connection: Any, table: str) -> bool:
    return bool(await connection.fetchval(f"select exists (select from {table})"))  # noqa: S608 - our own table


async def _compare(connection: Any, tables: Sequence[Table]) -> None:
    for table in tables:
        there: int = await connection.fetchval(f"select count(*) from {table.name}")  # noqa: S608 - our own table
        if there != table.rows:
            raise StartError(
                f"The copy is not whole: {there} of {table.rows} rows of {table.name} came. Nothing is kept."
            )
