"""What Foxtrot's document shows, and a client of its API."""

import json
import re
from pathlib import Path
from typing import Any

import httpx

from hookferry.receiver import Receiver
from tests.companies.company import Company

URL = "https://example.com/webhook"
CREATED, STARTED = "ROUTE_CREATED", "ROUTE_STARTED"
KNOWN = [CREATED, STARTED, "ROUTE_ETAS_CHANGED", "WAYPOINT_STATUS_CHANGED"]
"""The event types that the document names."""

NEW: dict[str, Any] = {"webhook_url": URL, "events": [CREATED, STARTED], "dc_ids": ["1", "2", "3"]}
ANSWER = """\
{ "status": "success", "data": { "webhook": { "id": "the-webhook-identifier", \
"url": "https://example.com/webhook", "enabled": true, "dc_ids": ["1", "2", "3"], \
"events": ["ROUTE_CREATED", "ROUTE_STARTED"] } } }"""
"""The document's answer to POST, PATCH and PUT, as it stands there."""

LIST = """\
{ "status": "success", "data": { "webhooks": [{ "id": "the-webhook-identifier", \
"url": "https://example.com/webhook", "enabled": true, "dc_ids": ["1", "2", "3"], \
"events": ["ROUTE_CREATED", "ROUTE_STARTED", "ROUTE_ETAS_CHANGED", "WAYPOINT_STATUS_CHANGED"] }] } }"""
"""The document's answer to GET; there is an ellipsis for further webhooks at the end."""

ROUTE = {"route_id": "route-17"}

_GUIDE = Path(__file__).parents[2] / "docs" / "contracts" / "foxtrot.md"
_NUMBERS = {
    int(code): [int(status) for status in statuses.split(", ")]
    for code, statuses in re.findall(r"^\| (\d{4}) \| ([\d, ]+) \|", _GUIDE.read_text("utf-8"), re.MULTILINE)
}
"""The statuses that go with each number of an error, as the guide lists them."""


class Webhooks:
    """Foxtrot's API with one key, and the operator's hand behind it."""

    def __init__(self, client: httpx.AsyncClient, company: Company) -> None:
        self.client = client
        self.company = company

    async def ask(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        """Call a route, whatever it answers."""
        return await self.client.request(method, f"/webhooks{path}", json=body)

    async def add(self, url: str = URL, **fields: Any) -> Any:
        """A new webhook for all known types, of all DCs unless `dc_ids` says which."""
        answer = await self.ask("POST", body={"webhook_url": url, "events": KNOWN, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["webhook"]

    async def list(self) -> list[Any]:
        found: list[Any] = (await self.ask("GET")).json()["data"]["webhooks"]
        return found

    async def enable(self, id: str, enabled: bool = True, method: str = "PATCH") -> None:
        """Enable or disable a webhook."""
        answer = await self.ask(method, f"/{id}", {"enabled": enabled})
        assert answer.status_code == 200, answer.text

    async def happens(self, type: str = STARTED, dc: str | None = "1", payload: Any = ROUTE) -> int:
        """An event of a DC; how many webhooks it goes to."""
        scope = {} if dc is None else {"scope": {"dc_ids": [dc]}}
        published = await self.company.publish(payload, type, **scope)
        deliveries: int = published["deliveries"]
        return deliveries


def literally(document: str, id: str) -> str:
    """An answer of the document with the id of a real webhook, without its blanks."""
    sample = json.loads(document.replace("the-webhook-identifier", id))
    return json.dumps(sample, separators=(",", ":"))


def refused(answer: httpx.Response) -> tuple[int, int]:
    """The status and the number of an error, which the guide knows; Foxtrot's envelope has a message too."""
    body = answer.json()
    code, message = body["data"]["code"], body["data"]["message"]
    assert (body, bool(message)) == ({"status": "error", "data": {"code": code, "message": message}}, True)
    assert answer.status_code in _NUMBERS[code]
    return answer.status_code, code


async def bodies(receiver: Receiver, count: int) -> list[Any]:
    """What arrived, read."""
    return [json.loads(one.body) for one in await receiver.wait_for(count)]
