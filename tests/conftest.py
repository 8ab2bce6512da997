"""PostgreSQL for whoever asks for it. It starts with the first test that does."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ports
from tests.support.place import Place, make_tables
from tests.support.postgres import UNSAFE, Databases, PostgresServer

# A folder's own conftest.py is not read by the process that reports for several.
pytest_plugins = ["tests.companies.proofs"]

# What takes longest in one file, or waits longest, begins first and runs beside all the rest.
FIRST = ("tests/api/test_schemathesis.py", "tests/faults/", "tests/crash/", "tests/e2e/")

GIVEN = os.environ.get("HOOKFERRY_TEST_DATABASE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what is in FIRST there; within a place, and after all of them, the order stays."""
    items.sort(key=lambda item: [not item.nodeid.startswith(place) for place in FIRST])


@pytest.fixture(scope="session", autouse=True)
def no_unknown_settings() -> None:
    """Take away what is meant for the tests, as Hookferry refuses settings that it does not know.

    Not earlier: the process that starts the others hands its environment on.
    """
    for name in [name for name in os.environ if name.startswith("HOOKFERRY_TEST_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Databases]:
    """For tests of behaviour: the server of HOOKFERRY_TEST_DATABASE, or a fast one of our own."""
    if GIVEN:
        yield Databases(GIVEN)
        return
    with PostgresServer(UNSAFE) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Databases) -> Iterator[str]:
    """A fresh, empty database."""
    name = postgres_server.new_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[PostgresServer]:
    """For tests of crashes: a server of our own that answers once it is on the disk. Leave it running."""
    if GIVEN:
        pytest.skip("stops and starts the server: not that of HOOKFERRY_TEST_DATABASE")
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Databases) -> Iterator[str]:
    """The name of a database that has its tables, to be copied."""
    name = postgres_server.new_database()
    make_tables(postgres_server.url(name))
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def migrated_url(postgres_server: Databases, postgres_template: str) -> Iterator[str]:
    """A fresh database that has its tables: making them takes longer than a test."""
    name = postgres_server.new_database(postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def on_postgres(migrated_url: str, tmp_path: Path) -> Place:
    """A database with its tables, for server processes."""
    return Place(tmp_path, migrated_url)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Both backends, one after the other."""
    if request.param == "sqlite":
        return Place(tmp_path)
    found: Place = request.getfixturevalue("on_postgres")
    return found


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Connections to it are refused."""
    with ports.closed_port() as port:
        yield port
