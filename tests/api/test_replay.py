"""Replays, jobs and explanations over the API."""

from typing import Any

import pytest

from hookferry.model import DeliveryStatus
from tests.api.conftest import Client, NewClient
from tests.store.world import World
from tests.support.clock import ManualClock
from tests.support.services import House

ENDPOINTS = "/v1/tenants/demo/endpoints"
JOBS = "/v1/tenants/demo/jobs"
PAST = {"since": "2000-01-01T00:00:00Z"}


@pytest.fixture
async def endpoint(demo: Client, world: World, clock: ManualClock) -> str:
    """Three of its deliveries have failed."""
    id: str = (await demo.post(ENDPOINTS, json={"url": "https://example.com/"})).json()["id"]
    for number in range(3):
        await demo.post("/v1/tenants/demo/events", json={"type": "a", "payload": number})
    for work in await world.claim():
        await world.settle(work, DeliveryStatus.FAILED)
    clock.advance(1)
    return id


async def replay(client: Client, endpoint: str, **given: Any) -> Any:
    answer = await client.post(f"{ENDPOINTS}/{endpoint}/replay", json={**PAST, **given})
    return answer.json()


async def test_replay(demo: Client, endpoint: str) -> None:
    """A replay is accepted as a job, with its count."""
    answer = await demo.post(f"{ENDPOINTS}/{endpoint}/replay", json=PAST)
    shown = {
        name: answer.json()[name] for name in ("status", "total", "done", "progress", "rate", "replayed")
    }
    assert (answer.status_code, shown) == (
        202,
        {"status": "running", "total": 3, "done": 0, "progress": 0, "rate": 50, "replayed": "failed"},
    )


async def test_progress(house: House, demo: Client, endpoint: str) -> None:
    """A job shows how far it has come."""
    job = await replay(demo, endpoint, rate=0.5)
    await house.services.replays.advance()
    found = (await demo.get(f"{JOBS}/{job['id']}")).json()
    assert (found["done"], found["progress"]) == (2, 0.6667)


async def test_dry_run(demo: Client, endpoint: str) -> None:
    """A dry run answers what there would be, and there is no job."""
    plan = await replay(demo, endpoint, dry_run=True)
    jobs = (await demo.get(JOBS)).json()["data"]
    assert (plan["id"], plan["status"], plan["total"], jobs) == (None, "planned", 3, [])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"rate": 0}, "rate"),
        ({"rate": 2_000}, "rate"),
        ({"status": "lost"}, "status"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2000-01-01T00:00:00"}, "since"),
        ({"until": "1999-01-01T00:00:00Z"}, "since"),
        ({"event_types": ["\n"]}, "event_types"),
    ],
)
async def test_invalid(demo: Client, endpoint: str, given: dict[str, Any], field: str) -> None:
    """What cannot be replayed is refused with the field that is wrong."""
    problem = await replay(demo, endpoint, **given)
    assert (problem["status"], problem["field"]) == (422, field)


async def test_since_is_needed(demo: Client, endpoint: str) -> None:
    """Nobody replays all that ever happened by accident."""
    answer = await demo.post(f"{ENDPOINTS}/{endpoint}/replay", json={})
    assert (answer.status_code, answer.json()["field"]) == (422, "since")


async def test_one_at_a_time(demo: Client, endpoint: str) -> None:
    """An endpoint has one job at work at most."""
    await replay(demo, endpoint)
    assert (await replay(demo, endpoint))["code"] == "job_running"


async def test_jobs(demo: Client, endpoint: str) -> None:
    """Jobs are listed, newest first, and narrowed down."""
    ids = []
    for _ in range(2):
        ids.append((await replay(demo, endpoint))["id"])
        await demo.post(f"{JOBS}/{ids[-1]}/cancel")
    found = (await demo.get(JOBS, params={"endpoint": endpoint, "status": "cancelled"})).json()["data"]
    assert [job["id"] for job in found] == ids[::-1]


async def test_jobs_in_pages(demo: Client, endpoint: str) -> None:
    """A cursor goes on after the last job."""
    ids = []
    for _ in range(2):
        ids.append((await replay(demo, endpoint))["id"])
        await demo.post(f"{JOBS}/{ids[-1]}/cancel")
    page = (await demo.get(JOBS, params={"limit": "1"})).json()
    rest = (await demo.get(JOBS, params={"cursor": page["next"]})).json()
    assert [job["id"] for job in page["data"] + rest["data"]] == ids[::-1]


async def test_cancel(house: House, demo: Client, endpoint: str) -> None:
    """A cancelled job says how many of its deliveries were cancelled with it."""
    job = await replay(demo, endpoint)
    await house.services.replays.advance()
    cancelled = (await demo.post(f"{JOBS}/{job['id']}/cancel")).json()
    assert (cancelled["status"], cancelled["cancelled"], cancelled["ended_at"] is not None) == (
        "cancelled",
        3,
        True,
    )


async def test_cancel_what_has_failed(house: House, demo: Client, endpoint: str) -> None:
    """A job whose endpoint is gone has ended, and says why."""
    job = await replay(demo, endpoint)
    await demo.delete(f"{ENDPOINTS}/{endpoint}")
    await house.services.replays.advance()
    found = (await demo.get(f"{JOBS}/{job['id']}")).json()
    problem = (await demo.post(f"{JOBS}/{job['id']}/cancel")).json()
    assert (found["status"], found["reason"], problem["code"]) == ("failed", "endpoint_deleted", "job_ended")


async def test_a_foreign_job(new_client: NewClient, demo: Client, endpoint: str) -> None:
    """Another tenant's job is not found."""
    job = await replay(demo, endpoint)
    other = await new_client("other")
    assert (await other.get(f"/v1/tenants/other/jobs/{job['id']}")).status_code == 404


async def test_a_deleted_tenant(operator: Client, house: House, demo: Client, endpoint: str) -> None:
    """A tenant that is deleted with a job at work leaves nothing to do."""
    await replay(demo, endpoint)
    await operator.delete("/v1/tenants/demo")
    await house.services.replays.advance()
    assert list(await house.store.running_jobs()) == []


async def test_explain(demo: Client, endpoint: str) -> None:
    """An explanation has a code and a sentence for each reason."""
    event = (await demo.get("/v1/tenants/demo/events")).json()["data"][0]["id"]
    path = f"/v1/tenants/demo/events/{event}/explain"
    found = (await demo.get(path, params={"endpoint": endpoint})).json()
    (reason,) = found.pop("reasons")
    assert (found, reason["code"], reason["attempts"]) == (
        {"event": event, "endpoint": endpoint, "delivered": False},
        "failed",
        1,
    )


async def test_explain_names_the_endpoint(demo: Client, endpoint: str) -> None:
    """Without an endpoint there is nothing to explain."""
    event = (await demo.get("/v1/tenants/demo/events")).json()["data"][0]["id"]
    answer = await demo.get(f"/v1/tenants/demo/events/{event}/explain")
    assert (answer.status_code, answer.json()["field"]) == (422, "endpoint")


async def test_explain_a_foreign_endpoint(operator: Client, demo: Client, endpoint: str) -> None:
    """An endpoint of another tenant is not found."""
    body = {"url": "https://example.com/"}
    other = (await operator.post("/v1/tenants/other/endpoints", json=body)).json()["id"]
    event = (await demo.get("/v1/tenants/demo/events")).json()["data"][0]["id"]
    answer = await demo.get(f"/v1/tenants/demo/events/{event}/explain", params={"endpoint": other})
    assert answer.status_code == 404
