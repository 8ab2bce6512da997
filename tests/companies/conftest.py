"""A server that speaks the company's API at its root, a tenant, a receiver.

A test module of a company says which one it is: `COMPANY = "opentrack"`.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from hookferry.receiver import Receiver
from tests.companies.company import Company, tenant_of
from tests.e2e.conftest import LOOPBACK, serving
from tests.support.process import ServerProcess

# 30 minutes take 0.2 seconds.
FAST = ("--dev", "--time-scale", "10000")


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """`hookferry serve --contract NAME`, its retries in fast motion; it may reach loopback."""
    name = request.module.COMPANY
    yield from serving(tmp_path_factory.mktemp(name), *LOOPBACK, *FAST, "--contract", name)


@pytest.fixture
async def company(request: pytest.FixtureRequest, server: ServerProcess) -> AsyncIterator[Company]:
    """A new tenant of the company's contract."""
    async with tenant_of(server, request.module.COMPANY) as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Records what arrives; `answer(target, ...)` says what a target answers."""
    async with Receiver() as receiver:
        yield receiver
