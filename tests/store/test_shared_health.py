"""Endpoint health of several processes on one PostgreSQL database."""

import asyncio

from hookferry.health import Breaker
from tests.store.test_health import FAILED, OPENED, POLICY, attempted, on_disk, settle
from tests.store.test_processes import both
from tests.store.world import World

__all__ = ["both"]


async def test_the_other_process_sees_trouble(both: tuple[World, World]) -> None:
    """Within a second: it confirms the configuration a few times a second."""
    one, other = both
    await attempted(one, OPENED)
    async with asyncio.timeout(5):
        while one.endpoint.id not in other.store.directory.health:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    assert other.store.directory.health[one.endpoint.id].breaker is Breaker.OPEN


async def test_the_other_process_sees_that_it_is_over(both: tuple[World, World]) -> None:
    """A row that is gone is gone everywhere."""
    one, other = both
    await attempted(one, FAILED)
    async with asyncio.timeout(5):
        while not other.store.directory.health:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
        await one.store.delete_tenant("demo", one.clock.now())
        while other.store.directory.health:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    assert await on_disk(other) == {}


async def test_failures_of_both_are_added_up(both: tuple[World, World]) -> None:
    """Also where neither knew of any before, and both commit at once."""
    one, _ = both
    for _ in range(8):
        await one.publish()
    works = [(world, work) for world in both for work in await world.claim(limit=4)]
    await asyncio.gather(*[settle(world, work, FAILED) for world, work in works])
    assert (await on_disk(one))[one.endpoint.id].consecutive == 8


async def test_one_of_them_wins_a_probe(both: tuple[World, World]) -> None:
    """The one that writes it sends it."""
    one, _ = both
    await attempted(one, OPENED, retry_in=0)
    for _ in range(4):
        await one.publish()
    one.clock.advance(10)
    now = one.clock.now()
    probes = await asyncio.gather(
        *[world.store.claim_probe(one.endpoint.id, now, POLICY) for world in both for _ in range(3)]
    )
    assert sum(probe is not None for probe in probes) == 1
