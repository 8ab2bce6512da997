"""The commands that send again, and the one that says why, each against a real server."""

import json
from typing import Any

import pytest

from tests.cli.world import Tenant


@pytest.fixture
def missed(tenant: Tenant) -> Any:
    """An endpoint that was registered after three events."""
    for payload in range(3):
        tenant.json("send", "a", "--data", str(payload))
    return tenant.register()


def replay(endpoint: Any, *args: str) -> tuple[str, ...]:
    return ("replay", endpoint["id"], "--since", "1h", "--status", "missed", *args)


def test_replay(tenant: Tenant, missed: Any) -> None:
    """What was missed arrives, once the job is done."""
    job = tenant.json(*replay(missed, "--rate", "100", "--yes", "--wait"))
    tenant.settle(3)
    assert (job["status"], job["total"], job["done"], job["progress"]) == ("done", 3, 3, 1)


def test_replay_arrives(tenant: Tenant, missed: Any) -> None:
    """Each event arrives with a signature that holds."""
    tenant.json(*replay(missed, "--yes"))
    assert [arrival.verified for arrival in tenant.world.arrivals(tenant.target, 3)] == [True] * 3


def test_dry_run(tenant: Tenant, missed: Any) -> None:
    """A dry run counts, and there is no job."""
    plan = tenant.json(*replay(missed, "--dry-run"))
    jobs = tenant.json("jobs", "list")["data"]
    assert (plan["id"], plan["status"], plan["total"], jobs) == (None, "planned", 3, [])


def test_types(tenant: Tenant, missed: Any) -> None:
    """Only events of the types that are named."""
    assert tenant.json(*replay(missed, "--type", "b", "--dry-run"))["total"] == 0


def test_it_asks(tenant: Tenant, missed: Any) -> None:
    """The count is shown first, and a yes lets it begin."""
    result = tenant.hookferry(*replay(missed, "--rate", "10"), input="y\n")
    assert ("Send 3 events to" in result.stderr, json.loads(result.stdout)["total"]) == (True, 3)


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_it_takes_no(tenant: Tenant, missed: Any, answer: str) -> None:
    """Without a yes nothing is begun, also where nobody answers."""
    result = tenant.hookferry(*replay(missed), input=answer)
    assert (result.exit_code, tenant.json("jobs", "list")["data"]) == (1, [])


def test_since_is_needed(tenant: Tenant) -> None:
    """Nobody replays all that ever happened by accident."""
    assert tenant.hookferry("replay", "ep_1").exit_code == 2


def test_unknown_endpoint(tenant: Tenant) -> None:
    """There must be such an endpoint."""
    assert tenant.hookferry("replay", "ep_1", "--since", "1h").exit_code == 4


def test_jobs(tenant: Tenant, missed: Any) -> None:
    """A job is listed and shown."""
    job = tenant.json(*replay(missed, "--rate", "0.1", "--yes"))
    listed = tenant.json("jobs", "list", "--endpoint", missed["id"], "--status", "running")
    assert ([one["id"] for one in listed["data"]], tenant.json("jobs", "show", job["id"])["id"]) == (
        [job["id"]],
        job["id"],
    )


def test_cancel(tenant: Tenant, missed: Any) -> None:
    """A job that is cancelled says so."""
    job = tenant.json(*replay(missed, "--rate", "0.1", "--yes"))
    assert tenant.json("jobs", "cancel", job["id"])["status"] == "cancelled"


def test_waiting_for_what_was_cancelled(tenant: Tenant, missed: Any) -> None:
    """To wait for a job that ends otherwise is a failure."""
    job = tenant.json(*replay(missed, "--rate", "0.1", "--yes"))
    tenant.json("jobs", "cancel", job["id"])
    result = tenant.hookferry("jobs", "show", job["id"], "--wait")
    assert (result.exit_code, "is cancelled" in result.stderr) == (1, True)


def test_explain(tenant: Tenant) -> None:
    """In JSON an explanation is as the API gives it."""
    event = tenant.json("send", "a", "--data", "1")["id"]
    endpoint = tenant.register()["id"]
    found = tenant.json("explain", event, endpoint)
    assert [reason["code"] for reason in found["reasons"]] == ["not_created"]


def test_explain_to_people(tenant: Tenant) -> None:
    """On a terminal it is a sentence for each reason."""
    event = tenant.json("send", "a", "--data", "1")["id"]
    endpoint = tenant.register()["id"]
    said = tenant.hookferry("explain", event, endpoint, "-o", "table").stdout
    assert said.startswith("The endpoint was registered later at 20")
