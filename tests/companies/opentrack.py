"""What OpenTrack's document shows, and a receiver that runs its code."""

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx
import pytest

from hookferry.receiver import Arrival, Receiver
from tests.companies.company import Company

SECRET = "s3cr3t"
SIGNATURE = "X-OpenTrack-Signature"
STATUS_UPDATED = "container.status.updated"
CHANGES = {"status": {"previous": "DISCHARGED", "current": "AVAILABLE"}}
TYPES = [
    "container.demurrage.updated",
    "container.exceptions.updated",
    "container.history.updated",
    "container.holds.updated",
    "container.itinerary.updated",
    "container.location.updated",
    "container.status.updated",
    "container.tracking.failed",
    "container.tracking.stopped",
    "shipment.itinerary.updated",
    "shipment.tracking.failed",
]

DOCUMENT = """\
const crypto = require("crypto");
const hmac = crypto.createHmac("sha256", secret);
const signature = hmac.update(JSON.stringify(webhookPayload)).digest("hex");"""
"""The document's verification code, as it stands there."""

_RECEIVERS = """
const { secret, bodies } = JSON.parse(require("fs").readFileSync(0));
const both = bodies.map((base64) => {
    const raw = Buffer.from(base64, "base64");
    const webhookPayload = JSON.parse(raw);
    %s
    return [signature, crypto.createHmac("sha256", secret).update(raw).digest("hex")];
});
process.stdout.write(JSON.stringify(both));
"""


def receivers_say(arrivals: Sequence[Arrival], secret: str) -> list[list[str]]:
    """For each arrival two signatures: by the document's code, and of the raw body."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    bodies = [b64encode(one.body).decode() for one in arrivals]
    done = subprocess.run(
        ["node", "--eval", _RECEIVERS % DOCUMENT],
        input=json.dumps({"secret": secret, "bodies": bodies}).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    said: list[list[str]] = json.loads(done.stdout)
    return said


def signatures(arrivals: Sequence[Arrival]) -> list[str | None]:
    """What stands in the header of each."""
    return [dict(one.headers).get(SIGNATURE) for one in arrivals]


class Webhooks:
    """OpenTrack's API with one key, and the operator's hand behind it."""

    def __init__(self, client: httpx.AsyncClient, company: Company) -> None:
        self.client = client
        self.company = company

    async def ask(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        """Call a route, whatever it answers."""
        return await self.client.request(method, f"/v1/webhooks{path}", json=body)

    async def register(self, url: str, **fields: Any) -> Any:
        """A new webhook."""
        answer = await self.ask("POST", body={"url": url, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def list(self) -> list[Any]:
        found: list[Any] = (await self.ask("GET")).json()["webhooks"]
        return found

    async def publish(
        self, payload: Any = None, type: str = STATUS_UPDATED, changes: Any = CHANGES, **fields: Any
    ) -> Any:
        """A new event, with what the document's sample changes."""
        return await self.company.publish({} if payload is None else payload, type, changes=changes, **fields)

    async def publish_text(self, payload: str, changes: str | None = None) -> httpx.Response:
        """A new event whose JSON is written as it is."""
        more = "" if changes is None else f', "changes": {changes}'
        return await self.company.client.post(
            self.company.path("events"),
            content=f'{{"type": "{STATUS_UPDATED}", "payload": {payload}{more}}}'.encode(),
            headers={"Content-Type": "application/json"},
        )


def code(answer: httpx.Response) -> tuple[int, str]:
    """An error's status and code; its message stands at the top and says something."""
    body = answer.json()
    assert body["message"]
    assert set(body) == {"code", "message"}
    return answer.status_code, body["code"]


def seconds(earlier: str, later: str) -> float:
    """Between two times."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


async def bodies(receiver: Receiver, count: int) -> list[Any]:
    """What arrived, read."""
    return [json.loads(one.body) for one in await receiver.wait_for(count)]
