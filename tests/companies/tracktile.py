"""What Tracktile's document shows, and a receiver that verifies as the guide says."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from hookferry.receiver import Arrival, Receiver
from tests.companies.company import Company

CREATE = """curl -X POST "https://api.tracktile.io/hooks" \\
  -H "Authorization: Bearer api-YOUR_TOKEN_HERE" \\
  -H "Content-Type: application/json" \\
  -d '{ "name": "My Webhook", "url": "https://your-server.com/webhook", "on": "order.status.changed" }'"""
LIST = """curl "https://api.tracktile.io/hooks" \\
  -H "Authorization: Bearer api-YOUR_TOKEN_HERE\""""
UPDATE = """curl -X PUT "https://api.tracktile.io/hooks/{id}" \\
  -H "Authorization: Bearer api-YOUR_TOKEN_HERE" \\
  -H "Content-Type: application/json" \\
  -d '{ "name": "Updated Webhook", "status": "paused" }'"""
DELETE = """curl -X DELETE "https://api.tracktile.io/hooks/{id}" \\
  -H "Authorization: Bearer api-YOUR_TOKEN_HERE\""""
ROTATE = """curl -X POST "https://api.tracktile.io/hooks/{id}/rotate" \\
  -H "Authorization: Bearer api-YOUR_TOKEN_HERE\""""
TEST = """curl -X POST "https://api.tracktile.io/hooks/{id}/test" \\
  -H "Authorization: Bearer api-YOUR_TOKEN_HERE\""""
EXECUTIONS = """curl "https://api.tracktile.io/hooks/{id}/executions" \\
  -H "Authorization: Bearer api-YOUR_TOKEN_HERE\""""
"""The document's seven calls, as they stand there."""

REGISTER = """tt webhooks register \\
  --name="My Webhook" \\
  --on="order.status.changed" \\
  --url="https://your-server.com/webhook\""""
"""The document's command."""

SAMPLE = (
    '{ "id": "evt_abc123", "kind": "order.status.changed", "time": "2024-01-15T10:30:00Z", '
    '"transactionId": "txn_xyz789", "orderId": "ord_456", "previousOrderStatus": "pending", '
    '"currentOrderStatus": "confirmed"}'
)
"""The document's payload."""

CHANGED = "order.status.changed"
OWN = {
    "transactionId": "txn_xyz789",
    "orderId": "ord_456",
    "previousOrderStatus": "pending",
    "currentOrderStatus": "confirmed",
}
"""What the publisher gives of the sample."""

_GUIDE = Path(__file__).parents[2] / "docs" / "contracts" / "tracktile.md"
_CHECK = """
const { secret, now, received } = JSON.parse(require("fs").readFileSync(0));
const verdicts = received.map(([header, body]) => isGenuine(secret, header, Buffer.from(body), now));
process.stdout.write(JSON.stringify(verdicts));
"""


def call(command: str, company: Company, id: str = "") -> Any:
    """Run one of the document's curl calls in a shell, and read its status and its answer.

    Only the host, the token and the id are other ones.
    """
    for old, new in (
        ("https://api.tracktile.io", company.server.url),
        ("api-YOUR_TOKEN_HERE", company.key),
        ("{id}", id),
    ):
        command = command.replace(old, new)
    if shutil.which("curl") is None:
        return _without_curl(shlex.split(command)[1:])
    done = subprocess.run(
        ["sh", "-c", command + " -s --noproxy '*' -w '\\n%{http_code}'"], stdout=subprocess.PIPE, check=True
    )
    body, _, status = done.stdout.decode().rpartition("\n")
    return int(status), json.loads(body or "null")


def _without_curl(words: list[str]) -> Any:
    """The same request where there is no curl."""
    options = {"-X": "GET", "-d": ""}
    headers: dict[str, str] = {}
    url, left = "", iter(words)
    for word in left:
        if word == "-H":
            name, _, value = next(left).partition(": ")
            headers[name] = value
        elif word in options:
            options[word] = next(left)
        else:
            url = word
    answer = httpx.request(options["-X"], url, headers=headers, content=options["-d"], trust_env=False)
    return answer.status_code, answer.json() if answer.content else None


def install(folder: Path) -> None:
    """Put the company's command there, under its own name."""
    hookferry = [sys.executable, "-m", "hookferry"]
    subprocess.run([*hookferry, "contracts", "command", "tracktile", "--install", str(folder)], check=True)


def run(command: str, company: Company, folder: Path) -> Any:
    """Run a line of the company's command, which is installed in a folder, in a shell; what it prints.

    A customer's server and key are all that it is told beside.
    """
    given = {"HOOKFERRY_URL": company.server.url, "HOOKFERRY_KEY": company.key}
    env = {"PATH": f"{folder}:{os.environ['PATH']}", **given}
    done = subprocess.run(["sh", "-c", command], check=True, env=env, cwd=folder, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def guide_says(arrivals: Sequence[Arrival], secret: str) -> list[bool]:
    """What the guide's code for Node says of each arrival."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    (code,) = re.findall(r"```js\n(.*?)```", _GUIDE.read_text("utf-8"), re.DOTALL)
    received = [[signature(one), one.body.decode()] for one in arrivals]
    done = subprocess.run(
        ["node", "--eval", code + _CHECK],
        input=json.dumps({"secret": secret, "now": arrivals[0].at // 1000, "received": received}).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    said: list[bool] = json.loads(done.stdout)
    return said


def signature(arrival: Arrival) -> str:
    """The header's value; its name in exactly this case."""
    return dict(arrival.headers)["X-Tracktile-Signature"]


class Hooks:
    """Tracktile's API with one key, and the operator's hand behind it."""

    def __init__(self, client: httpx.AsyncClient, company: Company) -> None:
        self.client = client
        self.company = company

    async def tries(self, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        """Call a route: the status, and the message if it is an error's."""
        answer = await self.client.request(method, f"/hooks{path}", json=body)
        if answer.is_success:
            return answer.status_code, None
        status, message = answer.json()["status"], answer.json()["message"]
        assert answer.json() == {"status": answer.status_code, "message": message}
        return status, message

    async def ask(self, method: str, path: str = "", body: Any = None) -> Any:
        """Call a route, which must succeed."""
        answer = await self.client.request(method, f"/hooks{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def create(self, url: str, on: str = CHANGED, name: str = "My Webhook") -> Any:
        """A new hook."""
        return await self.ask("POST", body={"name": name, "url": url, "on": on})

    async def publish(self, **fields: Any) -> Any:
        """The document's sample happens, as far as the publisher says it."""
        return await self.company.publish(OWN, CHANGED, **fields)

    async def settled(self) -> None:
        """Publish it, and return once the first attempt is settled."""
        async with self.company.tail() as attempts:
            await self.publish()
            await anext(attempts)

    async def retry(self) -> None:
        """Let the one delivery that waits be due now."""
        (delivery,) = await self.company.deliveries()
        await self.company.ask("POST", f"deliveries/{delivery['id']}/retry")


async def bodies(receiver: Receiver, count: int) -> list[Any]:
    """What arrived, read."""
    return [json.loads(one.body) for one in await receiver.wait_for(count)]
