"""Quotas of a tenant over the API: set, shown, and how a refusal looks."""

from typing import Any

import pytest

from tests.api.conftest import Client

EVENTS = "/v1/tenants/demo/events"
EVENT = {"type": "order.created", "payload": 1}


async def test_none_by_default(operator: Client) -> None:
    """A new tenant has none."""
    made = (await operator.post("/v1/tenants", json={"name": "Acme"})).json()
    assert made["quotas"] == {"events_per_second": None, "waiting": None}


async def test_of_a_new_tenant(operator: Client) -> None:
    """They can be given when it is made."""
    body = {"name": "Acme", "quotas": {"waiting": 1000}}
    made = (await operator.post("/v1/tenants", json=body)).json()
    assert made["quotas"] == {"events_per_second": None, "waiting": 1000}


async def test_changed(operator: Client) -> None:
    """What is left out of them stays."""
    await operator.patch("/v1/tenants/demo", json={"quotas": {"waiting": 1000}})
    changed = await operator.patch("/v1/tenants/demo", json={"quotas": {"events_per_second": 2.5}})
    assert changed.json()["quotas"] == {"events_per_second": 2.5, "waiting": 1000}


@pytest.mark.parametrize(
    ("quotas", "field"),
    [
        ({"waiting": 0}, "quotas.waiting"),
        ({"waiting": 1.5}, "quotas.waiting"),
        ({"events_per_second": -1}, "quotas.events_per_second"),
        ({"events": 1}, "quotas.events"),
        (None, "quotas"),
    ],
)
async def test_bad(operator: Client, quotas: Any, field: str) -> None:
    """Quotas are positive numbers, or null."""
    answer = await operator.patch("/v1/tenants/demo", json={"quotas": quotas})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize(("path", "body"), [(EVENTS, EVENT), (f"{EVENTS}/batch", [EVENT])])
async def test_refused(operator: Client, demo: Client, path: str, body: Any) -> None:
    """429 says when to try again, and which quota it was."""
    await operator.patch("/v1/tenants/demo", json={"quotas": {"events_per_second": 0.1}})
    await demo.post(EVENTS, json=EVENT)
    answer = await demo.post(path, json=body)
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["code"]) == (
        429,
        "10",
        "rate_limited",
    )


async def test_a_refused_test_event(operator: Client, demo: Client) -> None:
    """The framework's routes say it like the publish routes."""
    made = (await demo.post("/v1/tenants/demo/endpoints", json={"url": "https://example.com"})).json()
    await operator.patch("/v1/tenants/demo", json={"quotas": {"events_per_second": 0.1}})
    await demo.post(EVENTS, json=EVENT)
    answer = await demo.post(f"/v1/tenants/demo/endpoints/{made['id']}/test")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "10")
