"""A tenant's quotas over real servers, on each backend."""

import asyncio

import httpx

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.support.place import Place


async def _limit(tenant: Customer, **quotas: float) -> None:
    answer = await tenant.client.patch(f"/v1/tenants/{tenant.id}", json={"quotas": quotas})
    assert answer.is_success, answer.text


async def _publish(tenant: Customer) -> httpx.Response:
    return await tenant.client.post(tenant.path("events"), json={"type": "order.created", "payload": 1})


async def _until(tenant: Customer, status: int) -> tuple[int, httpx.Response]:
    """Publish until it is answered so; how many were taken, and that answer."""
    async with asyncio.timeout(20):
        for taken in range(100_000):
            answer = await _publish(tenant)
            if answer.status_code == status:
                return taken, answer
            assert answer.status_code in (202, 429), answer.text
            await asyncio.sleep(0.02)
    raise AssertionError("unreachable")


async def test_events_per_second(place: Place) -> None:
    """What was answered 202 is stored, and nothing of what was refused."""
    async with running(place.server()) as server, customer(server) as tenant:
        await _limit(tenant, events_per_second=5)
        answers = await asyncio.gather(*(_publish(tenant) for _ in range(20)))
        taken = sum(one.status_code == 202 for one in answers)
        assert (5 <= taken <= 10, len(await tenant.events())) == (True, taken)


async def test_a_backlog(place: Place) -> None:
    """With too much waiting, publishing is refused; once the receiver has taken it, it is not."""
    async with Receiver() as receiver, running(place.server()) as server, customer(server) as tenant:
        await _limit(tenant, waiting=10)
        endpoint = await tenant.register(receiver.url)
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/pause")
        taken, answer = await _until(tenant, 429)
        stored = len(await tenant.events())
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/resume")
        await receiver.wait_for(taken)
        await _until(tenant, 202)
    assert (answer.json()["code"], answer.headers["Retry-After"]) == ("backlog_full", "5")
    assert (taken > 10, stored) == (True, taken)
