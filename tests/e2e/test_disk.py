"""The disk is full, or the file locked, while the server runs (FAULTS, 9).

As root file modes prove nothing: a limit on the size of the process's files is what fails here. It also
keeps the server from writing its log, as a full disk would.
"""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hookferry.receiver import Receiver
from tests.e2e.conftest import LOOPBACK, serving
from tests.e2e.customer import Customer, customer, running
from tests.support.hostile import OK, Peer, hostile
from tests.support.process import ServerProcess

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="there is no prlimit here")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose keeper has much to do: its lease is short."""
    yield from serving(tmp_path_factory.mktemp("disk"), *LOOPBACK, "--lease", "150ms")


@pytest.fixture
async def one(server: ServerProcess) -> AsyncIterator[Customer]:
    async with customer(server) as one:
        yield one


@contextmanager
def full_disk(server: ServerProcess) -> Iterator[None]:
    """Meanwhile the server cannot write a byte to any file."""
    assert server.process is not None
    _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))


@contextmanager
def locked(server: ServerProcess) -> Iterator[None]:
    """Meanwhile another program holds the lock to write."""
    with closing(sqlite3.connect(server.folder / "hookferry.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        yield
        other.execute("rollback")


async def test_publish(server: ServerProcess, one: Customer) -> None:
    """A publish is answered 503 with Retry-After."""
    with full_disk(server):
        answer = await one.client.post(one.path("events"), json={"type": "a", "payload": 1})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "unavailable",
        "5",
    )


async def test_readiness(server: ServerProcess, one: Customer) -> None:
    """The server is not ready while it cannot write, and is again by itself."""

    async def until(status: int) -> None:
        """Ask until it is so: an answer holds for a second."""
        async with asyncio.timeout(10):
            while (await one.client.get("/readyz")).status_code != status:
                pass

    with full_disk(server):
        await until(503)
    await until(200)


async def test_life(server: ServerProcess, one: Customer) -> None:
    """The server lives, answers what it only has to read, and shows its metrics."""
    with full_disk(server):
        paths = ["/healthz", "/metrics", one.path("events"), one.path("deliveries")]
        answers = [(await one.client.get(path)).status_code for path in paths]
    assert answers == [200] * 4


async def test_administration(server: ServerProcess, one: Customer) -> None:
    """What cannot be stored is refused everywhere, and is not there afterwards either."""
    with full_disk(server):
        answer = await one.client.post(one.path("endpoints"), json={"url": "http://example.com"})
    assert (answer.status_code, (await one.ask("GET", "endpoints"))["data"]) == (503, [])


async def test_it_goes_on(server: ServerProcess, one: Customer) -> None:
    """Once there is room, all that is acknowledged is delivered, and nothing else."""
    async with Receiver() as receiver:
        await one.register(receiver.url)
        sent = [await one.publish(1)]
        with full_disk(server):
            for _ in range(5):
                await one.client.post(one.path("events"), json={"type": "a", "payload": 2})
        sent += [await one.publish(3) for _ in range(3)]
        await receiver.wait_for(4)
        await one.final()
    assert sorted(arrival.id for arrival in receiver.arrivals) == [event["id"] for event in sent]


async def test_an_answer_that_cannot_be_recorded(server: ServerProcess, one: Customer) -> None:
    """A success that comes while the disk is full is recorded later, and costs no second request."""
    full = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await full.wait()
        await peer.send(OK)
        await peer.gone()

    async with hostile(script) as receiver:
        await one.register(receiver.url())
        await one.publish()
        await receiver.asked()
        with full_disk(server):
            full.set()
            # The answer is in once this is: the settlement comes before it in the queue of writes.
            await one.client.post(one.path("events"), json={"type": "a", "payload": 1})
        (delivery,) = await one.final()
    assert (delivery["status"], delivery["attempts"], len(receiver.requests)) == ("succeeded", 1, 1)


async def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    """A log on the same full disk ends nothing: the server stops in good order afterwards."""
    async with (
        running(ServerProcess(tmp_path, *LOOPBACK, "--lease", "30ms")) as server,
        server.client() as client,
    ):
        with full_disk(server):
            # The keeper's duties fail meanwhile, every 10 ms, and it cannot say so.
            for _ in range(50):
                await client.post("/v1/tenants", json={"name": "Nobody"})
        assert server.stop() == 0


async def test_a_short_lock(server: ServerProcess, one: Customer) -> None:
    """A publish waits for another program's lock that is soon gone."""
    with locked(server):
        publish = asyncio.create_task(one.publish())
        await one.client.get("/healthz")
    assert (await publish)["deliveries"] == 0


async def test_a_long_lock(server: ServerProcess, one: Customer) -> None:
    """A publish that waits too long for another program's lock is answered 503; the next one is stored."""
    with locked(server):
        answer = await one.client.post(one.path("events"), json={"type": "a", "payload": 1})
    assert (answer.status_code, (await one.publish())["deliveries"]) == (503, 0)


async def test_reading_under_a_lock(server: ServerProcess, one: Customer) -> None:
    """Another program's lock keeps nobody from reading, while a writer waits."""
    with locked(server):
        writing = asyncio.create_task(one.publish())
        await one.client.get(one.path("events"))
        waited = not writing.done()
    assert (waited, (await writing)["deliveries"]) == (True, 0)
