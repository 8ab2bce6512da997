"""Events, deliveries and attempts over HTTP."""

import msgspec
import pytest

from hookferry import exchange
from hookferry.api.attempts import Attempt
from hookferry.exchange import Outcome, Phases, Request, Response, Result
from hookferry.model import DeliveryStatus, Endpoint
from hookferry.service.forms import NewEndpoint
from hookferry.store.values import Settlement
from tests.api.conftest import Client
from tests.store.world import World
from tests.support.services import House

EVENTS, DELIVERIES = "/v1/tenants/demo/events", "/v1/tenants/demo/deliveries"
PAYLOAD = b'{"b": 1.0,  "a": "\\u00e9", "n": 12345678901234567890, "b": null}'


@pytest.fixture
async def endpoint(house: House) -> Endpoint:
    return await house.services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))


async def publish(client: Client, payload: bytes = PAYLOAD, type: str = "order.created") -> str:
    body = b'{"type":"%b","payload":%b}' % (type.encode(), payload)
    answer = await client.post(EVENTS, content=body)
    assert answer.status_code == 202
    id: str = answer.json()["id"]
    return id


async def attempt(world: World, result: Result, request: Request | None = None) -> None:
    """Make the one attempt of what is due, with this result."""
    work = await world.claim_one()
    made = msgspec.structs.replace(world.attempt(work), result=result)
    if request is not None:
        made = msgspec.structs.replace(made, request=request)
    world.store.settle(Settlement(work, DeliveryStatus.FAILED, world.clock.now(), made, None, "because"))
    await world.flush()


async def test_payload(demo: Client) -> None:
    """An event's payload is byte for byte as it was published."""
    id = await publish(demo)
    assert PAYLOAD in (await demo.get(f"{EVENTS}/{id}")).content


async def test_list_without_payloads(demo: Client) -> None:
    """A list of events has no payloads."""
    await publish(demo)
    assert "payload" not in (await demo.get(EVENTS)).json()["data"][0]


async def test_pruned_payload(demo: Client, world: World) -> None:
    """An event whose payload retention has taken shows null."""
    id = await publish(demo)
    later = world.clock.now() + 1
    await world.store.prune(0, later, later, 10)
    assert (await demo.get(f"{EVENTS}/{id}")).json()["payload"] is None


@pytest.mark.parametrize(("query", "found"), [("type=a", 1), ("type=b", 0), ("idempotency_key=k", 1)])
async def test_filter_events(demo: Client, query: str, found: int) -> None:
    """Events are filtered by type and idempotency key."""
    await demo.post(EVENTS, json={"type": "a", "payload": 1, "idempotency_key": "k"})
    assert len((await demo.get(f"{EVENTS}?{query}")).json()["data"]) == found


async def test_delivery(demo: Client, endpoint: Endpoint) -> None:
    """A delivery that waits says when it is tried next."""
    event = await publish(demo)
    (delivery,) = (await demo.get(f"{EVENTS}/{event}/deliveries")).json()["data"]
    assert delivery == {
        "id": delivery["id"],
        "event": event,
        "endpoint": endpoint.id,
        "type": "order.created",
        "status": "pending",
        "held": False,
        "attempts": 0,
        "created_at": "2023-11-14T22:13:20.000Z",
        "next_attempt_at": "2023-11-14T22:13:20.000Z",
        "ended_at": None,
        "retry_of": None,
    }


async def test_held(demo: Client, house: House, endpoint: Endpoint) -> None:
    """A delivery for a paused endpoint is pending, and held."""
    await house.services.endpoints.pause("demo", endpoint.id)
    await publish(demo)
    (delivery,) = (await demo.get(DELIVERIES)).json()["data"]
    assert (delivery["status"], delivery["held"], delivery["next_attempt_at"]) == ("pending", True, None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=pending", 1),
        ("status=failed", 1),
        ("status=pending&status=failed", 2),
        ("status=succeeded", 0),
        ("type=a&status=failed", 1),
        ("endpoint=ep_none", 0),
        ("event=evt_none", 0),
    ],
)
async def test_filter_deliveries(
    demo: Client, world: World, endpoint: Endpoint, query: str, found: int
) -> None:
    """Deliveries are filtered by status, type, endpoint and event."""
    await publish(demo, type="a")
    await attempt(world, Result(Outcome.CONNECT_REFUSED, 0.1))
    await publish(demo, type="b")
    assert len((await demo.get(f"{DELIVERIES}?{query}")).json()["data"]) == found


async def test_attempt(demo: Client, world: World, endpoint: Endpoint) -> None:
    """An attempt shows the request, the answer, its phases and its outcome."""
    await publish(demo, b"1")
    headers = (("X-A", "1"), ("x-a", "2"))
    response = Response(500, headers, b"\xff<b>", truncated=True)
    request = Request("POST", "https://example.com/", (("Content-Type", "application/json"),), (b"1",), 20)
    result = Result(Outcome.RESPONSE, 0.25, response, Phases(wait=0.0015), "192.0.2.1", "a detail")
    await attempt(world, result, request)
    delivery = (await demo.get(DELIVERIES)).json()["data"][0]["id"]
    (shown,) = (await demo.get(f"{DELIVERIES}/{delivery}/attempts")).json()["data"]
    assert shown == {
        "id": shown["id"],
        "delivery": delivery,
        "endpoint": endpoint.id,
        "number": 1,
        "started_at": "2023-11-14T22:13:20.000Z",
        "duration_ms": 250,
        "outcome": "response",
        "status_code": 500,
        "detail": "a detail",
        "address": "192.0.2.1",
        "phases": {
            "dns_ms": None,
            "connect_ms": None,
            "tls_ms": None,
            "send_ms": None,
            "wait_ms": 1.5,
            "receive_ms": None,
        },
        "request": {
            "method": "POST",
            "url": "https://example.com/",
            "headers": {"Content-Type": "application/json"},
            "body": "1",
            "body_base64": None,
        },
        "response": {
            "headers": {"X-A": "1, 2"},
            "body": "�<b>",
            "body_base64": "/zxiPg==",
            "truncated": True,
        },
    }


async def test_forbidden_address(demo: Client, world: World, endpoint: Endpoint) -> None:
    """The address that a name led to inside a network is not shown."""
    await publish(demo)
    await attempt(world, Result(Outcome.FORBIDDEN_ADDRESS, 0.1, address="10.1.2.3"))
    assert "10.1.2.3" not in (await demo.get(f"/v1/tenants/demo/endpoints/{endpoint.id}/attempts")).text


@pytest.mark.parametrize(("query", "found"), [("outcome=connect_refused", 1), ("outcome=response", 0)])
async def test_filter_attempts(
    demo: Client, world: World, endpoint: Endpoint, query: str, found: int
) -> None:
    """An endpoint's attempts are filtered by outcome."""
    await publish(demo)
    await attempt(world, Result(Outcome.CONNECT_REFUSED, 0.1))
    answer = await demo.get(f"/v1/tenants/demo/endpoints/{endpoint.id}/attempts?{query}")
    assert len(answer.json()["data"]) == found


def test_attempt_without_request() -> None:
    """An attempt that ended before its request was made has none to show."""
    result = Result(Outcome.UNREADABLE_SECRET, 0)
    shown = Attempt.of(exchange.Attempt("att_1", "dlv_1", "ep_1", 1, 0, None, result))
    assert (shown.request, shown.response, shown.status_code) == (None, None, None)


async def test_retry(demo: Client, world: World, endpoint: Endpoint) -> None:
    """A final delivery that is retried gives a new one, which says what it repeats."""
    await publish(demo)
    await attempt(world, Result(Outcome.CONNECT_REFUSED, 0.1))
    old = (await demo.get(DELIVERIES)).json()["data"][0]["id"]
    new = (await demo.post(f"{DELIVERIES}/{old}/retry")).json()
    assert (new["retry_of"], new["status"]) == (old, "pending")


async def test_cancel(demo: Client, endpoint: Endpoint) -> None:
    """A cancelled delivery is final, and cannot be cancelled again."""
    await publish(demo)
    id = (await demo.get(DELIVERIES)).json()["data"][0]["id"]
    first = await demo.post(f"{DELIVERIES}/{id}/cancel")
    second = await demo.post(f"{DELIVERIES}/{id}/cancel")
    assert (first.json()["status"], second.json()["code"]) == ("cancelled", "delivery_final")
