"""A bad network between us and a receiver (FAULTS, 17 to 19), on each backend; more of it in tests/sender."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.support.place import Place
from tests.support.proxy import Proxy, proxied


@asynccontextmanager
async def behind_a_proxy(place: Place) -> AsyncIterator[tuple[Proxy, Customer]]:
    """A server that reaches its receiver by a proxy."""
    async with (
        Receiver() as receiver,
        proxied(receiver.url) as proxy,
        running(place.server()) as server,
        customer(server) as one,
    ):
        yield proxy, one


async def settled(one: Customer, attempts: int) -> str:
    """The status of the tenant's delivery after so many attempts."""
    async with asyncio.timeout(30), one.tail() as records:
        while True:
            (delivery,) = await one.deliveries()
            if delivery["attempts"] == attempts:
                return str(delivery["status"])
            await anext(records)


@pytest.mark.parametrize(
    "spoil",
    [Proxy.black_hole, Proxy.half_open, lambda proxy: proxy.truncate(10)],
    ids=["black_hole", "half_open", "truncate"],
)
async def test_fault_17_a_spoilt_way(place: Place, spoil: Callable[[Proxy], None]) -> None:
    """The attempt fails by its deadline, and once the way is mended the retry arrives."""
    async with behind_a_proxy(place) as (proxy, one):
        await one.register(f"http://127.0.0.1:{proxy.port}", timeout=1)
        spoil(proxy)
        await one.publish()
        spoilt = await settled(one, 1)
        proxy.reset()
        proxy.heal()
        (delivery,) = await one.deliveries()
        await one.ask("POST", f"deliveries/{delivery['id']}/retry")
        mended = await settled(one, 2)
    assert (spoilt, mended) == ("pending", "succeeded")


async def test_fault_18_pooled_connections_that_died(place: Place) -> None:
    """Every idle connection is reset: the next delivery goes out on a fresh one, in one attempt."""
    async with behind_a_proxy(place) as (proxy, one):
        await one.register(f"http://127.0.0.1:{proxy.port}")
        await one.publish()
        await one.final()
        proxy.reset()
        await one.publish()
        found = await one.final()
    assert [delivery["attempts"] for delivery in found] == [1, 1]
