"""Every query's plan: none reads a whole table that grows."""

import re
import sqlite3

import pytest

from hookferry.store.queries import load, with_rows
from hookferry.store.sqlite.connection import migrate

QUERIES = {
    **load("hookferry.store", "jobs"),
    **load("hookferry.store.sqlite", "queue", "history", "retention", "jobs"),
}

# `free_leases` runs once at start, `rescue` when a worker died, `backlog` counts for the metrics.
WHOLE = {"free_leases", "rescue", "backlog"}


def _plan(name: str) -> list[str]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    sql = QUERIES[name]
    if ":rows" in sql:
        columns = max(int(number) for number in re.findall(r"column(\d)", sql))
        sql = with_rows(sql, 3, columns)
    named = set(re.findall(r":(\w+)", sql))
    numbers = [int(number) for number in re.findall(r"\?(\d)", sql)]
    count = max(numbers) if numbers else sql.count("?")
    given = dict.fromkeys(named, "[]") if named else [0] * count
    plan = [row[3] for row in connection.execute(f"explain query plan {sql}", given)]
    connection.close()
    return plan


@pytest.mark.parametrize("name", sorted(name for name in QUERIES if not name.startswith("add_")))
def test_no_query_reads_a_whole_table(name: str) -> None:
    """Cost does not grow with history or backlog (invariant 6)."""
    scans = [
        line
        for line in _plan(name)
        if re.match(r"SCAN (queue|q|events|e|deliveries|d|attempts|a|idempotency|endpoint_history)\b", line)
    ]
    assert scans == [] or name in WHOLE


@pytest.mark.parametrize("name", ["delivered", "missed"])
def test_a_replay_looks_at_one_events_deliveries(name: str) -> None:
    """Whether an event has another delivery is found by the event: not among all that an endpoint had."""
    plan = "\n".join(_plan(name))
    assert ("deliveries_by_event (event=?" in plan, "queue_by_event (event=?" in plan) == (True, True)
