"""Hours of history in seconds: copies real rows within the SQLite file of a server that does not run.

The server has delivered one event and failed once to deliver another. Copies of the first become
history; copies of the second become history and a retry that waits. They differ from the originals
in ids and times only, so the server meets nothing that it could not have written itself.
"""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from bench.report import BenchError

# The history ends now, so that retention leaves it alone. 200,000 retries over two hours are 28 a second.
_SPAN = 6 * 3_600_000
_AHEAD = 2 * 3_600_000


def fill(database: Path, history: int, waiting: int) -> None:
    """Add `history` attempts, of which `waiting` belong to deliveries that wait for their second attempt."""
    now = time.time_ns() // 1_000_000
    amounts = {
        "history": history,
        "waiting": waiting,
        "now": now,
        "since": now - _SPAN,
        "span": _SPAN,
        "ahead": _AHEAD,
    }
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        # A file that nobody else has and that can be made again: no journal, no waiting for the disk.
        connection.execute("pragma journal_mode = delete")
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        _copy(connection, amounts)
        connection.execute("pragma journal_mode = wal")
    # What follows is measured: the disk must not be busy with what this wrote.
    os.sync()


def _copy(connection: sqlite3.Connection, amounts: dict[str, int]) -> None:
    connection.execute("begin")
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        connection.execute(statement, amounts)
    connection.execute("commit")
    waits = connection.execute("select count(*) from queue").fetchone()[0]
    if waits != amounts["waiting"] + 1:
        raise BenchError(f"the filled database has {waits} waiting deliveries, not {amounts['waiting'] + 1}")
