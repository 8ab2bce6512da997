"""Real server processes, shared by the tests that leave them running, and a tenant for each test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.customer import Customer, customer
from tests.support.process import ServerProcess

LOOPBACK = ("--allow-net", "127.0.0.0/8")


def serving(folder: Path, *flags: str) -> Iterator[ServerProcess]:
    """A server for many tests, which none of them surprises."""
    server = ServerProcess(folder, *flags)
    asyncio.run(server.start())
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()
    assert "internal_error" not in server.log.read_text()


@pytest.fixture(scope="session")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Reaches public addresses only, as it does out of the box."""
    yield from serving(tmp_path_factory.mktemp("strict"))


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """May reach loopback."""
    yield from serving(tmp_path_factory.mktemp("open"), *LOOPBACK)


@pytest.fixture
async def strict(strict_server: ServerProcess) -> AsyncIterator[Customer]:
    """A tenant of the server that reaches public addresses only."""
    async with customer(strict_server) as one:
        yield one


@pytest.fixture
async def tenant(open_server: ServerProcess) -> AsyncIterator[Customer]:
    """A tenant of the server that may reach loopback."""
    async with customer(open_server) as one:
        yield one
