"""What Octopi's customers receive (OC-1 to OC-6, OC-19 to OC-31)."""

import asyncio
import hashlib
import hmac
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hookferry.receiver import Answer, Receiver
from tests.companies.octopi import EVENTS, Terminal, organization, values
from tests.support.process import ServerProcess

COMPANY = "octopi"

REEFER = {"cargo_id": 48211, "yard_slot": "B-12-03-2", "temperature": -18.5}

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

PAGE = Path(__file__).parents[2] / "docs/contracts/octopi.md"

# A receiver of Node alone, behind the page's own code. It prints its port, then what it finds genuine.
NODE = """
require("node:http").createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    console.log(isGenuine(process.argv[1], request.headers, Buffer.concat(chunks)));
    response.end();
  });
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });
"""


@pytest.fixture
async def terminal(server: ServerProcess) -> AsyncIterator[Terminal]:
    """An organisation that has webhooks."""
    async with organization(server, "webhooks") as one:
        yield one


@pytest.fixture
def plain() -> Iterator[HTTPServer]:
    """The simplest receiver that there is, of HTTP/1.0. Its `seen` holds methods and paths."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.seen.append((self.command, self.path))  # type: ignore[attr-defined]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def hold(terminal: Terminal, cargo: int, hold: int, type: str = "Hold Applied") -> None:
    """Say that a hold was applied or lifted."""
    await terminal.company.publish({"cargo_id": cargo, "hold_id": hold}, type)


@pytest.mark.proves("OC-1", "OC-2")
async def test_at_once(terminal: Terminal, receiver: Receiver) -> None:
    """An event is pushed within seconds; nobody asks for it."""
    await terminal.ready(f"{receiver.url}/at-once", "Reefer Plugged In")
    before = time.time()

    await terminal.company.publish(REEFER, "Reefer Plugged In")

    (arrival,) = await receiver.wait_for(1)
    assert arrival.at / 1000 - before < 5


@pytest.mark.proves("OC-3")
async def test_unsupported_event(terminal: Terminal) -> None:
    """An event that is not in the document's table cannot be published."""
    answer = await terminal.company.client.post(
        terminal.company.path("events"), json={"type": "Crane Painted", "payload": {}}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_event_type")


@pytest.mark.proves("OC-3")
async def test_unsupported_subscription(terminal: Terminal) -> None:
    """Nor can it be subscribed to."""
    wanted = {"url": "https://example.com/", "events": ["Crane Painted"]}

    answer = await terminal.api.post("/webhooks", json=wanted)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["events"])


@pytest.mark.proves("OC-4", "OC-6")
async def test_post(terminal: Terminal, plain: HTTPServer) -> None:
    """It is a POST to the URL as configured, and a server of Python's library takes it."""
    await terminal.ready(f"http://127.0.0.1:{plain.server_port}/a/b?c=1", "Reefer Plugged In")

    await terminal.company.publish(REEFER, "Reefer Plugged In")

    assert await terminal.sent() == ["Reefer Plugged In"]
    assert plain.seen == [("POST", "/a/b?c=1")]  # type: ignore[attr-defined]


@pytest.mark.proves("OC-6", "OC-25", "OC-30")
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
async def test_node(terminal: Terminal) -> None:
    """A receiver of Node's own library takes it, and our page's code finds that it is genuine."""
    secret = "the-secret-that-octopi-issued-2026"
    code = PAGE.read_text("utf-8").partition("```js\n")[2].partition("```")[0] + NODE
    node = await asyncio.create_subprocess_exec("node", "-e", code, secret, stdout=asyncio.subprocess.PIPE)
    assert node.stdout is not None
    try:
        port = int(await node.stdout.readline())
        webhook = await terminal.webhook(f"http://127.0.0.1:{port}/", "Reefer Plugged In")
        await terminal.company.ask("POST", f"endpoints/{webhook}/rotate", {"secret": secret})

        await terminal.company.publish({**REEFER, "note": "☃"}, "Reefer Plugged In")

        assert await node.stdout.readline() == b"true\n"
    finally:
        node.kill()
        await node.wait()


@pytest.mark.proves("OC-5")
async def test_of_the_time_of_the_event(terminal: Terminal, receiver: Receiver) -> None:
    """A retry tells what was true at the event, though things have changed since."""
    receiver.answer("/voyages", Answer(503), Answer(503), Answer(200))
    await terminal.ready(f"{receiver.url}/voyages", "Voyage Created", "Voyage Updated")

    await terminal.company.publish({"voyage_id": 7, "vessel_name": "Old"}, "Voyage Created")
    await terminal.company.publish({"voyage_id": 7, "vessel_name": "New"}, "Voyage Updated")

    bodies = Counter(arrival.body for arrival in await receiver.wait_for(4))
    assert set(bodies) == {
        b'{"event_type":"Voyage Created","voyage_id":7,"vessel_name":"Old"}',
        b'{"event_type":"Voyage Updated","voyage_id":7,"vessel_name":"New"}',
    }


@pytest.mark.proves("OC-19")
async def test_only_subscribed(terminal: Terminal, receiver: Receiver) -> None:
    """Of two events only the one that is subscribed to is sent."""
    await terminal.ready(f"{receiver.url}/subscribed", "Cargo Loaded")

    await terminal.company.publish({"cargo_id": 1}, "Cargo Unloaded")
    await terminal.company.publish({"cargo_id": 1}, "Cargo Loaded")

    assert await terminal.sent() == ["Cargo Loaded"]


@pytest.mark.proves("OC-27")
async def test_snake_case(terminal: Terminal, receiver: Receiver) -> None:
    """A type that is published in snake case is sent under the name of the table."""
    await terminal.ready(f"{receiver.url}/snake", "outbound_edi_failed")

    await terminal.company.publish({}, "outbound_edi_failed")

    assert values(await receiver.wait_for(1), "X-Octopi-Event") == ["Outbound EDI Failed"]


@pytest.mark.proves("OC-21", "OC-31")
async def test_every_event(terminal: Terminal, receiver: Receiver) -> None:
    """Each of the 29, with the example of its catalogue, comes under its name in header and body."""
    await terminal.ready(f"{receiver.url}/all", *EVENTS)
    examples = (await terminal.company.ask("GET", "event-types", limit=200))["data"]

    for type in examples:
        await terminal.company.publish(type["example"], type["name"])

    # The hold that is applied and lifted brings two more.
    arrivals = await receiver.wait_for(len(EVENTS) + 2)
    named = zip(
        values(arrivals, "X-Octopi-Event"),
        (json.loads(one.body)["event_type"] for one in arrivals),
        strict=True,
    )
    assert {*named} == {(name, name) for name in EVENTS}


@pytest.mark.proves("OC-22", "OC-23")
async def test_first_and_last_hold(terminal: Terminal, receiver: Receiver) -> None:
    """Two holds and two lifts bring one Cargo Held, with the first, and one Cargo Released, with the last."""
    types = ("Cargo Held", "Cargo Released", "Hold Applied", "Hold Lifted")
    await terminal.ready(f"{receiver.url}/holds", *types)

    told: list[set[str]] = []
    for number, type in ((1, "Hold Applied"), (2, "Hold Applied"), (1, "Hold Lifted"), (2, "Hold Lifted")):
        before = len(await terminal.sent())
        await hold(terminal, 48211, number, type)
        told.append(set((await terminal.sent())[before:]))

    assert told == [
        {"Hold Applied", "Cargo Held"},
        {"Hold Applied"},
        {"Hold Lifted"},
        {"Hold Lifted", "Cargo Released"},
    ]


@pytest.mark.proves("OC-22", "OC-23")
async def test_held_again(terminal: Terminal, receiver: Receiver) -> None:
    """Cargo that was released can be held again; other cargo does not count, nor the same hold twice."""
    await terminal.ready(f"{receiver.url}/again", "Cargo Held", "Cargo Released")

    await hold(terminal, 1, 10)
    await hold(terminal, 1, 10)
    await hold(terminal, 2, 10)
    await hold(terminal, 1, 10, "Hold Lifted")
    await hold(terminal, 1, 11)

    assert Counter(await terminal.sent()) == {"Cargo Held": 3, "Cargo Released": 1}


@pytest.mark.proves("OC-22", "OC-23")
async def test_holds_at_the_same_time(terminal: Terminal, receiver: Receiver) -> None:
    """Forty holds at the same time are one first, forty lifts at the same time one last."""
    await terminal.ready(
        f"{receiver.url}/many", "Cargo Held", "Cargo Released", "Hold Applied", "Hold Lifted"
    )

    for type in ("Hold Applied", "Hold Lifted"):
        await asyncio.gather(*[hold(terminal, 48211, number, type) for number in range(40)])

    sent = Counter(await terminal.sent())
    assert sent == {"Hold Applied": 40, "Cargo Held": 1, "Hold Lifted": 40, "Cargo Released": 1}


@pytest.mark.proves("OC-22")
async def test_held_tells_of_the_hold(terminal: Terminal, receiver: Receiver) -> None:
    """Cargo Held carries what its first hold said."""
    await terminal.ready(f"{receiver.url}/held", "Cargo Held")

    await hold(terminal, 48211, 77)

    (arrival,) = await receiver.wait_for(1)
    assert arrival.body == b'{"event_type":"Cargo Held","cargo_id":48211,"hold_id":77}'


@pytest.mark.proves("OC-24", "OC-25")
async def test_nothing_before_the_secret(terminal: Terminal, receiver: Receiver) -> None:
    """Until the secret is issued nothing goes out, then all that happens from there on."""
    webhook = await terminal.webhook(f"{receiver.url}/waits", "Cargo Loaded")
    await terminal.company.publish({"cargo_id": 1}, "Cargo Loaded")
    await terminal.issue(webhook)
    await terminal.company.publish({"cargo_id": 2}, "Cargo Loaded")

    assert await terminal.sent() == ["Cargo Loaded"]
    assert [json.loads(arrival.body)["cargo_id"] for arrival in receiver.arrivals] == [2]


@pytest.mark.proves("OC-24", "OC-30")
async def test_another_secret(terminal: Terminal, receiver: Receiver) -> None:
    """A secret that is issued anew takes the place of the old one."""
    webhook = await terminal.webhook(f"{receiver.url}/anew", "Cargo Loaded")
    await terminal.issue(webhook)
    secret = await terminal.issue(webhook)

    await terminal.company.publish({"cargo_id": 1}, "Cargo Loaded")

    (arrival,) = await receiver.wait_for(1)
    assert dict(arrival.headers)["X-Octopi-Signature"] == signature(secret, arrival.body)


@pytest.mark.proves("OC-26")
async def test_json_body(terminal: Terminal, receiver: Receiver) -> None:
    """The body is JSON and said to be: the payload, with the event's type in front."""
    await terminal.ready(f"{receiver.url}/json", "Reefer Plugged In")

    await terminal.company.publish(REEFER, "Reefer Plugged In")

    (arrival,) = await receiver.wait_for(1)
    assert dict(arrival.headers)["Content-Type"] == "application/json"
    assert json.loads(arrival.body) == {"event_type": "Reefer Plugged In", **REEFER}


@pytest.mark.proves("OC-27", "OC-28", "OC-29", "OC-30")
async def test_headers(terminal: Terminal, receiver: Receiver) -> None:
    """The special headers are the four of the document, written as there."""
    await terminal.ready(f"{receiver.url}/headers", "Reefer Plugged In")

    await terminal.company.publish(REEFER, "Reefer Plugged In")

    (arrival,) = await receiver.wait_for(1)
    assert [name for name, _ in arrival.headers if name.lower().startswith("x-")] == [
        "X-Octopi-Event",
        "X-Octopi-Delivery",
        "X-Octopi-Timestamp",
        "X-Octopi-Signature",
    ]


@pytest.mark.proves("OC-28")
async def test_guid(terminal: Terminal, receiver: Receiver) -> None:
    """Each delivery has a GUID of its own, of one event too."""
    await terminal.ready(f"{receiver.url}/one", "Reefer Plugged In")
    await terminal.ready(f"{receiver.url}/two", "Reefer Plugged In")

    await terminal.company.publish(REEFER, "Reefer Plugged In")

    one, two = values(await receiver.wait_for(2), "X-Octopi-Delivery")
    assert GUID.fullmatch(one)
    assert GUID.fullmatch(two)
    assert one != two


@pytest.mark.proves("OC-27", "OC-28", "OC-29", "OC-30", "OC-31")
async def test_retry(terminal: Terminal, receiver: Receiver) -> None:
    """A retry is the same to the last byte: event, GUID, time, signature and body."""
    # A second later, so that no time of an attempt could pass for the delivery's.
    receiver.answer("/retry", Answer(500, delay=1), Answer(404), Answer(200))
    await terminal.ready(f"{receiver.url}/retry", "Reefer Plugged In")

    await terminal.company.publish(REEFER, "Reefer Plugged In")

    first, *others = [(arrival.headers, arrival.body) for arrival in await receiver.wait_for(3)]
    assert others == [first, first]


@pytest.mark.proves("OC-29")
async def test_timestamp(terminal: Terminal, receiver: Receiver) -> None:
    """The timestamp is when the delivery was triggered, ISO 8601 in UTC."""
    await terminal.ready(f"{receiver.url}/time", "Reefer Plugged In")

    await terminal.company.publish(REEFER, "Reefer Plugged In")

    (stamp,) = values(await receiver.wait_for(1), "X-Octopi-Timestamp")
    (delivery,) = await terminal.company.deliveries()
    assert stamp == f"{delivery['created_at'][:19]}Z"


@pytest.mark.proves("OC-25", "OC-30")
async def test_signature(terminal: Terminal, receiver: Receiver) -> None:
    """The signature is the HMAC-SHA256 of the body by the shared secret, in hexadecimal digits."""
    secret = await terminal.ready(f"{receiver.url}/signed", "Reefer Plugged In")

    await terminal.company.publish(REEFER, "Reefer Plugged In")

    (arrival,) = await receiver.wait_for(1)
    assert dict(arrival.headers)["X-Octopi-Signature"] == signature(secret, arrival.body)


@pytest.mark.proves("OC-31")
async def test_event_type_is_ours(terminal: Terminal, receiver: Receiver) -> None:
    """A payload with an event_type of its own cannot tell another story than the header."""
    await terminal.ready(f"{receiver.url}/own", "Reefer Plugged In")

    await terminal.company.publish({"event_type": "reefer", **REEFER}, "Reefer Plugged In")

    (arrival,) = await receiver.wait_for(1)
    assert json.loads(arrival.body)["event_type"] == "Reefer Plugged In"


@pytest.mark.proves("OC-26")
async def test_no_object(terminal: Terminal) -> None:
    """A payload that is no object, and so has no room for event_type, is refused at publish."""
    answer = await terminal.company.client.post(
        terminal.company.path("events"), json={"type": "Cargo Loaded", "payload": [1]}
    )

    assert (answer.status_code, answer.json()["field"]) == (422, "payload")


def signature(secret: str, body: bytes) -> str:
    """What Python's library makes of it."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
