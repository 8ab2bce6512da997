"""Several processes on one database: who publishes and who delivers."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e.customer import Customer, customer
from tests.support.place import Place
from tests.support.process import ServerProcess


class Machines:
    """An API, workers, and a tenant of the API."""

    def __init__(self, api: ServerProcess, workers: list[ServerProcess], tenant: Customer) -> None:
        self.api = api
        self.workers = workers
        self.tenant = tenant

    async def until(self, *statuses: str, held: bool = False) -> list[Any]:
        """The tenant's deliveries, newest first, once their statuses (sorted) are these."""
        async with asyncio.timeout(30):
            while True:
                found = await self.tenant.deliveries()
                if sorted(one["status"] for one in found) == sorted(statuses) and all(
                    one.get("held", False) for one in found if held and one["status"] == "pending"
                ):
                    return found
                await asyncio.sleep(0.05)  # another process: its API is all that tells


def tell(server: ServerProcess, number: signal.Signals) -> None:
    """Send a signal."""
    assert server.process is not None
    server.process.send_signal(number)


@asynccontextmanager
async def machines(
    place: Place, *flags: str, workers: int = 1, url: str | None = None
) -> AsyncIterator[Machines]:
    """They run meanwhile. `flags` are the workers', `url` is their way to the database."""
    api = place.server("--role", "api")
    others = [place.server("--role", "worker", *flags, url=url) for _ in range(workers)]
    try:
        await asyncio.gather(*(one.start() for one in (api, *others)))
        async with customer(api) as tenant:
            yield Machines(api, others, tenant)
    finally:
        for one in (api, *others):
            if one.process is not None:
                one.kill()
