"""The live tail: the same from each process, on each backend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.e2e.test_processes import all_ready
from tests.support.place import Place

MANY = 40


async def _take(records: AsyncIterator[Any], count: int) -> list[Any]:
    async with asyncio.timeout(20):
        return [await anext(records) for _ in range(count)]


async def test_each_process_shows_what_all_deliver(on_postgres: Place) -> None:
    """Two that deliver, and one that only has the API: who watches one of them sees each attempt once."""
    servers = [on_postgres.server(*flags) for flags in ([], [], ["--role", "api"])]
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        for server in servers:
            await stack.enter_async_context(running(server))
        one = await stack.enter_async_context(customer(servers[0]))
        clients = [await stack.enter_async_context(server.client()) for server in servers]
        customers = [Customer(client, one.id) for client in clients]
        tails = [await stack.enter_async_context(other.tail()) for other in customers]
        await one.register(receiver.url)
        for number in range(MANY):
            await customers[number % 3].publish(number)
        shown = [await _take(records, MANY) for records in tails]
        attempts = [
            attempt["id"]
            for delivery in await one.deliveries()
            for attempt in await one.attempts(delivery["id"])
        ]
    assert [sorted(record["id"] for record in records) for records in shown] == [sorted(attempts)] * 3


async def test_processes_of_one_port_show_the_same(on_postgres: Place) -> None:
    """Whichever of them the connection came to."""
    server = on_postgres.server("--processes", "2")
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        await stack.enter_async_context(running(server))
        await all_ready(server, 2)
        one = await stack.enter_async_context(customer(server))
        clients = [await stack.enter_async_context(server.client()) for _ in range(6)]
        tails = [await stack.enter_async_context(Customer(client, one.id).tail()) for client in clients]
        await one.register(receiver.url)
        for client in clients:
            await Customer(client, one.id).publish()
        shown = [{record["id"] for record in await _take(records, 6)} for records in tails]
    assert all(ids == shown[0] for ids in shown)


async def test_a_record_says_the_same_on_each_backend(place: Place) -> None:
    """What was settled, read from the history or told after the commit."""
    async with Receiver() as receiver, running(place.server()) as server, customer(server) as one:
        endpoint = await one.register(receiver.url)
        async with one.tail() as records:
            event = await one.publish()
            (record,) = await _take(records, 1)
        (delivery,) = await one.deliveries()
        (attempt,) = await one.attempts(delivery["id"])
    same = ("id", "delivery", "endpoint", "number", "started_at", "duration_ms", "outcome", "status_code")
    assert record == {
        **{name: attempt[name] for name in (*same, "detail", "address")},
        "event": event["id"],
        "type": "order.created",
        "url": endpoint["url"],
        "status": "succeeded",
        "reason": "answered 200",
        "next_attempt_at": None,
    }
