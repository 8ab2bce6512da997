"""`hookferry doctor` where everything is in PostgreSQL."""

import json
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psycopg
import pytest

from hookferry.cli.finding import State
from hookferry.cli.postgres_checks import judge
from hookferry.store.condition import PER_PROCESS, Condition
from tests.cli.world import run
from tests.store.world import postgres_store
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer

KEY = "k" * 40
WELL = Condition(
    version="18.4",
    read_only=False,
    may_migrate=True,
    ahead=0.0,
    connections=97,
    others=3,
    vacuums=True,
    syncs=True,
    whole_pages=True,
    waits_for_disk=True,
    away=0.0005,
    pending=(),
    key_fits=True,
)


def judged(processes: int = 1, **changed: Any) -> dict[str, State]:
    """What is said about a database that is well but for this."""
    condition = msgspec.structs.replace(WELL, **changed)
    return {finding.check: finding.state for finding in judge(condition, processes, "it")}


def test_a_database_that_is_well() -> None:
    """Every finding is fine."""
    assert set(judged().values()) == {State.OK}


@pytest.mark.parametrize(
    ("changed", "check", "state"),
    [
        ({"away": 0.02}, "database", State.WARN),
        ({"key_fits": False}, "encryption", State.FAIL),
        ({"read_only": True}, "rights", State.FAIL),
        ({"may_migrate": False}, "rights", State.FAIL),
        ({"pending": ("0009_more.sql",)}, "migrations", State.FAIL),
        ({"ahead": -6.0}, "database's clock", State.WARN),
        ({"connections": 11}, "connections", State.WARN),
        ({"vacuums": False}, "autovacuum", State.WARN),
        ({"syncs": False}, "fsync", State.FAIL),
        ({"waits_for_disk": False}, "synchronous_commit", State.FAIL),
        ({"whole_pages": False}, "full_page_writes", State.WARN),
    ],
)
def test_what_is_not_well(changed: dict[str, Any], check: str, state: State) -> None:
    """One finding each, and the others are fine."""
    assert {name: found for name, found in judged(**changed).items() if found != State.OK} == {check: state}


def test_processes_need_connections() -> None:
    """Those of this machine are counted."""
    assert (judged(10)["connections"], judged(11)["connections"]) == (State.OK, State.WARN)


async def test_connections_are_counted_as_they_are_made(postgres_url: str) -> None:
    """Two pools, and one that listens."""
    store = postgres_store(postgres_url, ManualClock())
    await store.open()
    most = store._pool.get_max_size() + store._readers.get_max_size() + 1
    await store.close()
    assert most == PER_PROCESS


def findings(url: str, **environ: str | None) -> dict[str, tuple[str, str]]:
    given = {"HOOKFERRY_PORT": "0", "HOOKFERRY_DATABASE": url, "HOOKFERRY_SECRET_KEY": KEY, **environ}
    rows = json.loads(run("doctor", "-o", "json", **given).stdout)
    return {row["check"]: (row["state"], row["found"] + row["advice"]) for row in rows}


def migrated(url: str) -> None:
    assert run("migrate", HOOKFERRY_DATABASE=url, HOOKFERRY_SECRET_KEY=KEY).exit_code == 0


def test_a_real_database_is_well(durable_postgres: PostgresServer) -> None:
    """As PostgreSQL comes, and once it is migrated, nothing fails and nothing is warned of."""
    name = durable_postgres.new_database()
    migrated(durable_postgres.url(name))
    found = findings(durable_postgres.url(name), HOOKFERRY_ADMIN_KEY="a" * 40)
    durable_postgres.drop_database(name)
    assert {check: said for check, said in found.items() if said[0] != "ok"} == {}


def test_it_looks_at_no_file(postgres_url: str) -> None:
    """The checks of SQLite's file are for SQLite."""
    assert {"disk sync", "free disk"} & findings(postgres_url).keys() == set()


def test_pending_migrations(postgres_url: str) -> None:
    """An empty database needs all of them."""
    assert findings(postgres_url)["migrations"][0] == "fail"


def test_a_missing_secret_key(postgres_url: str) -> None:
    """It fails, and the rest is looked at all the same."""
    found = findings(postgres_url, HOOKFERRY_SECRET_KEY=None)
    assert (found["secret key"][0], found["rights"][0]) == ("fail", "ok")


def test_a_database_that_is_not_there(postgres_url: str) -> None:
    """What a start would say."""
    url = urlsplit(postgres_url)._replace(path="/hookferry_none").geturl()
    assert findings(url)["database"][0] == "fail"
    assert "createdb" in findings(url)["database"][1]


def test_a_pooler_that_is_not_there(postgres_url: str) -> None:
    """Both addresses are tried."""
    found = findings("postgresql://u:canary@127.0.0.1:1/x", HOOKFERRY_DIRECT_DATABASE=postgres_url)
    assert (found["database"][0], "canary" in str(found)) == ("fail", False)


def test_a_read_only_database(postgres_url: str) -> None:
    """One that nothing can be stored in."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database {name} set default_transaction_read_only = on".encode())
    assert findings(postgres_url)["rights"][0] == "fail"


def test_another_secret_key(postgres_url: str) -> None:
    """The one that the database's secrets are encrypted with is needed."""
    migrated(postgres_url)
    assert run("prune", HOOKFERRY_DATABASE=postgres_url, HOOKFERRY_SECRET_KEY=KEY).exit_code == 0
    assert findings(postgres_url, HOOKFERRY_SECRET_KEY="x" * 40)["encryption"][0] == "fail"
