"""A server with work is asked to stop, killed, or held up, on both backends (FAULTS, 1 to 6)."""

import asyncio
import signal
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.e2e.test_disk import locked
from tests.support.hostile import OK, Peer, Script, answers, hostile
from tests.support.place import Place
from tests.support.process import ADMIN_KEY, ServerProcess

FOREVER = 3600
# With PostgreSQL a new process waits for the lease of the dead one.
LEASE = ("--lease", "1s")


def tell(server: ServerProcess, number: signal.Signals) -> None:
    """Send a signal."""
    assert server.process is not None
    server.process.send_signal(number)


async def ended(server: ServerProcess) -> int:
    """The exit code, once there is one."""
    assert server.process is not None
    return await asyncio.to_thread(server.process.wait, 20)


def answers_when(told: asyncio.Event) -> Script:
    """Answer the first request once it is told to."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await told.wait()
        await peer.send(OK)
        await peer.gone()

    return script


async def never(peer: Peer) -> None:
    """Read a request and say nothing."""
    await peer.request()
    await peer.gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_in_flight(place: Place, number: signal.Signals) -> None:
    """A request that is on its way may end: its success is kept, and it is not sent again."""
    told = asyncio.Event()
    server = place.server()
    async with hostile(answers_when(told), answers(OK)) as receiver:
        async with running(server), customer(server) as one:
            await one.register(receiver.url())
            await one.publish()
            await receiver.asked()
            tell(server, number)
            told.set()
            code = await ended(server)
        async with running(server), server.client() as client:
            (delivery,) = await Customer(client, one.id).final()
    assert (code, delivery["status"], delivery["attempts"], len(receiver.requests)) == (0, "succeeded", 1, 1)


async def test_cut_off(place: Place) -> None:
    """What does not end within the grace is given back with what waits, and costs no attempt."""
    server = place.server("--grace", "300ms", "--endpoint-concurrency", "1")
    async with hostile(never, answers(OK)) as receiver:
        async with running(server), customer(server) as one:
            await one.register(receiver.url())
            for _ in range(3):
                await one.publish()
            await receiver.asked()
            code = await asyncio.to_thread(server.stop)
        async with running(server), server.client() as client:
            found = await Customer(client, one.id).final()
    spent = [(delivery["status"], delivery["attempts"]) for delivery in found]
    assert (code, spent) == (0, [("succeeded", 1)] * 3)


async def test_the_grace_is_for_everything(place: Place) -> None:
    """A publisher that never ends its request and a receiver that never answers share one grace."""
    server = place.server("--grace", "2s")
    async with hostile(never) as receiver, running(server), customer(server) as one:
        await one.register(receiver.url())
        await one.publish()
        await receiver.asked()
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"POST {one.path('events')} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        writer.write(head.encode() + b"Content-Length: 9\r\n\r\n{")
        await writer.drain()
        await one.client.get("/healthz")
        began = time.monotonic()
        code = await asyncio.to_thread(server.stop)
        writer.close()
    assert (code, time.monotonic() - began < 4) == (0, True)


async def test_a_second_signal(place: Place) -> None:
    """A second SIGTERM ends the process at once."""
    server = place.server("--grace", f"{FOREVER}s")
    async with hostile(never) as receiver, running(server), customer(server) as one:
        await one.register(receiver.url())
        await one.publish()
        await receiver.asked()
        tell(server, signal.SIGTERM)
        await until_stopping(server)
        tell(server, signal.SIGTERM)
        assert await ended(server) == 128 + signal.SIGTERM


async def until_stopping(server: ServerProcess) -> None:
    """Wait until the server has seen the first signal; only its log tells."""
    async with asyncio.timeout(10):
        while '"stopping"' not in server.log.read_text():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_nothing_is_claimed_while_stopping(place: Place) -> None:
    """After SIGTERM no further request is begun."""
    told = asyncio.Event()
    server = place.server("--endpoint-concurrency", "1")
    async with hostile(answers_when(told), answers(OK)) as receiver, running(server), customer(server) as one:
        await one.register(receiver.url())
        for _ in range(5):
            await one.publish()
        await receiver.asked()
        tell(server, signal.SIGTERM)
        await until_stopping(server)
        told.set()
        await ended(server)
    assert len(receiver.requests) == 1


async def test_publishers_go_on(place: Place) -> None:
    """Whatever was acknowledged while the server stopped arrives, once, before or after."""
    server = place.server()
    acknowledged: list[str] = []

    async def publish_until_refused(one: Customer) -> None:
        with suppress(httpx.TransportError):
            while True:
                acknowledged.append((await one.publish())["id"])

    async with Receiver() as receiver:
        async with running(server), customer(server) as one:
            await one.register(receiver.url)
            publishers = [asyncio.create_task(publish_until_refused(one)) for _ in range(8)]
            await receiver.wait_for(20)
            code = await asyncio.to_thread(server.stop)
            await asyncio.gather(*publishers)
        async with running(server), server.client() as client:
            await Customer(client, one.id).final()
    assert (code, sorted(arrival.id for arrival in receiver.arrivals)) == (0, sorted(acknowledged))


async def test_watchers(place: Place) -> None:
    """Somebody who watches the tail does not hold a stop up."""
    server = place.server("--grace", f"{FOREVER}s")
    async with running(server), customer(server) as one, one.tail() as records:
        code = await asyncio.to_thread(server.stop, 10)
        assert (code, [record async for record in records]) == (0, [])


async def test_killed_before_the_commit(tmp_path: Path) -> None:
    """A publish that was not committed was not acknowledged, and is not there (FAULTS, 1)."""
    server = Place(tmp_path).server()
    async with running(server), customer(server) as one:
        with locked(server):
            publish = asyncio.create_task(one.publish())
            await one.client.get("/healthz")
            server.kill()
        refused = isinstance((await asyncio.gather(publish, return_exceptions=True))[0], Exception)
    async with running(server), server.client() as client:
        assert (refused, await Customer(client, one.id).events()) == (True, [])


async def test_killed_after_the_commit(place: Place) -> None:
    """The same idempotency key gives the same event after a crash (FAULTS, 2)."""
    server = place.server()
    async with running(server), customer(server) as one:
        first = await one.publish(idempotency_key="k")
        server.kill()
    async with running(server), server.client() as client:
        again = Customer(client, one.id)
        assert (await again.publish(idempotency_key="k"), len(await again.events())) == (first, 1)


async def test_killed_while_sending(place: Place) -> None:
    """What was acknowledged and not yet delivered goes out with the next process, with the same id."""
    server = place.server(*LEASE)
    async with hostile(never, answers(OK)) as receiver:
        async with running(server), customer(server) as one:
            await one.register(receiver.url())
            sent = await one.publish()
            await receiver.asked()
            server.kill()
        async with running(server), server.client() as client:
            (delivery,) = await Customer(client, one.id).final()
    ids = [f"webhook-id: {sent['id']}".encode() in request for request in receiver.requests]
    assert (delivery["status"], ids) == ("succeeded", [True, True])


async def test_killed_with_a_backlog(place: Place) -> None:
    """Everything acknowledged arrives, whatever was in flight when the process died."""
    server = place.server(*LEASE)
    async with Receiver() as receiver:
        async with running(server), customer(server) as one:
            await one.register(receiver.url)
            sent = await asyncio.gather(*[one.publish(number) for number in range(200)])
            server.kill()
        async with running(server), server.client() as client:
            await Customer(client, one.id).final()
    assert {arrival.id for arrival in receiver.arrivals} == {event["id"] for event in sent}


async def test_held_up_beyond_its_lease(place: Place) -> None:
    """A server that slept longer than its lease keeps its result: nobody claimed anew (FAULTS, 6)."""
    told = asyncio.Event()
    server = place.server("--lease", "100ms")
    async with hostile(answers_when(told), answers(OK)) as receiver, running(server), customer(server) as one:
        await one.register(receiver.url())
        await one.publish()
        await receiver.asked()
        tell(server, signal.SIGSTOP)
        told.set()
        await asyncio.sleep(0.3)  # three leases of wall time: that they lapse is the test's subject
        tell(server, signal.SIGCONT)
        (delivery,) = await one.final()
        assert (delivery["status"], delivery["attempts"], len(receiver.requests)) == ("succeeded", 1, 1)
