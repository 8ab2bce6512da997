"""An organisation that has Octopi's webhooks, and the people in it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from hookferry.receiver.receiver import Arrival
from tests.companies.company import Company, tenant_of
from tests.support.process import ServerProcess

READ, WRITE, DELETE = "webhooks:read", "webhooks:write", "webhooks:delete"

EVENTS = {
    "Cargo Manifested": "Cargo is added to a manifest",
    "Voyage Created": "A new voyage is created.",
    "Voyage Updated": "Details for an existing voyage are updated.",
    "Gate Selected": "A terminal gate is selected",
    "Cargo Gated In": "Cargo is gated in.",
    "Cargo Gated Out": "Cargo is gated out.",
    "Cargo Loaded": "Cargo is loaded onto a marine vessel.",
    "Cargo Unloaded": "Cargo is discharged from a marine vessel.",
    "Reefer Plugged In": "A reefer is plugged in.",
    "Reefer Plugged Out": "A reefer is unplugged.",
    "Cargo Held": "Cargo has its first hold placed on it.",
    "Cargo Released": "Cargo has its last hold lifted",
    "Hold Applied": "A hold is placed on cargo.",
    "Hold Lifted": "A hold is lifted from cargo.",
    "Cargo Transferred In": "Cargo is transferred in to the terminal.",
    "Cargo Transferred Out": "Cargo is transferred out from the terminal.",
    "Train Departed": "A train departs from the terminal.",
    "Container Resealed": "A container is resealed.",
    "Rail Cargo Loaded": "Cargo is loaded onto a rail car.",
    "Rail Cargo Unloaded": "Cargo is discharged from a rail car.",
    "Container Stripped": "Cargo is stripped from a container.",
    "Truck Gated Out": "A truck is gated out from the terminal.",
    "Outbound EDI Failed": "An outbound EDI message failed to send.",
    "Berth Request Approved": "A berth request was approved.",
    "Cargo Overlanded": "Cargo is overlanded during a discharge tally.",
    "Cargo Overshipped": "Cargo is overshipped during a loading tally.",
    "Cargo Delivered": "Cargo is delivered.",
    "Cargo Stuffed": "Cargo is stuffed into a container.",
    "Cargo Yard Transfer": "Cargo is relocated to a new yard slot.",
}
"""The document's table of events and their triggers, word for word."""


class Terminal:
    """An organisation with the feature. `company` acts as the operator, `api` as a client with all rights."""

    def __init__(self, company: Company, api: httpx.AsyncClient) -> None:
        self.company = company
        self.api = api

    async def webhook(self, url: str, *events: str) -> str:
        """Add a webhook, which waits for its secret; its id."""
        answer = await self.api.post("/webhooks", json={"url": url, "events": events})
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    async def issue(self, webhook: str) -> str:
        """Let the operator issue a shared secret."""
        secret: str = (await self.company.ask("POST", f"endpoints/{webhook}/rotate"))["secret"]
        return secret

    async def ready(self, url: str, *events: str) -> str:
        """Add a webhook whose secret is issued; the secret."""
        return await self.issue(await self.webhook(url, *events))

    async def status(self, webhook: str) -> str:
        """What the organisation sees of how far its webhook is."""
        status: str = (await self.api.get(f"/webhooks/{webhook}")).json()["status"]
        return status

    async def sent(self) -> list[str]:
        """The types of all deliveries, oldest first, once all have come to an end."""
        return [delivery["type"] for delivery in reversed(await self.company.final())]

    async def role(self, *permissions: str) -> str:
        """A role that the operator sets up; its id."""
        wanted = {"name": "Role", "permissions": permissions}
        role: str = (await self.company.ask("POST", "roles", wanted))["id"]
        return role

    async def member(self, role: str) -> tuple[str, str]:
        """Somebody on the team with this role: the id and the key."""
        id: str = (await self.company.ask("POST", "members", {"name": "Ada", "role": role}))["id"]
        answer = await self.company.client.post("/v1/keys", json={"member": id})
        return id, answer.json()["key"]

    async def person(self, *permissions: str) -> str:
        """The key of somebody with a role of their own."""
        return (await self.member(await self.role(*permissions)))[1]

    async def tries(self, key: str, method: str, path: str, body: Any = None) -> int:
        """The status of what somebody asks of the company's API."""
        async with self.company.caller(token(key)) as client:
            return (await client.request(method, path, json=body)).status_code


def token(key: str) -> dict[str, str]:
    """How a key is sent."""
    return {"Authorization": f"Token token={key}"}


def values(arrivals: Sequence[Arrival], name: str) -> list[str]:
    """A header of each arrival; its name in exactly this case."""
    return [dict(arrival.headers)[name] for arrival in arrivals]


@asynccontextmanager
async def organization(server: ServerProcess, *features: str) -> AsyncIterator[Terminal]:
    """A new organisation with these features switched on."""
    async with (
        tenant_of(server, "octopi", features=features) as company,
        company.caller(token(company.key)) as api,
    ):
        yield Terminal(company, api)
