"""Alerts over HTTP (Y-11, Y-12)."""

from typing import Any

import pytest

from hookferry.model import Permission
from tests.api.conftest import Client, NewClient

ALERTS = "/v1/tenants/demo/alerts"
ENDPOINTS = "/v1/tenants/demo/endpoints"
NEW = {"url": "https://example.com/alerts", "name": "On call"}


async def created(client: Client, **more: Any) -> Any:
    """A new alert, as it is answered."""
    answer = await client.post(ALERTS, json={"name": "Jobs", "endpoints": [NEW], **more})
    assert answer.status_code == 201
    return answer.json()


async def test_an_alert_is_shown_with_the_endpoint_that_it_created(demo: Client) -> None:
    """Its id is in the alert, its secret is shown once."""  # Y-11
    made = await created(demo)
    (endpoint,) = made["created"]
    assert (made["endpoints"], endpoint["secret"][:6]) == ([endpoint["id"]], "whsec_")


async def test_an_alert_shows_no_secret_later(demo: Client) -> None:
    """Only the answer to its creation does."""
    made = await created(demo)
    assert made["created"][0]["secret"] not in (await demo.get(f"{ALERTS}/{made['id']}")).text


async def test_an_alert_is_read_as_it_was_made(demo: Client) -> None:
    """All of it."""
    made = await created(demo, message="Look!", event_types=["job.finished"], scope={"outcome": "failed"})
    del made["created"]
    assert (await demo.get(f"{ALERTS}/{made['id']}")).json() == made
    assert made["scope"] == {"outcome": ["failed"]}


async def test_alerts_are_listed(demo: Client) -> None:
    """Newest first."""
    ids = [(await created(demo))["id"] for _ in range(3)]
    assert [alert["id"] for alert in (await demo.get(ALERTS)).json()["data"]] == ids[::-1]


async def test_an_alert_is_changed(demo: Client) -> None:
    """What is left out stays."""
    made = await created(demo)
    changed = (await demo.patch(f"{ALERTS}/{made['id']}", json={"active": False})).json()
    assert (changed["active"], changed["endpoints"], changed["created"]) == (False, made["endpoints"], [])


async def test_an_alert_is_deleted(demo: Client) -> None:
    """Its endpoints stay."""
    made = await created(demo)
    await demo.delete(f"{ALERTS}/{made['id']}")
    assert (await demo.get(f"{ALERTS}/{made['id']}")).status_code == 404
    assert len((await demo.get(ENDPOINTS)).json()["data"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "Jobs"}, "endpoints"),
        ({"name": "Jobs", "endpoints": []}, "endpoints"),
        ({"name": "Jobs", "endpoints": ["ep_missing"]}, "endpoints"),
        ({"name": "Jobs", "endpoints": [{}]}, "endpoints[0].url"),
        ({"name": "Jobs", "endpoints": [{"url": "http://127.0.0.1/"}]}, "endpoints[0].url"),
        ({"name": "Jobs", "endpoints": [7]}, "endpoints[0]"),
        ({"name": "Jobs", "endpoints": ["a"] * 101}, "endpoints"),
        ({"endpoints": [NEW]}, "name"),
    ],
)
async def test_what_is_refused_names_the_field(demo: Client, body: dict[str, Any], field: str) -> None:
    """And creates no endpoint."""
    answer = await demo.post(ALERTS, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await demo.get(ENDPOINTS)).json()["data"] == []


async def test_another_tenants_alert_is_not_found(demo: Client, new_client: NewClient) -> None:
    """Nor can it name this tenant's endpoints."""
    made = await created(demo)
    other = await new_client("other")
    alert = await other.get(f"/v1/tenants/other/alerts/{made['id']}")
    named = await other.post("/v1/tenants/other/alerts", json={"name": "x", "endpoints": made["endpoints"]})
    assert (alert.status_code, named.status_code) == (404, 422)


async def test_what_a_reading_key_may_not_do(demo: Client, new_client: NewClient) -> None:
    """Change and delete: they have permissions of their own."""
    made = await created(demo)
    reader = await new_client("demo", Permission.WEBHOOKS_READ)
    answers = [
        await reader.post(ALERTS, json={"name": "x", "endpoints": made["endpoints"]}),
        await reader.patch(f"{ALERTS}/{made['id']}", json={}),
        await reader.delete(f"{ALERTS}/{made['id']}"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3


async def test_an_alert_goes_off_over_http(demo: Client) -> None:
    """What is published is followed by an event for the alert's endpoint."""  # Y-12
    made = await created(demo, event_types=["job.finished"], scope={"outcome": ["failed"]})
    event = {"type": "job.finished", "payload": {"rows": 0}, "scope": {"outcome": "failed"}}
    await demo.post("/v1/tenants/demo/events", json=event)
    (alerted,) = (await demo.get("/v1/tenants/demo/events", params={"type": "status.alert"})).json()["data"]
    deliveries = (await demo.get(f"/v1/tenants/demo/events/{alerted['id']}/deliveries")).json()["data"]
    assert made["endpoints"][0] in [delivery["endpoint"] for delivery in deliveries]
