"""The writer: what becomes of a batch that fails."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hookferry.errors import Unavailable
from hookferry.store.sqlite.checkpoints import Checkpoints
from hookferry.store.sqlite.connection import connect
from hookferry.store.sqlite.writer import Writer


def _run(connection: sqlite3.Connection, members: list[Any]) -> list[Any]:
    """Refuses two members together, and `full` alone as a full disk would."""
    if len(members) > 1:
        raise sqlite3.IntegrityError("one of these")
    if members == ["full"]:
        raise Unavailable("The disk is full.", for_all=True)
    return members


async def test_what_was_committed_is_answered_whatever_befell_the_rest(tmp_path: Path) -> None:
    """A half of a batch that is on disk is never told that nothing was stored."""
    file = tmp_path / "writer.db"
    connection = connect(file)
    loop = asyncio.get_running_loop()
    writer = Writer(connection, loop, lambda size: None, Checkpoints(connect(file), loop))
    full, fine = writer.submit(0, 1, _run, "full"), writer.submit(0, 1, _run, "fine")
    answers = await asyncio.gather(full, fine, return_exceptions=True)
    await writer.close()
    connection.close()
    assert answers[1] == "fine"


def _insert(connection: sqlite3.Connection, members: list[Any]) -> list[Any]:
    """Stores members, and meets a bug of ours at `bug`."""
    for member in members:
        connection.execute("insert into stored values (?)", (member,))
        if member == "bug":
            raise KeyError("a bug")
    return members


class Written:
    """A writer of its own, and what it has written. `batches` are the sizes of its commits."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "writer.db"
        self.batches: list[int] = []
        self._connection = connect(self.file)
        self._connection.execute("create table stored (member text)")
        loop = asyncio.get_running_loop()
        checkpoints = Checkpoints(connect(self.file), loop, goal=100, pause=0.01)
        self.writer = Writer(self._connection, loop, self.batches.append, checkpoints)

    async def submit(self, *members: str, weight: int = 1) -> list[Any]:
        """Have members written at once; what each was answered."""
        answers = [self.writer.submit(0, weight, _insert, member) for member in members]
        return await asyncio.gather(*answers, return_exceptions=True)

    def stored(self) -> set[str]:
        """What others can see."""
        with closing(sqlite3.connect(self.file)) as other:
            return {member for (member,) in other.execute("select member from stored")}

    def beginnings(self) -> int:
        """How often the log has begun anew (https://sqlite.org/fileformat2.html#the_write_ahead_log)."""
        with self.file.with_name(f"{self.file.name}-wal").open("rb") as log:
            return int.from_bytes(log.read(16)[12:])

    async def close(self) -> None:
        await self.writer.close()
        self._connection.close()


@pytest.fixture
async def written(tmp_path: Path) -> AsyncIterator[Written]:
    written = Written(tmp_path)
    yield written
    await written.close()


async def test_a_bug_leaves_nothing_behind(written: Written) -> None:
    """What it had written is rolled back; what waited with it is stored."""
    await written.submit("a", "bug", "b")
    assert written.stored() == {"a", "b"}


async def test_a_bug_is_told_to_its_caller_alone(written: Written) -> None:
    """Its neighbours are answered as if it had not been there."""
    first, bug, last = await written.submit("a", "bug", "b")
    assert (first, type(bug), last) == ("a", KeyError, "b")


async def test_a_bug_that_is_alone_is_told(written: Written) -> None:
    """As what it is, and not as a fault of the database."""
    (bug,) = await written.submit("bug")
    assert type(bug) is KeyError


async def test_a_writer_goes_on_after_a_bug(written: Written) -> None:
    """No transaction of it stays open."""
    await written.submit("bug")
    await written.submit("a")
    assert written.stored() == {"a"}


async def test_a_bug_in_a_call_leaves_nothing_behind(written: Written) -> None:
    """Calls run in the thread, with what else is in the commit."""
    other = written.writer.submit(0, 1, _insert, "a")
    call = written.writer.call(lambda connection: _insert(connection, ["bug"]))
    answers = await asyncio.gather(other, call, return_exceptions=True)
    assert (written.stored(), answers[0], type(answers[1])) == ({"a"}, "a", KeyError)


async def test_a_locked_file_is_told_to_all_that_wait(written: Written) -> None:
    """At once: each commit of its own would wait for the lock anew, two seconds each time."""
    with closing(sqlite3.connect(written.file, isolation_level=None)) as other:
        other.execute("begin immediate")
        answers = await written.submit("a", "b", "c", weight=1_000)
        other.execute("rollback")
    assert ([type(answer) for answer in answers], written.batches) == ([Unavailable] * 3, [3])


async def test_a_writer_goes_on_after_a_lock(written: Written) -> None:
    """Nothing has to be restarted."""
    with closing(sqlite3.connect(written.file, isolation_level=None)) as other:
        other.execute("begin immediate")
        await written.submit("a")
        other.execute("rollback")
    await written.submit("b")
    assert written.stored() == {"b"}


async def test_a_log_begins_anew_while_it_is_written(written: Written) -> None:
    """Its pages are moved beside the commits: long before it is so long that a commit would have to."""
    await written.submit("first")
    first = written.beginnings()
    for _ in range(2000):
        await written.submit("x" * 4000)
        if written.beginnings() > first:
            break
    assert written.beginnings() > first
