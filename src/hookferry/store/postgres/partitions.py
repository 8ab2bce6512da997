"""The history's partitions, one a day: made ahead, dropped whole when all in them is old."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hookferry import ids
from hookferry.store.postgres.statements import Statements
from hookferry.store.values import Pruned

DAY = 24 * 3600 * 1000
_AHEAD = 3
# To make and to drop needs tables alone: while it waits for somebody who reads for long, such as a backup,
# all others wait behind it. So it gives up soon (LockNotAvailableError), to be tried again later.
_BRIEFLY = "set local lock_timeout = '200ms'"
_PREFIXES = {"events": "evt", "deliveries": "dlv", "attempts": "att"}
_NAME = re.compile(r"(events|deliveries|attempts)_\d{8}")


class Partition(NamedTuple):
    """A day of one table; `stripped` is up to which id its bodies were taken. Times in milliseconds."""

    name: str
    parent: str
    begins: int
    ends: int
    stripped: str

    @property
    def bounds(self) -> tuple[str, str]:
        """The ids in it: from the first, up to before the second."""
        prefix = _PREFIXES[self.parent]
        return ids.floor(prefix, self.begins), ids.floor(prefix, self.ends)


async def read(db: Statements) -> list[Partition]:
    """Oldest first."""
    return [Partition(*row) for row in await db.rows("partitions")]


async def make_ahead(connection: Any, now: int) -> None:
    """Make the partitions of yesterday to some days ahead that are missing, inside a transaction."""
    await make(connection, [now + at * DAY for at in range(-1, _AHEAD + 1)])


async def make(connection: Any, times: Iterable[int]) -> None:
    """Make the missing partitions of the days of these times (milliseconds), inside a transaction."""
    db = Statements(connection)
    there = {partition.name for partition in await read(db)}
    days = sorted({time - time % DAY for time in times})
    wanted = [partition for day in days for partition in _of_day(day)]
    if all(partition.name in there for partition in wanted):
        return
    await db.rows("lock_partitions")
    await connection.execute(_BRIEFLY)
    there = {partition.name for partition in await read(db)}
    for partition in wanted:
        if partition.name not in there:
            await _make(connection, db, partition)


def _of_day(begins: int) -> list[Partition]:
    day = datetime.fromtimestamp(begins / 1000, UTC).strftime("%Y%m%d")
    return [Partition(f"{parent}_{day}", parent, begins, begins + DAY, "") for parent in _PREFIXES]


async def _make(connection: Any, db: Statements, partition: Partition) -> None:
    """Rows that came before their partition stay where they are, and it is not made."""
    first, last = partition.bounds
    other = f"{partition.parent}_other"
    name = _ours(partition.name)
    # Identifiers and bounds cannot be bound to a statement: these are of our own making.
    if await connection.fetchval(f"select 1 from {other} where id >= $1 and id < $2 limit 1", first, last):  # noqa: S608
        return
    await connection.execute(
        f"create table {name} (like {partition.parent} including defaults including constraints)"
    )
    await connection.execute(
        f"alter table {partition.parent} attach partition {name} for values from ('{first}') to ('{last}')"
    )
    await db.run("add_partition", *partition[:4])


async def drop(connection: Any, partition: Partition) -> int:
    """How many rows went with it."""
    name = _ours(partition.name)
    rows: int = await connection.fetchval(f"select count(*) from {name}")  # noqa: S608 - our own name
    await connection.execute(f"drop table {name}")
    await Statements(connection).run("forget_partition", partition.name)
    return rows


def _ours(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"no partition of ours: {name!r}")
    return name


async def prune(
    connection: Any, before: int, bodies_before: int, now: int, limit: int
) -> tuple[Pruned, bool]:
    """One step of retention, inside a transaction, but for whole days that go. See the seam."""
    db = Statements(connection)
    await db.rows("lock_partitions")
    went = dict.fromkeys(_PREFIXES, 0)
    more = False
    partitions = await read(db)
    # What is in no partition is before all of them: it came with a clock that went wrong.
    first = min((partition.begins for partition in partitions), default=before)
    for parent, prefix in _PREFIXES.items():
        rows = await db.run(f"prune_{parent}", "", ids.floor(prefix, min(first, before)), limit)
        went[parent] += rows
        more = more or rows == limit
    bodies, unfinished = await _strip(db, partitions, before, bodies_before, limit)
    keys = await db.run("prune_idempotency", now, limit)
    pruned = Pruned(bodies=bodies, keys=keys, **went)
    return pruned, more or unfinished or keys == limit


async def drop_oldest(connection: Any, before: int, limit: int) -> tuple[Pruned, bool]:
    """Drop a day that is old, or rows of days in which something still waits, inside a transaction.

    One at a time: from then to the commit its table is nobody else's.
    """
    db = Statements(connection)
    await db.rows("lock_partitions")
    await connection.execute(_BRIEFLY)
    for partition in await read(db):
        if partition.ends <= before:
            rows, left = await _take(connection, db, partition, limit)
            if rows or left:
                return Pruned(**{partition.parent: rows}), True
    return Pruned(), False


async def _take(connection: Any, db: Statements, partition: Partition, limit: int) -> tuple[int, bool]:
    """A partition goes whole, or row by row while something in it still waits.

    How many rows went, and whether there may be more to do.
    """
    first, last = partition.bounds
    # An attempt may be of a delivery whose event is older; a final delivery waits for nothing.
    oldest = first if partition.parent == "events" else ""
    newest = ids.floor("evt", partition.ends)
    waits = partition.parent != "deliveries" and await db.row("waits_within", oldest, newest)
    if not waits:
        return await drop(connection, partition), True
    rows = await db.run(f"prune_{partition.parent}", first, last, limit)
    return rows, rows == limit


async def _strip(
    db: Statements, partitions: list[Partition], before: int, bodies_before: int, limit: int
) -> tuple[int, bool]:
    """Take the bodies of whole days, `limit` rows of each table at a time."""
    bodies = await db.run("strip_left", limit)
    more = bodies == limit
    for parent in ("events", "attempts"):
        for partition in partitions:
            first, last = partition.bounds
            if partition.parent != parent or not before < partition.ends <= bodies_before:
                continue
            if partition.stripped >= last:
                continue
            after = partition.stripped or first
            row = await db.row(f"next_{parent}", after, last, limit)
            upto = row and row[0]
            if upto is None:
                await db.run("stripped", partition.name, last)
                continue
            bodies += await db.run(f"strip_{parent}", after, upto)
            if parent == "events":
                await db.run("leave_payloads", after, upto)
            await db.run("stripped", partition.name, upto)
            more = True
            break
    return bodies, more
