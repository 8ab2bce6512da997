"""A tenant of a real server process, and what an operator's key can do with it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.support.process import ServerProcess


class Customer:
    """One tenant. `client` has the admin key, `id` is the tenant's."""

    def __init__(self, client: httpx.AsyncClient, id: str) -> None:
        self.client = client
        self.id = id

    def path(self, path: str) -> str:
        return f"/v1/tenants/{self.id}/{path}"

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Call a route of the tenant; it must succeed."""
        answer = await self.client.request(method, self.path(path), json=body, params=query or None)
        assert answer.is_success, answer.text
        return answer.json()

    async def register(self, url: str, **fields: Any) -> Any:
        """A new endpoint."""
        return await self.ask("POST", "endpoints", {"url": url, **fields})

    async def publish(self, payload: Any = 1, type: str = "order.created", **fields: Any) -> Any:
        """A new event."""
        return await self.ask("POST", "events", {"type": type, "payload": payload, **fields})

    async def events(self) -> list[Any]:
        found: list[Any] = (await self.ask("GET", "events", limit=200))["data"]
        return found

    async def deliveries(self) -> list[Any]:
        """Newest first."""
        found: list[Any] = (await self.ask("GET", "deliveries", limit=200))["data"]
        return found

    async def attempts(self, delivery: str) -> list[Any]:
        """Newest first."""
        found: list[Any] = (await self.ask("GET", f"deliveries/{delivery}/attempts"))["data"]
        return found

    async def statuses(self) -> list[str]:
        """Of the deliveries, oldest first."""
        return [delivery["status"] for delivery in reversed(await self.deliveries())]

    async def final(self) -> list[Any]:
        """All deliveries, newest first, once none is pending: looked at after each settled attempt."""
        async with self.tail() as records:
            while True:
                found = await self.deliveries()
                if all(delivery["status"] != "pending" for delivery in found):
                    return found
                await anext(records)

    @asynccontextmanager
    async def tail(self) -> AsyncIterator[AsyncIterator[Any]]:
        """The attempts that are settled from now on, as they come."""
        async with self.client.stream("GET", self.path("tail"), timeout=20) as answer:
            assert answer.is_success, await answer.aread()
            lines = answer.aiter_lines()
            assert await anext(lines) == ": connected"
            yield (json.loads(line[5:]) async for line in lines if line.startswith("data:"))


@asynccontextmanager
async def running(server: ServerProcess) -> AsyncIterator[ServerProcess]:
    """A process that is ready; what still runs in the end is killed."""
    try:
        await server.start()
        yield server
    finally:
        server.kill()


@asynccontextmanager
async def customer(server: ServerProcess, contract: str = "standard") -> AsyncIterator[Customer]:
    """A new tenant of a server."""
    async with server.client() as client:
        answer = await client.post("/v1/tenants", json={"name": "Customer", "contract": contract})
        answer.raise_for_status()
        yield Customer(client, answer.json()["id"])
