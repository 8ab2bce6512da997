"""The writer: what becomes of a batch that fails."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from hookferry.errors import Unavailable
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
    connection = connect(tmp_path / "writer.db")
    writer = Writer(connection, asyncio.get_running_loop(), lambda size: None)
    full, fine = writer.submit(0, 1, _run, "full"), writer.submit(0, 1, _run, "fine")
    answers = await asyncio.gather(full, fine, return_exceptions=True)
    await writer.close()
    connection.close()
    assert answers[1] == "fine"
