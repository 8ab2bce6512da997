"""A process that is killed at each durable boundary, on each backend (FAULTS, 1 to 4)."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.support.place import Place
from tests.support.process import ServerProcess

FAILING = str(Path(__file__).with_name("failing.py"))
# Short: a new process waits for it before it takes over what the dead one had.
LEASE = ("--lease", "1s")


def failing(place: Place, point: str) -> ServerProcess:
    """A server that dies at a point of `failing.py`."""
    return place.server(*LEASE, program=(FAILING, point))


async def dies(server: ServerProcess) -> None:
    """Return once the process is dead."""
    assert server.process is not None
    assert await asyncio.to_thread(server.process.wait, 20) == -9


async def unanswered(one: Customer) -> bool:
    """Publish with a key, as the server dies of it: True if no answer came."""
    try:
        await one.publish(idempotency_key="k")
    except httpx.TransportError:
        return True
    return False


async def died_of_publishing(place: Place, receiver: Receiver, point: str) -> tuple[str, bool]:
    """The tenant of a server that died at a point of a publish, and whether no answer came."""
    async with running(failing(place, point)) as server, customer(server) as one:
        await one.register(receiver.url)
        silent = await unanswered(one)
        await dies(server)
        return one.id, silent


async def test_fault_01_killed_before_the_commit(place: Place) -> None:
    """No 2xx leaves, nothing is stored, nothing is sent."""
    async with Receiver() as receiver:
        tenant, silent = await died_of_publishing(place, receiver, "written")
        async with running(place.server(*LEASE)) as server, server.client() as client:
            found = await Customer(client, tenant).events()
        assert (silent, found, receiver.count) == (True, [], 0)


async def test_fault_02_killed_between_commit_and_answer(place: Place) -> None:
    """The publisher comes again with its key: the same event, once, and it arrives."""
    async with Receiver() as receiver:
        tenant, silent = await died_of_publishing(place, receiver, "committed")
        async with running(place.server(*LEASE)) as server, server.client() as client:
            one = Customer(client, tenant)
            again = await one.publish(idempotency_key="k")
            await receiver.wait_for(1)
            found = [event["id"] for event in await one.events()]
    assert (silent, found, [one.id for one in receiver.arrivals]) == (True, [again["id"]], [again["id"]])


async def died_of_delivering(place: Place, receiver: Receiver, point: str) -> tuple[str, Any]:
    """The tenant and the event of a server that died at a point of a delivery that it had claimed."""
    async with running(failing(place, point)) as server, customer(server) as one:
        endpoint = await one.register(receiver.url)
        path = f"endpoints/{endpoint['id']}"
        await one.ask("POST", f"{path}/pause")
        event = await one.publish()
        with suppress(httpx.TransportError):
            await one.ask("POST", f"{path}/resume")
        await dies(server)
        return one.id, event


async def delivered(place: Place, tenant: str) -> tuple[str, int]:
    """The status and the attempts of the tenant's one delivery, once another server has made it final."""
    async with running(place.server(*LEASE)) as server, server.client() as client:
        (delivery,) = await Customer(client, tenant).final()
        return delivery["status"], delivery["attempts"]


async def test_fault_03_killed_after_the_claim(place: Place) -> None:
    """It is sent after the lease, once."""
    async with Receiver() as receiver:
        tenant, event = await died_of_delivering(place, receiver, "claimed")
        assert await delivered(place, tenant) == ("succeeded", 1)
        assert [one.id for one in receiver.arrivals] == [event["id"]]


async def test_fault_04_killed_after_a_200(place: Place) -> None:
    """What was not recorded is sent again with the same id, and there is one success in the end."""
    async with Receiver() as receiver:
        tenant, event = await died_of_delivering(place, receiver, "answered")
        assert await delivered(place, tenant) == ("succeeded", 1)
        assert [one.id for one in receiver.arrivals] == [event["id"]] * 2


async def test_fault_04_killed_after_the_settlement(place: Place) -> None:
    """What was recorded is not sent again."""
    async with Receiver() as receiver:
        tenant, _ = await died_of_delivering(place, receiver, "settled")
        assert (await delivered(place, tenant), receiver.count) == (("succeeded", 1), 1)
