"""The same publish many times at once, over two processes (FAULTS, 14)."""

import asyncio

from tests.e2e.customer import Customer, customer, running
from tests.support.place import Place


async def test_fault_14_fifty_identical_publishes(on_postgres: Place) -> None:
    """One event, and fifty equal answers."""
    one, two = on_postgres.server(), on_postgres.server()
    async with running(one), running(two), customer(one) as here, two.client() as client:
        there = Customer(client, here.id)
        answers = await asyncio.gather(
            *(side.publish(idempotency_key="k") for _ in range(25) for side in (here, there))
        )
        assert (answers, len(await here.events())) == ([answers[0]] * 50, 1)
