"""A tenant of a well-known sender's contract, its endpoint at a receiver, and what arrives there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer
from tests.known_senders.official import Captured
from tests.support.process import ServerProcess

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
"""Where the customer brings one."""

CHOSEN = {"github": SECRET, "shopify": SECRET, "twilio": SECRET}

TYPES = {"github": "issues", "shopify": "orders/create", "zendesk": "zen:event-type:user.created"}

# Not what a URL library would write: who signs it signs this text.
PATH = "/Hooks/%7euser?b=2&a=%c3%a9"


class Sender:
    """A contract's tenant with one endpoint. `keys` are what its receiver verifies with, newest first."""

    def __init__(self, tenant: Customer, receiver: Receiver, endpoint: Any) -> None:
        self.tenant = tenant
        self.endpoint = endpoint
        self.keys = [endpoint["secret"] or endpoint["public_key"]]
        self._receiver = receiver

    async def deliver(self, type: str = "order.created", payload: Any = None) -> Captured:
        """Publish an event; its request as it arrived."""
        count = self._receiver.count
        await self.tenant.publish({"name": "é ☃ 😀", "total": 17} if payload is None else payload, type)
        arrival = (await self._receiver.wait_for(count + 1))[-1]
        headers = {name.lower(): value for name, value in arrival.headers}
        return Captured(self._receiver.url + arrival.target, headers, arrival.body)

    async def rotate(self, **fields: Any) -> None:
        """Give the endpoint a new secret."""
        answer = await self.tenant.ask("POST", f"endpoints/{self.endpoint['id']}/rotate", fields)
        self.keys.insert(0, answer["secret"] or answer["public_key"])


@asynccontextmanager
async def sender(server: ServerProcess, contract: str, secret: str | None = None) -> AsyncIterator[Sender]:
    """A new tenant of a contract, whose endpoint is a receiver on loopback."""
    async with Receiver() as receiver, customer(server, contract) as tenant:
        chosen = {"secret": secret} if secret else {}
        yield Sender(tenant, receiver, await tenant.register(receiver.url + PATH, **chosen))
