"""One server for all tests of the outbox, a tenant for each, and an application on either database."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from tests.outbox.application import Application, Between, Tenant, file_url
from tests.support.process import ServerProcess


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server"))
    asyncio.run(server.start())
    yield server
    assert server.stop() == 0
    assert "internal_error" not in server.log.read_text()


@pytest.fixture
def tenant(server: ServerProcess) -> Tenant:
    return Tenant(server.url, f"t{secrets.token_hex(6)}")


@pytest.fixture
def between(server: ServerProcess) -> Iterator[Between]:
    with Between(server.url) as between:
        yield between


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Application:
    return Application(file_url(tmp_path / "app.db"))


@pytest.fixture
def on_postgresql(postgres_url: str) -> Application:
    return Application(postgres_url)


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def application(request: pytest.FixtureRequest) -> Application:
    found: Application = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path) -> Iterator[None]:
    """No hookferry.toml of the machine gets in the way."""
    with chdir(tmp_path):
        yield
