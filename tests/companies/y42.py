"""What Y42's document shows, and a receiver that verifies as the guide says."""

import json
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from hookferry.receiver import Arrival, Receiver
from tests.companies.company import Company, tenant_of
from tests.support.process import ServerProcess

SIGNATURE = "x-y42-signature"
RUBY = "ruby -rsecurerandom -e 'puts SecureRandom.hex(20)'"
EXPORT = "export SECRET_TOKEN=YOUR-TOKEN"
"""The document's two commands."""

SUCCEEDED, FAILED_JOB, PARTIAL = "job.succeeded", "job.failed", "job.partially_succeeded"
FINISHED, ALERT = "orchestration.finished", "status.alert"
TYPES = [SUCCEEDED, FAILED_JOB, PARTIAL, FINISHED, ALERT]
OUTCOMES = ["success", "failure", "partial_success"]

JOB = {
    "resource": {"type": "integration", "id": "int-7", "name": "Orders from the shop"},
    "run": {"id": "run-1138", "finished_at": "2026-02-03T04:05:06Z"},
    "error": {"message": "Column order_total is missing."},
}

_GUIDE = Path(__file__).parents[2] / "docs" / "contracts" / "y42.md"
_CHECK = """
import base64, json, sys
for header, body in json.load(sys.stdin):
    print(is_genuine(header, base64.b64decode(body)))
"""


def new_token() -> str:
    """What the document's command prints; without Ruby, what Python has for it."""
    if shutil.which("ruby") is None:
        return token_hex(20)
    return subprocess.run(["sh", "-c", RUBY], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def guide() -> str:
    """The guide's code for Python."""
    (code,) = re.findall(r"```python\n(.*?)```", _GUIDE.read_text("utf-8"), re.DOTALL)
    return str(code)


def guide_says(arrivals: Sequence[Arrival], token: str) -> list[bool]:
    """What the guide's code says of each, in a shell that has done the document's `export`."""
    shell = f'{EXPORT.replace("YOUR-TOKEN", token)}; exec "$0" "$@"'
    received = [[signature(one), b64encode(one.body).decode()] for one in arrivals]
    done = subprocess.run(
        ["sh", "-c", shell, sys.executable, "-c", guide() + _CHECK],
        input=json.dumps(received),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return [line == "True" for line in done.stdout.split()]


def openssl_says(arrival: Arrival, token: str) -> str:
    """What OpenSSL makes of the token and the body."""
    if shutil.which("openssl") is None:
        pytest.skip("OpenSSL is not installed")
    command = ["openssl", "dgst", "-sha256", "-hmac", token, "-r"]
    done = subprocess.run(command, input=arrival.body, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().split()[0]


def signature(arrival: Arrival) -> str | None:
    """The header's value, its name in exactly this case."""
    return dict(arrival.headers).get(SIGNATURE)


async def bodies(receiver: Receiver, count: int) -> list[Any]:
    """What arrived, read."""
    return [json.loads(one.body) for one in await receiver.wait_for(count)]


class Space:
    """Y42's API with one key, and the operator's hand behind it."""

    def __init__(self, client: httpx.AsyncClient, company: Company) -> None:
        self.client = client
        self.company = company

    async def tries(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Call a route: the status, and the message if it is an error, which looks as all errors do."""
        answer = await self.client.request(method, path, json=body)
        if answer.is_success:
            return answer.status_code, ""
        said = answer.json()["error"]
        assert answer.json() == {"error": {"code": said["code"], "message": said["message"]}}
        assert re.fullmatch("[a-z]+(_[a-z]+)*", said["code"])
        return answer.status_code, said["message"]

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call a route, which must succeed."""
        answer = await self.client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def webhook(self, url: str, **fields: Any) -> Any:
        """A new webhook."""
        return await self.ask("POST", "/webhooks", {"url": url, **fields})

    async def webhooks(self) -> list[Any]:
        found: list[Any] = (await self.ask("GET", "/webhooks"))["webhooks"]
        return found

    async def alert(self, *webhooks: object, **fields: Any) -> Any:
        """A new alert."""
        return await self.ask("POST", "/alerts", {"name": "Imports", "webhooks": webhooks, **fields})

    async def publish(self, type: str = FAILED_JOB, **fields: Any) -> Any:
        """Something happens in the space."""
        return await self.company.publish(JOB, type, **fields)

    async def status(self, resource: str, outcome: str, type: str = FAILED_JOB) -> Any:
        """A resource's job has ended, labelled as the guide says."""
        return await self.publish(type, scope={"resource": resource, "outcome": outcome})


@asynccontextmanager
async def space_of(server: ServerProcess) -> AsyncIterator[Space]:
    """A new space, and its key."""
    async with (
        tenant_of(server, "y42") as company,
        company.caller({"Authorization": f"Bearer {company.key}"}) as client,
    ):
        yield Space(client, company)
