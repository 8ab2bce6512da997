"""Every query's plan on PostgreSQL: none reads a whole table that grows, whatever the statistics say."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from hookferry.store.postgres.connection import SETTINGS
from hookferry.store.postgres.statements import SQL
from hookferry.store.queries import migrations
from tests.support.postgres import Databases

GROWING = r"(queue|events|deliveries|attempts|idempotency)(_\w+)?"
# `rescue` runs when a worker died, `leave_work` when one ends, `free_lost` when the database's answer was
# lost, `backlog` counts for the metrics.
WHOLE = {"rescue", "leave_work", "free_lost", "backlog"}

_OPTIONS = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())


@pytest.fixture(scope="module")
def plans(postgres_server: Databases) -> Iterator[dict[str, str]]:
    """The generic plan of each query, which is what our connections use."""
    name = postgres_server.new_database()
    found: dict[str, str] = {}
    # psycopg's simple protocol leaves `$1` to the server, which EXPLAIN wants here.
    with psycopg.connect(postgres_server.url(name), options=_OPTIONS) as connection:
        if connection.info.server_version < 160_000:
            pytest.skip("EXPLAIN shows generic plans from PostgreSQL 16 on")
        for migration in migrations("hookferry.store.postgres"):
            connection.execute(migration.text.encode())
        for query, (text, _) in SQL.items():
            rows = connection.cursor().execute(f"explain (generic_plan) {text}".encode()).fetchall()
            found[query] = "\n".join(line for (line,) in rows)
    yield found
    postgres_server.drop_database(name)


@pytest.mark.parametrize("query", sorted(SQL))
def test_no_query_reads_a_whole_table(plans: dict[str, str], query: str) -> None:
    """Cost does not grow with history or backlog (invariant 6)."""
    assert not re.search(rf"Seq Scan on {GROWING}", plans[query]) or query in WHOLE


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("settled_ids", r"Index Cond: \(\(endpoint = ANY .* AND \(id >= "),
        ("settled_attempts", r"Index Cond: \(\(endpoint = .* AND \(id = "),
    ],
)
def test_who_watches_reads_what_is_new_alone(plans: dict[str, str], query: str, condition: str) -> None:
    """Four times a second: each endpoint's attempts are found from a time on, and each attempt by its id."""
    assert re.search(condition, plans[query]), plans[query]
