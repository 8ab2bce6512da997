"""`serve --dev`: a key, a tenant and a receiver to try things with."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import msgspec
import structlog

from hookferry.config import Settings
from hookferry.errors import NotFound
from hookferry.model import Endpoint
from hookferry.receiver import Arrival, Receiver
from hookferry.service.forms import EndpointChange, NewEndpoint, NewTenant
from hookferry.service.services import Services

_log = structlog.get_logger("hookferry.receiver")

TENANT = "demo"
_ENDPOINT = "built-in receiver"
_NETWORKS = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Development:
    """What `--dev` adds. Its mutable state is the receiver, while it listens.

    `key` is what encrypts the database: the admin key is derived from it, so that a second start shows
    the same one and none is ever stored. With an admin key of the operator's own there is no other, and
    that one is not shown.
    """

    def __init__(self, key: bytes, admin_key: str | None = None) -> None:
        derived = "hf_dev_" + hashlib.sha256(b"hookferry development key" + key).hexdigest()[:40]
        self._admin_key = admin_key or derived
        self._shown_key = "$HOOKFERRY_ADMIN_KEY" if admin_key else derived
        self.receiver = Receiver(tell=_tell)

    def applied(self, settings: Settings) -> Settings:
        """The settings with its key, and with the receiver's networks opened."""
        return msgspec.structs.replace(
            settings, admin_key=self._admin_key, allow_net=(*settings.allow_net, *_NETWORKS)
        )

    @asynccontextmanager
    async def receiving(self, services: Services) -> AsyncIterator[None]:
        """Listen, with a tenant `demo` whose endpoint points here."""
        async with self.receiver:
            endpoint = await self._endpoint(services, f"{self.receiver.url}/hooks")
            live = services.secrets.reveal(TENANT, endpoint.id).secrets
            self.receiver.trust("/hooks", *[secret.value for secret in live])
            yield

    async def _endpoint(self, services: Services, url: str) -> Endpoint:
        try:
            services.tenants.get(TENANT)
        except NotFound:
            await services.tenants.create(NewTenant(id=TENANT, name="Demo"))
        for endpoint in services.endpoints.list(TENANT):
            if endpoint.name == _ENDPOINT:
                return await services.endpoints.change(TENANT, endpoint.id, EndpointChange(url=url))
        return await services.endpoints.create(TENANT, NewEndpoint(url=url, name=_ENDPOINT))

    def welcome(self, url: str) -> str:
        """What to show a newcomer: the key and a command that works."""
        return f"""
Hookferry is ready at {url}   (reference: {url}/docs)

  export HOOKFERRY_URL={url} HOOKFERRY_KEY={self._shown_key} HOOKFERRY_TENANT={TENANT}

  curl {url}/v1/tenants/{TENANT}/events \\
    -H "Authorization: Bearer {self._shown_key}" \\
    -H "Content-Type: application/json" \\
    -d '{{"type": "order.created", "payload": {{"order": 42, "total": 9.5}}}}'

The built-in receiver at {self.receiver.url}/hooks takes it and verifies the signature: each arrival and
each attempt is a line below. An endpoint at {self.receiver.url}/any?status=500,503,200&delay=0.5 fails twice
first. `hookferry tail` and `hookferry deliveries list` show more. This key is for development only.
"""


def _tell(arrival: Arrival) -> None:
    """A line for each request that the receiver got."""
    _log.info(
        "received",
        target=arrival.target,
        id=arrival.id,
        attempt=arrival.attempt,
        verified=arrival.verified,
        answered=arrival.status,
        **({"problem": arrival.problem} if arrival.problem else {}),
    )
