"""A tenant of a company's contract on a real server, and those who call for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.e2e.customer import Customer
from tests.support.process import ServerProcess

TENANTS_RIGHTS = ("events:write", "events:read", "webhooks:read", "webhooks:write", "webhooks:delete")


class Company(Customer):
    """One tenant of a contract. `ask`, `publish` and the like are the operator's, with the native API.

    `server.url` serves the company's own API at the root too. `key` is the tenant's, with all rights.
    """

    def __init__(self, server: ServerProcess, operator: httpx.AsyncClient, id: str, contract: str) -> None:
        super().__init__(operator, id)
        self.server = server
        self.contract = contract
        self.key = ""

    async def new_key(self, *permissions: str) -> str:
        """A key of the tenant with just these permissions."""
        wanted = {"tenant": self.id, "permissions": permissions}
        answer = await self.client.post("/v1/keys", json=wanted)
        assert answer.is_success, answer.text
        key: str = answer.json()["key"]
        return key

    @asynccontextmanager
    async def caller(self, headers: dict[str, str], base: str = "") -> AsyncIterator[httpx.AsyncClient]:
        """A client of the company's own API: at the root, or below `base` such as `/opentrack`."""
        async with httpx.AsyncClient(
            base_url=self.server.url + base, headers=headers, timeout=10, trust_env=False, verify=False
        ) as client:
            yield client


@asynccontextmanager
async def tenant_of(server: ServerProcess, contract: str, **fields: Any) -> AsyncIterator[Company]:
    """A new tenant of a contract, with its key; `fields` such as `features` are the tenant's."""
    async with server.client() as operator:
        answer = await operator.post("/v1/tenants", json={"name": "Company", "contract": contract, **fields})
        assert answer.is_success, answer.text
        company = Company(server, operator, answer.json()["id"], contract)
        company.key = await company.new_key(*TENANTS_RIGHTS)
        yield company
