"""Endpoint health over a real server: parked, probed, recovered, disabled; others are told."""

import asyncio
import json
from pathlib import Path

from hookferry.receiver import Answer, Receiver
from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import customer, running
from tests.support.process import ServerProcess

# The schedule of days and the waits of health in seconds.
FAST = (*LOOPBACK, "--dev", "--time-scale", "5000")


async def test_an_outage(tmp_path: Path) -> None:
    """An endpoint that fails is parked; once it is back everything arrives, and it is healthy."""
    server = ServerProcess(tmp_path, *FAST)
    async with Receiver(answers=[Answer(503)]) as receiver, running(server), customer(server) as tenant:
        endpoint = await tenant.register(receiver.url)
        events = {(await tenant.publish(number))["id"] for number in range(30)}
        await receiver.wait_for(10)
        async with asyncio.timeout(20):
            while (await tenant.ask("GET", f"endpoints/{endpoint['id']}"))["health"]["state"] != "parked":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        receiver.answer("/", Answer(200))
        final = await tenant.final()
        state = (await tenant.ask("GET", f"endpoints/{endpoint['id']}"))["health"]["state"]
    arrived = {one.id for one in receiver.arrivals if one.status == 200}
    assert ({one["status"] for one in final}, arrived, state) == ({"succeeded"}, events, "healthy")


async def test_somebody_is_told_of_a_disabled_endpoint(tmp_path: Path) -> None:
    """By an event like any other, signed with its endpoint's secret."""
    server = ServerProcess(tmp_path, *LOOPBACK)
    async with Receiver() as receiver, running(server), customer(server) as tenant:
        receiver.answer("/gone", Answer(410))
        gone = await tenant.register(receiver.url + "/gone", event_types=["order.created"])
        told = await tenant.register(receiver.url + "/ops", event_types=["endpoint.disabled"])
        receiver.trust("/ops", told["secret"])
        await tenant.publish()
        arrivals = await receiver.wait_for(2)
    (news,) = [one for one in arrivals if one.target == "/ops"]
    assert (news.verified, json.loads(news.body)["data"]["endpoint"]["id"]) == (True, gone["id"])
