"""The loop: publish, deliver, kill, start again; then count."""

import asyncio
import contextlib
import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec

from hookferry.receiver import Answer, Receiver
from tests.support.process import ServerProcess, new_endpoint

_PUBLISHERS = 8
_ENDPOINTS = 3
# Retries in fast motion: the whole schedule of days in seconds.
_FLAGS = ("--dev", "--time-scale", "100000", "--allow-net", "127.0.0.0/8", "--grace", "2s")


class Tally(msgspec.Struct):
    """What happened. Everything that was acknowledged must have arrived, at each endpoint."""

    seed: int
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    unfinished: int = 0
    unverified: int = 0
    requests: int = 0
    repeats: int = 0
    """Requests beyond the first success of an event at an endpoint: what crashes may cost."""

    @property
    def good(self) -> bool:
        """True if the promise held."""
        return self.acknowledged > 0 and not (self.lost or self.unfinished or self.unverified)


class Loop:
    """One run. Its mutable state is the tally and what was acknowledged."""

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.tally = Tally(seed)
        self._kills = kills
        self._random = Random(seed)
        self._server = ServerProcess(folder, *_FLAGS)
        self._acknowledged: set[str] = set()
        self._over = asyncio.Event()

    async def run(self) -> Tally:
        """Publish and kill, wait until everything is quiet, then count."""
        async with Receiver(keep=1_000_000) as receiver:
            await self._server.start()
            await self._prepare(receiver)
            publishers = [asyncio.create_task(self._publish(number)) for number in range(_PUBLISHERS)]
            await self._kill_and_start()
            self._over.set()
            await asyncio.gather(*publishers)
            await self._quiet()
            await self._count(receiver)
            self._server.stop()
        return self.tally

    async def _prepare(self, receiver: Receiver) -> None:
        async with self._server.client() as client:
            for number in range(_ENDPOINTS):
                target = f"/{number}"
                endpoint = await new_endpoint(client, receiver.url + target)
                receiver.trust(target, endpoint["secret"])
                # One in ten is refused at first, so that retries are killed too.
                statuses = [500 if self._random.random() < 0.1 else 200 for _ in range(5000)]
                receiver.answer(target, *[Answer(status) for status in statuses], Answer(200))

    async def _publish(self, publisher: int) -> None:
        number = 0
        async with self._server.client() as client:
            while not self._over.is_set():
                number += 1
                await self._publish_one(client, f"{publisher}-{number}")

    async def _publish_one(self, client: httpx.AsyncClient, key: str) -> None:
        """Until it is acknowledged, as a careful publisher does: with an idempotency key."""
        draft = {"type": "crash.test", "payload": {"key": key}, "idempotency_key": key}
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.post("/v1/tenants/acme/events", json=draft)
                if answer.status_code == 202:
                    self._acknowledged.add(answer.json()["id"])
                    return
            await asyncio.sleep(0.05)  # the server is dead: nothing tells when it is back

    async def _kill_and_start(self) -> None:
        for _ in range(self._kills):
            await asyncio.sleep(self._random.uniform(0.05, 0.8))  # when it dies is the test's subject
            self._server.kill()
            self.tally.kills += 1
            await self._server.start()
        await asyncio.sleep(0.5)

    async def _quiet(self) -> None:
        """Until nothing is pending any more; what waits for a retry comes soon in fast motion."""
        params = {"status": "pending", "limit": "1"}
        async with asyncio.timeout(60), self._server.client() as client:
            while True:
                page = (await client.get("/v1/tenants/acme/deliveries", params=params)).json()
                if not page["data"]:
                    return
                await asyncio.sleep(0.2)

    async def _count(self, receiver: Receiver) -> None:
        tally = self.tally
        arrived = Counter((one.target, one.id) for one in receiver.arrivals if one.status == 200)
        tally.acknowledged = len(self._acknowledged)
        wanted = [(f"/{number}", id) for number in range(_ENDPOINTS) for id in self._acknowledged]
        tally.lost = sum(pair not in arrived for pair in wanted)
        tally.unverified = sum(one.verified is not True for one in receiver.arrivals)
        tally.requests = receiver.count
        tally.repeats = sum(count - 1 for count in arrived.values())
        tally.unfinished = await self._unfinished()

    async def _unfinished(self) -> int:
        """Deliveries that did not end in success, by the server's own books."""
        count, cursor = 0, ""
        async with self._server.client() as client:
            while True:
                params = {"limit": "200", **({"cursor": cursor} if cursor else {})}
                page: dict[str, Any] = (await client.get("/v1/tenants/acme/deliveries", params=params)).json()
                count += sum(1 for delivery in page["data"] if delivery["status"] != "succeeded")
                cursor = page["next"]
                if not cursor:
                    return count


def report(tally: Tally) -> str:
    """One line of JSON."""
    return json.dumps(msgspec.to_builtins(tally))
