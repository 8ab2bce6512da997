"""Who publishes during the run, and who changes endpoints meanwhile: over HTTP, as careful clients do."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import httpx

from tests.chaos.recorder import Recorder
from tests.support.process import ServerProcess

TENANT = "acme"
# So long a publisher rests between two events, in seconds: the run is about faults, not about load.
_REST = 0.02


class Publishers:
    """Every second one uses idempotency keys; the others may make an event more for each answer that is lost.

    Their mutable state is what was acknowledged: the event's id for each publish. `refused` counts answers of
    503 and connections that broke, `unsure` those of publishes without a key, `torn` keys with two ids.
    """

    def __init__(self, api: ServerProcess) -> None:
        self.acknowledged: dict[str, str] = {}
        self.refused = 0
        self.unsure = 0
        self.torn = 0
        self._api = api
        self.over = asyncio.Event()

    async def publish(self, publisher: int) -> None:
        """Until it is over; the event at hand is published to the end."""
        number = 0
        keyed = publisher % 2 == 0
        async with self._api.client() as client:
            while not self.over.is_set():
                number += 1
                name = f"{publisher}-{number}"
                await self._once(client, name, keyed)
                if keyed and number % 10 == 0:
                    # As if the first answer had been lost.
                    await self._once(client, name, keyed)
                await asyncio.sleep(_REST)

    async def _once(self, client: httpx.AsyncClient, name: str, keyed: bool) -> None:
        draft: dict[str, Any] = {"type": "chaos.test", "payload": {"name": name}}
        if keyed:
            draft["idempotency_key"] = name

        def refused() -> None:
            self.refused += 1
            self.unsure += not keyed

        answer = await asked(client, "POST", f"/v1/tenants/{TENANT}/events", draft, refused)
        self.torn += self.acknowledged.setdefault(name, answer["id"]) != answer["id"]


class Operator:
    """Pauses, resumes, rotates and cancels.

    `cancelled` are the deliveries whose cancelling was answered, `unsure` those where no answer came.
    """

    def __init__(self, api: ServerProcess, recorder: Recorder, endpoints: dict[str, str], seed: int) -> None:
        self.cancelled: set[str] = set()
        self.unsure: set[str] = set()
        self.changes = 0
        self.over = asyncio.Event()
        self._api = api
        self._recorder = recorder
        self._endpoints = endpoints
        self._random = Random(seed + 1)

    async def work(self) -> None:
        """Until it is over; whatever it paused is resumed then."""
        async with self._api.client() as client:
            while not self.over.is_set():
                target, endpoint = self._random.choice(sorted(self._endpoints.items()))
                await self._random.choice((self._pause, self._rotate, self._cancel))(client, target, endpoint)
                self.changes += 1
                await asyncio.sleep(self._random.uniform(0.5, 2))

    async def _pause(self, client: httpx.AsyncClient, target: str, endpoint: str) -> None:
        path = f"/v1/tenants/{TENANT}/endpoints/{endpoint}"
        await asked(client, "POST", f"{path}/pause")
        await asyncio.sleep(self._random.uniform(0, 2))
        await asked(client, "POST", f"{path}/resume")

    async def _rotate(self, client: httpx.AsyncClient, target: str, endpoint: str) -> None:
        # Our own secret, known to the receiver first: an answer may get lost.
        secret = "whsec_" + b64encode(self._random.randbytes(32)).decode()
        self._recorder.trust(target, secret)
        path = f"/v1/tenants/{TENANT}/endpoints/{endpoint}/rotate"
        await asked(client, "POST", path, {"secret": secret, "overlap": 1})

    async def _cancel(self, client: httpx.AsyncClient, target: str, endpoint: str) -> None:
        params = {"status": "pending", "endpoint": endpoint, "limit": "1"}
        with suppress(httpx.TransportError):
            page = (await client.get(f"/v1/tenants/{TENANT}/deliveries", params=params)).json()
            for one in page.get("data", ()):
                self.unsure.add(one["id"])
                path = f"/v1/tenants/{TENANT}/deliveries/{one['id']}/cancel"
                if (await client.post(path)).status_code == 200:
                    self.cancelled.add(one["id"])


async def asked(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: Any = None,
    refused: Callable[[], None] = lambda: None,
) -> Any:
    """The answer, however often it takes: on a broken connection and on 503 the same again."""
    while True:
        with suppress(httpx.TransportError):
            answer = await client.request(method, path, json=body)
            if answer.status_code != 503:
                answer.raise_for_status()
                return answer.json()
        refused()
        await asyncio.sleep(0.1)  # nothing tells when it is back
