"""Secrets are planted everywhere, and looked for where they must not be; tenants look at one another."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hookferry.receiver import Receiver
from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import Customer, customer, running
from tests.support.process import ADMIN_KEY, ServerProcess

SECRET_KEY = "canary-secret-key-of-forty-characters-xx"
FIRST = base64.b64encode(b"canary first secret of 32 bytes!").decode()
SECOND = base64.b64encode(b"canary other secret of 32 bytes!").decode()
HEADERS = {"Authorization": "Bearer canary-authorization", "X-Api-Key": "canary-api-key"}
PLANTED = {
    "admin key": ADMIN_KEY,
    "secret key": SECRET_KEY,
    "first secret": FIRST,
    "second secret": SECOND,
    "bytes of the first secret": "canary first secret",
    "bytes of the second secret": "canary other secret",
    "authorization": "canary-authorization",
    "API key": "canary-api-key",
}
# What may be said to whoever holds the right key: these two routes are there to reveal a secret.
MISTAKES: list[tuple[str, str, Any]] = [
    ("POST", "endpoints", {"url": "http://127.0.0.1", "secret": f"whsec_{FIRST}!", "headers": HEADERS}),
    ("POST", "endpoints", {"url": 1, "secret": f"whsec_{FIRST}", "headers": HEADERS}),
    ("POST", "endpoints", {"url": "x", "secret": f"whsec_{FIRST}", "headers": HEADERS}),
    ("POST", "endpoints", {"url": "http://example.com", "secret": f"wsec_{FIRST}"}),
    ("POST", "endpoints", {"url": "http://example.com", "secret": {"a": f"whsec_{FIRST}"}}),
    ("POST", "endpoints", {"url": "http://example.com", "headers": {"X": "canary-api-key\n"}}),
    ("POST", "endpoints", {"url": "http://u:canary-api-key@example.com"}),
    ("POST", "events", {"type": 1, "payload": "canary-api-key"}),
]


class Place:
    """A server where every secret was planted, and everything that it says or keeps."""

    def __init__(self, server: ServerProcess, tenant: Customer, key: str) -> None:
        self.server = server
        self.tenant = tenant
        self.planted = {**PLANTED, "tenant's key": key}
        self.said: dict[str, str] = {}

    def found(self) -> list[tuple[str, str]]:
        """Which secret is in the clear where."""
        kept = {
            file.name: file.read_bytes().decode("latin-1")
            for file in self.server.folder.iterdir()
            if file.suffix != ".key"
        }
        places = {**kept, **self.said}
        return [
            (what, place)
            for what, secret in self.planted.items()
            for place, text in places.items()
            if secret in text
        ]

    async def note(self, method: str, path: str, body: Any = None) -> None:
        answer = await self.tenant.client.request(method, path, json=body)
        self.said[f"{method} {path} {body}"[:80]] = f"{answer.headers}{answer.text}"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Endpoints with secrets and headers, deliveries that succeed, fail and cannot be sent, and mistakes."""
    server = ServerProcess(
        tmp_path, *LOOPBACK, "--log-level", "debug", "--access-log", env={"HOOKFERRY_SECRET_KEY": SECRET_KEY}
    )
    async with Receiver() as receiver, running(server), customer(server) as tenant:
        made = await tenant.client.post(
            "/v1/keys", json={"tenant": tenant.id, "permissions": ["events:read"]}
        )
        place = Place(server, tenant, made.json()["key"])
        paths = ["", "?status=500", "?status=410"]
        for path in paths:
            await tenant.register(
                receiver.url + "/" + path, secret=f"whsec_{FIRST}", headers=HEADERS, ed25519=True
            )
        endpoints = (await tenant.ask("GET", "endpoints"))["data"]
        for endpoint in endpoints:
            await tenant.ask("POST", f"endpoints/{endpoint['id']}/rotate", {"secret": f"whsec_{SECOND}"})
        async with tenant.tail() as records:
            await tenant.publish()
            place.said["tail"] = str([await anext(records) for _ in paths])
        for method, path, body in MISTAKES:
            await place.note(method, tenant.path(path), body)
        async with server.client(place.planted["tenant's key"]) as reader:
            place.said["other key"] = (await reader.get(tenant.path("endpoints"))).text
        for path in ["/metrics", "/readyz", "/healthz", "/openapi.json", "/v1/keys", "/v1/tenants"]:
            await place.note("GET", path)
        for path in ["events", "deliveries", "endpoints"]:
            await place.note("GET", tenant.path(path))
        for endpoint in endpoints:
            await place.note("GET", tenant.path(f"endpoints/{endpoint['id']}"))
            await place.note("GET", tenant.path(f"endpoints/{endpoint['id']}/attempts"))
            await place.note("PATCH", tenant.path(f"endpoints/{endpoint['id']}"), {"name": "N"})
        for delivery in await tenant.deliveries():
            await place.note("GET", tenant.path(f"deliveries/{delivery['id']}/attempts"))
        yield place


async def test_canaries(place: Place) -> None:
    """No secret is in the database, its log, the server's log, the metrics or any answer."""
    assert place.found() == []


async def test_canaries_after_a_stop(place: Place) -> None:
    """Nor is one once the database's log is written back."""
    place.server.stop()
    assert place.found() == []


async def test_canaries_are_seen(place: Place) -> None:
    """What is looked through holds what it should: the masks, the ids, the attempts."""
    text = "".join(place.said.values()) + place.server.log.read_text()
    assert [
        word for word in ("***", "att_", "evt_", '"outcome"', "hookferry_attempts") if word not in text
    ] == []


async def test_the_log_is_json(place: Place) -> None:
    """Every line of the log is a JSON object with a time, a level and an event."""
    place.server.stop()
    lines = [json.loads(line) for line in place.server.log.read_text().splitlines()]
    assert [line for line in lines if not {"time", "level", "event"} <= line.keys()] == []


# Tenants and one another


@pytest.fixture
async def other(tenant: Customer) -> AsyncIterator[httpx.AsyncClient]:
    """A client with every permission over another tenant; `base` of its paths is that tenant's."""
    made = (await tenant.client.post("/v1/tenants", json={"name": "Other"})).json()
    asked = {"tenant": made["id"], "permissions": ["admin"]}
    key = (await tenant.client.post("/v1/keys", json=asked)).json()["key"]
    async with httpx.AsyncClient(
        base_url=tenant.client.base_url,
        headers={"Authorization": f"Bearer {key}", "X-Tenant": made["id"]},
        trust_env=False,
    ) as client:
        yield client


ROUTES = [
    ("GET", "events/{event}"),
    ("GET", "events/{event}/deliveries"),
    ("GET", "deliveries/{delivery}"),
    ("GET", "deliveries/{delivery}/attempts"),
    ("POST", "deliveries/{delivery}/retry"),
    ("POST", "deliveries/{delivery}/cancel"),
    ("GET", "endpoints/{endpoint}"),
    ("PATCH", "endpoints/{endpoint}"),
    ("DELETE", "endpoints/{endpoint}"),
    ("POST", "endpoints/{endpoint}/pause"),
    ("POST", "endpoints/{endpoint}/resume"),
    ("POST", "endpoints/{endpoint}/rotate"),
    ("POST", "endpoints/{endpoint}/test"),
    ("GET", "endpoints/{endpoint}/secret"),
    ("GET", "endpoints/{endpoint}/attempts"),
]


async def test_foreign_objects(tenant: Customer, other: httpx.AsyncClient) -> None:
    """Real ids of one tenant are 404 for another, under either's path, and nothing happens to them."""
    endpoint = await tenant.register("http://127.0.0.1:9")
    await tenant.ask("POST", f"endpoints/{endpoint['id']}/pause")
    event = await tenant.publish()
    (delivery,) = await tenant.deliveries()
    ids = {"event": event["id"], "endpoint": endpoint["id"], "delivery": delivery["id"]}
    before = [await tenant.ask("GET", path) for path in ("endpoints", "deliveries", "events")]
    answers = [
        (await other.request(method, f"/v1/tenants/{id}/{path.format(**ids)}")).status_code
        for id in (tenant.id, other.headers["X-Tenant"])
        for method, path in ROUTES
    ]
    after = [await tenant.ask("GET", path) for path in ("endpoints", "deliveries", "events")]
    assert (answers, after) == ([404] * 2 * len(ROUTES), before)


async def test_foreign_keys(tenant: Customer, other: httpx.AsyncClient) -> None:
    """A tenant's administrator neither sees, ends nor makes another tenant's keys."""
    asked = {"tenant": tenant.id, "permissions": ["admin"]}
    key = (await tenant.client.post("/v1/keys", json=asked)).json()
    ended = await other.delete(f"/v1/keys/{key['id']}")
    made = await other.post("/v1/keys", json=asked)
    assert (key["id"] in (await other.get("/v1/keys")).text, ended.status_code, made.status_code) == (
        False,
        404,
        404,
    )


async def test_filters_leak_nothing(tenant: Customer, other: httpx.AsyncClient) -> None:
    """A list filtered by another tenant's ids is empty."""
    endpoint = await tenant.register("http://127.0.0.1:9")
    await tenant.ask("POST", f"endpoints/{endpoint['id']}/pause")
    event = await tenant.publish(idempotency_key="k")
    base = f"/v1/tenants/{other.headers['X-Tenant']}"
    queries = [
        f"deliveries?endpoint={endpoint['id']}",
        f"deliveries?event={event['id']}",
        "deliveries?status=pending",
        "events?idempotency_key=k",
    ]
    found = [(await other.get(f"{base}/{query}")).json()["data"] for query in queries]
    assert found == [[]] * len(queries)
