"""Health, readiness and metrics: without a key."""

import pytest

from tests.api.conftest import Client, client_of, whole_app
from tests.support.services import House


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_without_key(nobody: Client, path: str) -> None:
    """None of these asks for a key."""
    assert (await nobody.get(path)).status_code == 200


async def test_not_ready(house: House) -> None:
    """A process that cannot store events says why, and when to ask again."""

    async def ready() -> str:
        return "The disk is full."

    async with client_of(whole_app(house, ready=ready)) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"], answer.headers["Retry-After"]) == (
        503,
        "The disk is full.",
        "5",
    )


async def test_metrics(nobody: Client) -> None:
    """The metrics are handed on as they are."""
    answer = await nobody.get("/metrics")
    assert (answer.text, answer.headers["Content-Type"]) == (
        "hookferry_up 1\n",
        "text/plain; version=0.0.4; charset=utf-8",
    )


async def test_where_deliveries_come_from(demo: Client) -> None:
    """Any key may ask; nothing is claimed that the operator did not say."""  # Y-15
    assert (await demo.get("/v1/egress")).json() == {"addresses": []}


async def test_where_deliveries_come_from_needs_a_key(nobody: Client) -> None:
    """It is no page for everybody."""
    assert (await nobody.get("/v1/egress")).status_code == 401
