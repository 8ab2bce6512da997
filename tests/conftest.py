"""PostgreSQL for whoever asks for it. It starts with the first test that does."""

import os
from collections.abc import Iterator

import pytest

from tests.support.postgres import UNSAFE, Databases, PostgresServer

# Read once, and taken away: Hookferry refuses settings that it does not know.
GIVEN = os.environ.pop("HOOKFERRY_TEST_DATABASE", None)


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
