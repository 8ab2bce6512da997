"""PostgreSQL for tests: what the other tests trust it to do."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest

from tests.support import unprivileged
from tests.support.postgres import Databases, PostgresServer
from tests.support.postgres_binaries import binaries, usable

ROOT = Path(__file__).parents[1]
TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"


def one(url: str, statement: str) -> object:
    """The first value of the only row."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return row and row[0]


def run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_a_fresh_database_is_empty(postgres_url: str) -> None:
    """There is no table in it."""
    assert one(postgres_url, TABLES) == 0


def test_databases_do_not_see_each_other(postgres_server: Databases, postgres_url: str) -> None:
    """A table made in one is not in the next."""
    run(postgres_url, "CREATE TABLE here (n int)")
    other = postgres_server.new_database()
    assert one(postgres_server.url(other), TABLES) == 0
    postgres_server.drop_database(other)


def test_a_dropped_database_throws_its_clients_out(postgres_server: Databases) -> None:
    """A test that leaves a connection open does not keep its database."""
    name = postgres_server.new_database()
    with psycopg.connect(postgres_server.url(name)) as connection:
        postgres_server.drop_database(name)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_cut_connection_is_gone(postgres_server: Databases, postgres_url: str) -> None:
    """Its next statement fails."""
    with psycopg.connect(postgres_url) as connection:
        postgres_server.terminate_backends(connection.info.dbname)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_wrong_password_is_refused(durable_postgres: PostgresServer) -> None:
    """Passwords count here as they do in the field."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(durable_postgres.url("postgres"), password="wrong")


def test_a_commit_outlives_a_crash(durable_postgres: PostgresServer) -> None:
    """A row that was committed is there after an immediate restart, at the same address."""
    name = durable_postgres.new_database()
    run(durable_postgres.url(name), "CREATE TABLE kept AS SELECT 7 AS n")
    durable_postgres.restart("immediate")
    assert one(durable_postgres.url(name), "SELECT n FROM kept") == 7
    durable_postgres.drop_database(name)


def test_a_server_of_our_own_writes_to_the_disk(durable_postgres: PostgresServer) -> None:
    """Unless it is told otherwise."""
    assert one(durable_postgres.url("postgres"), "SHOW fsync") == "on"


def test_the_server_dies_with_the_tests() -> None:
    """It ends when the process that started it is killed, without a word of goodbye."""
    program = (
        "from tests.support.postgres import UNSAFE, PostgresServer\n"
        "with PostgresServer(UNSAFE) as server:\n"
        "    input(server.url('postgres') + '\\n')\n"
    )
    env = {**os.environ, "HOOKFERRY_TEST_POSTGRES_BIN": str(binaries())}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=env, text=True) as tests:
        assert tests.stdout is not None
        with psycopg.connect(tests.stdout.readline().strip()) as connection:
            tests.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT pg_sleep(60)")


def test_closed_programs_are_copied(tmp_path: Path) -> None:
    """Programs in a folder of root's that is closed to others run all the same."""
    folder = tmp_path / "bin"
    for part in ("bin", "lib", "share"):
        (tmp_path / part).mkdir()
    (folder / "initdb").write_text("#!/bin/sh\n")
    (folder / "initdb").chmod(0o700)
    with tempfile.TemporaryDirectory() as home:
        unprivileged.own(Path(home))
        assert unprivileged.run([usable(folder, Path(home)) / "initdb"], Path(home)).returncode == 0


def test_without_postgres_it_says_what_to_do(tmp_path: Path) -> None:
    """A folder without PostgreSQL is an error that names the variable, not a skipped test."""
    with pytest.raises(LookupError, match="HOOKFERRY_TEST_POSTGRES_BIN"):
        binaries(str(tmp_path))
