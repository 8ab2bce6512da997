"""Tenants, keys, endpoints and event types over HTTP."""

from typing import Any

import pytest
from standardwebhooks import Webhook

from hookferry.api.answers import OldSecret
from hookferry.contracts import builtin
from hookferry.model import OPERATIONAL
from hookferry.service.forms import NewEndpoint, Rotation
from tests.api.conftest import Client

ENDPOINTS = "/v1/tenants/demo/endpoints"


async def created(client: Client, **more: Any) -> Any:
    """A new endpoint, as it is answered."""
    answer = await client.post(ENDPOINTS, json={"url": "https://example.com/", **more})
    assert answer.status_code == 201
    return answer.json()


async def test_tenant(operator: Client) -> None:
    """A tenant is made, renamed and read."""
    await operator.post("/v1/tenants", json={"id": "acme", "name": "Acme"})
    await operator.patch("/v1/tenants/acme", json={"name": "Acme Ltd"})
    assert (await operator.get("/v1/tenants/acme")).json() == {
        "id": "acme",
        "name": "Acme Ltd",
        "contract": "standard",
        "contract_version": builtin("standard").version,
        "features": [],
        "quotas": {"events_per_second": None, "waiting": None},
        "created_at": "2023-11-14T22:13:20.000Z",
    }


async def test_delete_tenant(operator: Client) -> None:
    """A deleted tenant is gone, and the answer says what it cancelled."""
    answer = await operator.delete("/v1/tenants/demo")
    assert answer.json() == {"id": "demo", "deleted": True, "cancelled": 0}
    assert (await operator.get("/v1/tenants/demo")).status_code == 404


async def test_whose_key(demo: Client) -> None:
    """A tenant's key sees its own tenant in the list: so a command finds the tenant that it is about."""
    assert [tenant["id"] for tenant in (await demo.get("/v1/tenants")).json()["data"]] == ["demo"]


async def test_key_is_shown_once(operator: Client) -> None:
    """A key's text is in the answer to its making, and never again."""
    made = (await operator.post("/v1/keys", json={"tenant": "demo", "permissions": ["events:read"]})).json()
    assert made["key"].startswith("hf_")
    assert made["key"] not in (await operator.get("/v1/keys")).text


async def test_key_works_until_revoked(operator: Client, nobody: Client) -> None:
    """A key works at once and stops at once."""
    made = (await operator.post("/v1/keys", json={"tenant": "demo", "permissions": ["events:read"]})).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    before = await nobody.get("/v1/tenants/demo/events", headers=headers)
    await operator.delete(f"/v1/keys/{made['id']}")
    after = await nobody.get("/v1/tenants/demo/events", headers=headers)
    assert (before.status_code, after.status_code) == (200, 401)


@pytest.mark.parametrize(
    "body", [{}, {"permissions": []}, {"permissions": ["all"]}, {"permissions": "admin"}]
)
async def test_bad_permissions(operator: Client, body: dict[str, Any]) -> None:
    """A key has at least one permission, out of the closed set."""
    assert (await operator.post("/v1/keys", json=body)).status_code == 422


async def test_endpoint(demo: Client) -> None:
    """A new endpoint shows its secret, which verifies by Standard Webhooks' own library."""
    made = await created(demo, event_types=["a"], scope={"dc_ids": "1"}, headers={"X-A": "b"}, timeout=5)
    assert Webhook(made["secret"])
    assert (made["status"], made["event_types"], made["scope"]) == ("active", ["a"], {"dc_ids": ["1"]})


async def test_secret_is_revealed_on_request_only(demo: Client) -> None:
    """The secret is in no answer but those that are about it."""
    made = await created(demo)
    assert made["secret"] not in (await demo.get(ENDPOINTS)).text
    assert (await demo.get(f"{ENDPOINTS}/{made['id']}/secret")).json()["secret"] == made["secret"]


async def test_masked_headers(demo: Client) -> None:
    """A header that may hold a credential is masked when it is read."""
    made = await created(demo, headers={"Authorization": "Bearer xyz", "X-A": "b"})
    assert made["headers"] == {"Authorization": "***", "X-A": "b"}


async def test_change(demo: Client) -> None:
    """A change leaves out what is not given; null puts the time-out back to the contract's."""
    made = await created(demo, name="first", timeout=5)
    changed = (await demo.patch(f"{ENDPOINTS}/{made['id']}", json={"timeout": None})).json()
    assert (changed["name"], changed["timeout"]) == ("first", None)


async def test_rate_limit(demo: Client) -> None:
    """An endpoint has none; one that is set is kept, and null takes it away."""
    none = await created(demo)
    made = await created(demo, rate_limit=2.5)
    without = (await demo.patch(f"{ENDPOINTS}/{made['id']}", json={"rate_limit": None})).json()
    assert [one["rate_limit"] for one in (none, made, without)] == [None, 2.5, None]


@pytest.mark.parametrize("rate", [0, -1, 10_001, "fast"])
async def test_bad_rate_limit(demo: Client, rate: object) -> None:
    """A rate limit is a positive number, up to 10,000."""
    answer = await demo.post(ENDPOINTS, json={"url": "https://example.com/", "rate_limit": rate})
    assert (answer.status_code, answer.json()["field"]) == (422, "rate_limit")


async def test_pause_and_resume(demo: Client) -> None:
    """Pausing and resuming answer with the endpoint as it is then."""
    id = (await created(demo))["id"]
    paused = await demo.post(f"{ENDPOINTS}/{id}/pause")
    resumed = await demo.post(f"{ENDPOINTS}/{id}/resume")
    assert (paused.json()["status"], resumed.json()["status"]) == ("paused", "active")


async def test_rotate(demo: Client) -> None:
    """A rotation without a body makes a secret, and the old one stays for the contract's overlap."""
    made = await created(demo)
    rotated = (await demo.post(f"{ENDPOINTS}/{made['id']}/rotate")).json()
    assert rotated["secret"] != made["secret"]
    old = {"secret": made["secret"], "public_key": None, "expires_at": "2023-11-15T22:13:20.000Z"}
    assert rotated["previous"] == [old]


async def test_ed25519(demo: Client) -> None:
    """An Ed25519 key is made on request, of which the public part alone is shown."""
    made = await created(demo, ed25519=True)
    assert made["public_key"].startswith("whpk_")
    assert "whsk_" not in (await demo.get(f"{ENDPOINTS}/{made['id']}/secret")).text


async def test_test(demo: Client) -> None:
    """A test is accepted with its event's id."""
    id = (await created(demo, event_types=["something.else"]))["id"]
    answer = await demo.post(f"{ENDPOINTS}/{id}/test")
    assert (answer.status_code, answer.json()["deliveries"]) == (202, 1)


async def test_delete_endpoint(demo: Client) -> None:
    """Deleting an endpoint says how many deliveries it cancelled, and they show as cancelled."""
    id = (await created(demo))["id"]
    await demo.post("/v1/tenants/demo/events", json={"type": "a", "payload": 1})
    answer = await demo.delete(f"{ENDPOINTS}/{id}")
    deliveries = (await demo.get("/v1/tenants/demo/deliveries?status=cancelled")).json()["data"]
    assert answer.json() == {"id": id, "deleted": True, "cancelled": 1}
    assert [delivery["endpoint"] for delivery in deliveries] == [id]


async def test_event_type(operator: Client) -> None:
    """An event type is kept as it was written, under a name with a slash too."""
    wanted = {"name": "orders/create", "title": "T", "schema": {"type": "object"}, "example": {"a": 1.0}}
    await operator.post("/v1/event-types", json=wanted)
    found = (await operator.get("/v1/event-types/orders%2Fcreate")).json()
    assert found == {**wanted, "description": "", "deprecated": False}


async def test_change_event_type(operator: Client) -> None:
    """An event type can be deprecated and taken out again."""
    await operator.post("/v1/event-types", json={"name": "a"})
    changed = await operator.patch("/v1/event-types/a", json={"deprecated": True})
    deleted = await operator.delete("/v1/event-types/a")
    assert (changed.json()["deprecated"], deleted.json()["id"]) == (True, "a")
    assert (await operator.get("/v1/event-types/a")).status_code == 404


async def test_tenants_event_types(operator: Client, demo: Client) -> None:
    """A tenant sees the deployment's event types, and those that the server publishes itself."""
    await operator.post("/v1/event-types", json={"name": "a"})
    types = (await demo.get("/v1/tenants/demo/event-types")).json()["data"]
    assert [type["name"] for type in types] == ["a", *sorted(OPERATIONAL)]


async def test_contract(demo: Client) -> None:
    """The default contract can be read."""
    assert (await demo.get("/v1/contracts/standard")).json()["title"] == "Standard Webhooks 1.0.0"


async def test_unknown_contract(demo: Client) -> None:
    """An unknown contract is not found."""
    assert (await demo.get("/v1/contracts/nix")).status_code == 404


@pytest.mark.parametrize("shape", [NewEndpoint(url="", secret="xyzzy"), Rotation(secret="xyzzy")])
def test_no_secret_in_repr(shape: object) -> None:
    """A body in a log or an error does not show the secret in it."""
    assert "xyzzy" not in repr(shape)


def test_no_secret_in_an_answers_repr() -> None:
    """An answer in a log or an error does not show the secret in it."""
    assert "xyzzy" not in repr(OldSecret(secret="xyzzy", public_key=None, expires_at=""))
