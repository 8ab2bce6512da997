"""An endpoint's rate over real servers, on each backend, and shared by two machines."""

import asyncio

from hookferry.receiver import Arrival, Receiver
from tests.e2e.customer import customer, running
from tests.support.place import Place

RATE = 10


def _most_within(arrivals: list[Arrival], milliseconds: int) -> int:
    """How many arrived at most in any such time."""
    times = sorted(one.at for one in arrivals)
    return max(sum(start <= at < start + milliseconds for at in times) for start in times)


async def test_a_rate_is_kept(place: Place) -> None:
    """All arrive in their first attempt: a second's worth at once, then ten a second."""
    async with Receiver() as receiver, running(place.server()) as server, customer(server) as tenant:
        await tenant.register(receiver.url, rate_limit=RATE)
        await asyncio.gather(*(tenant.publish(number) for number in range(30)))
        arrivals = list(await receiver.wait_for(30))
        final = await tenant.final()
    took = max(one.at for one in arrivals) - min(one.at for one in arrivals)
    assert (took >= 1_900, _most_within(arrivals, 1_000) <= 2 * RATE + 1) == (True, True)
    assert {(one["status"], one["attempts"]) for one in final} == {("succeeded", 1)}


async def test_machines_share_a_rate(on_postgres: Place) -> None:
    """Two together send no more than one alone, though both have work."""
    first, second = on_postgres.server(), on_postgres.server()
    async with (
        Receiver() as receiver,
        running(first),
        running(second),
        customer(first) as tenant,
    ):
        await tenant.register(receiver.url, rate_limit=RATE)
        await asyncio.gather(*(tenant.publish(number) for number in range(40)))
        arrivals = list(await receiver.wait_for(40))
    assert _most_within(arrivals, 2_000) <= 3 * RATE + 2
