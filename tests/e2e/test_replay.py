"""Replays over a real server: all of it arrives, and a kill in the middle costs and doubles nothing."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

from hookferry.contracts import builtin
from hookferry.receiver import Answer, Receiver
from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import Customer, customer, running
from tests.support.process import ServerProcess

# Retries in fast motion: the whole schedule of days in seconds.
FAST = (*LOOPBACK, "--dev", "--time-scale", "100000")
LONG_AGO = "2000-01-01T00:00:00Z"


async def replayed(tenant: Customer, endpoint: Any, **wanted: Any) -> Any:
    """A replay of all there ever was, once it has ended."""
    body = {"since": LONG_AGO, "rate": 200, **wanted}
    return await done(tenant, await tenant.ask("POST", f"endpoints/{endpoint['id']}/replay", body))


async def ended(tenant: Customer) -> None:
    """Return once nothing is pending, whether it was tried or cancelled."""
    async with asyncio.timeout(30):
        while "pending" in await tenant.statuses():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def done(tenant: Customer, job: Any) -> Any:
    """The job once it has ended."""
    async with asyncio.timeout(30):
        while job["status"] == "running":
            await asyncio.sleep(0.05)  # nothing tells that a job has ended but the job
            job = await tenant.ask("GET", f"jobs/{job['id']}")
    return job


async def test_what_failed_arrives(tmp_path: Path) -> None:
    """An endpoint was down until its deliveries had failed: a replay delivers all of them, verified."""
    server = ServerProcess(tmp_path, *FAST)
    async with (
        Receiver(answers=[Answer(500)], contract=builtin("opentrack")) as receiver,
        running(server),
        customer(server, "opentrack") as tenant,
    ):
        endpoint = await tenant.register(receiver.url + "/hooks", secret="a secret of 20 letters")
        receiver.trust("/hooks", "a secret of 20 letters")
        for number in range(20):
            await tenant.publish(number, "container.status.updated")
        failed = {one["status"] for one in await tenant.final()}
        receiver.answer("/hooks", Answer())
        job = await replayed(tenant, endpoint, status="failed")
        arrived = {
            json.loads(one.body)["data"] for one in receiver.arrivals if one.status == 200 and one.verified
        }
    assert (failed, job["total"], job["done"], arrived) == ({"failed"}, 20, 20, set(range(20)))


async def test_what_a_disabled_endpoint_lost_arrives(tmp_path: Path) -> None:
    """What failed, was cancelled or was missed around a 410 is delivered by two replays, verified."""
    server = ServerProcess(tmp_path, *LOOPBACK)
    async with Receiver(answers=[Answer(410)]) as receiver, running(server), customer(server) as tenant:
        endpoint = await tenant.register(receiver.url + "/hooks")
        receiver.trust("/hooks", endpoint["secret"])
        events = {(await tenant.publish(number))["id"] for number in range(20)}
        await ended(tenant)
        receiver.answer("/hooks", Answer())
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/resume")
        jobs = [await replayed(tenant, endpoint, status=status) for status in ("any", "missed")]
        arrived = {one.id for one in receiver.arrivals if one.status == 200 and one.verified}
    assert (sum(job["total"] for job in jobs), arrived) == (20, events)


async def killed_in_the_middle(tmp_path: Path, receiver: Receiver) -> tuple[set[str], Any, list[Any]]:
    """The events, the job in the end, and all deliveries of a replay over a server that was killed."""
    server = ServerProcess(tmp_path, *LOOPBACK)
    async with running(server), customer(server) as tenant:
        events = {(await tenant.publish(number))["id"] for number in range(60)}
        endpoint = await tenant.register(receiver.url)
        path = f"endpoints/{endpoint['id']}/replay"
        job = await tenant.ask("POST", path, {"since": LONG_AGO, "status": "missed", "rate": 30})
        await receiver.wait_for(15)
        server.kill()
        await server.start()
        job = await done(tenant, job)
        return events, job, await tenant.deliveries()


async def test_a_kill_in_the_middle(tmp_path: Path) -> None:
    """A server that is killed goes on with the job at its next start: every event has one delivery."""
    async with Receiver() as receiver:
        events, job, deliveries = await killed_in_the_middle(tmp_path, receiver)
    made = Counter(delivery["event"] for delivery in deliveries)
    assert (made, job["done"], job["status"]) == (Counter(events), 60, "done")


async def test_a_kill_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    """Every event arrives; a second time at most what was on its way when the server died."""
    async with Receiver() as receiver:
        events, _, _ = await killed_in_the_middle(tmp_path, receiver)
        arrived = Counter(one.id for one in receiver.arrivals)
    assert (set(arrived), sum(arrived.values()) - len(events) <= 8) == (events, True)
