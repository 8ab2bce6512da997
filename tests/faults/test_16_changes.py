"""An endpoint is changed by one process while another one sends to it (FAULTS, 16; rule 6 of the queue)."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hookferry.addresses import Address
from hookferry.delivery.executor import Executor
from hookferry.delivery.guard import Guard
from hookferry.delivery.resolver import Resolver
from hookferry.delivery.sender import Sender
from hookferry.exchange import Outcome, Request, Response, Result
from hookferry.ids import IdMaker
from hookferry.model import Endpoint, EndpointStatus, Secret
from hookferry.receiver import Answer, Receiver
from hookferry.service.contracts import Contracts
from hookferry.store.sqlite import SqliteStore
from hookferry.store.vault import Vault
from tests.faults.machines import Machines, machines, tell
from tests.store.world import World
from tests.support.clock import ManualClock
from tests.support.dns import Reply, stub_dns
from tests.support.engine import LOOPBACK, Engine, engine
from tests.support.place import Place
from tests.support.proxy import proxied

# What was on its way when a change was answered has arrived after so many seconds.
ON_ITS_WAY = 0.1


@asynccontextmanager
async def asleep(place: Place, receiver: Receiver) -> AsyncIterator[tuple[Machines, Any]]:
    """A worker that was stopped with one request on its way and five behind it, and the endpoint."""
    receiver.answer("/hooks", Answer(delay=0.3), Answer())
    async with machines(place, "--endpoint-concurrency", "1") as those:
        endpoint = await those.tenant.register(receiver.url + "/hooks")
        for number in range(6):
            await those.tenant.publish(number)
        await receiver.wait_for(1)
        (worker,) = those.workers
        tell(worker, signal.SIGSTOP)
        yield those, endpoint


async def test_fault_16_rotated_while_the_worker_slept(on_postgres: Place) -> None:
    """The answer waits for no worker that sleeps, and when it wakes it knows the new secret alone."""
    async with Receiver() as receiver, asleep(on_postgres, receiver) as (those, endpoint):
        path = f"endpoints/{endpoint['id']}/rotate"
        rotated = await those.tenant.ask("POST", path, {"overlap": 0})
        receiver.trust("/hooks", rotated["secret"])
        tell(those.workers[0], signal.SIGCONT)
        await receiver.wait_for(6)
        assert [one.verified for one in receiver.arrivals][1:] == [True] * 5


@pytest.mark.parametrize(
    ("method", "action", "status"), [("POST", "/pause", "pending"), ("DELETE", "", "cancelled")]
)
async def test_fault_16_ended_while_the_worker_slept(
    on_postgres: Place, method: str, action: str, status: str
) -> None:
    """Once a pause or a deletion is answered, the worker that slept sends nothing more."""
    async with Receiver() as receiver, asleep(on_postgres, receiver) as (those, endpoint):
        await those.tenant.ask(method, f"endpoints/{endpoint['id']}{action}")
        tell(those.workers[0], signal.SIGCONT)
        await those.until(*sorted(["succeeded", *[status] * 5]), held=bool(action))
        assert receiver.count == 1


async def test_fault_16_rotated_while_the_worker_is_cut_off(on_postgres: Place) -> None:
    """It sends on for a second at most without its database, and so long the answer waits."""
    url = str(on_postgres.url)
    async with (
        Receiver(answers=[Answer(delay=0.1)]) as receiver,
        proxied(url) as proxy,
        machines(on_postgres, "--endpoint-concurrency", "1", url=proxy.before(url)) as those,
    ):
        endpoint = await those.tenant.register(receiver.url + "/hooks")
        receiver.trust("/hooks", endpoint["secret"])
        for number in range(30):
            await those.tenant.publish(number)
        await receiver.wait_for(2)
        proxy.black_hole()
        path = f"endpoints/{endpoint['id']}/rotate"
        rotated = await those.tenant.ask("POST", path, {"overlap": 0})
        before = receiver.count
        receiver.trust("/hooks", rotated["secret"])
        proxy.reset()
        proxy.heal()
        await receiver.wait_for(30, 30)
        assert [one.verified for one in receiver.arrivals] == [True] * receiver.count
        assert before > 2


async def test_fault_16_rotated_while_the_worker_sends(on_postgres: Place) -> None:
    """Again and again, under load: nothing that starts after the answer is signed with the old secret."""
    async with Receiver(keep=100_000) as receiver, machines(on_postgres, workers=2) as those:
        endpoint = await those.tenant.register(receiver.url + "/hooks")
        over = asyncio.Event()
        publishers = [asyncio.create_task(publish_until(over, those)) for _ in range(8)]
        answered = []
        old = endpoint["secret"]
        for number in range(5):
            receiver.trust("/hooks", old, new := f"whsec_{str(number) * 40}")
            await receiver.wait_for(receiver.count + 50)
            path = f"endpoints/{endpoint['id']}/rotate"
            await those.tenant.ask("POST", path, {"secret": new, "overlap": 0})
            receiver.trust("/hooks", new)
            answered.append(time.time() * 1000)
            old = new
        await receiver.wait_for(receiver.count + 50)
        over.set()
        await asyncio.gather(*publishers)
    refused = [one.at for one in receiver.arrivals if not one.verified]
    assert [at for at in refused if not any(-1 <= at - when < ON_ITS_WAY * 1000 for when in answered)] == []


async def publish_until(over: asyncio.Event, those: Machines) -> None:
    """Publish, one after the other."""
    while not over.is_set():
        await those.tenant.publish()


class Asleep(SqliteStore):
    """What this process knows may be old."""

    fresh = False


class Sends:
    """A sender that counts."""

    def __init__(self) -> None:
        self.count = 0

    def on_wire(self, request: Request) -> Request:
        return request

    async def send(self, request: Request, still: Callable[[], bool]) -> Result:
        self.count += 1
        return Result(Outcome.RESPONSE, 0.1, Response(200, (), b""))


async def test_fault_16_a_sleep_just_before_a_request(tmp_path: Path) -> None:
    """A process that was stopped between its turn and its look at the endpoint looks again first."""
    clock = ManualClock()
    store = Asleep(tmp_path / "a.db", clock, IdMaker(clock.now, Random(1).getrandbits), Vault(b"k" * 32))
    await store.open()
    world = World(store, clock)
    await world.add_tenant("demo")
    world.endpoint = await world.add_endpoint("demo")
    await world.publish()
    sender = Sends()
    await Executor(store, clock, world.ids, Contracts(store, clock), sender, lambda: 0.5).deliver(
        await world.claim_one()
    )
    await world.flush()
    waiting = (await store.backlog()).pending
    await store.close()
    assert (sender.count, waiting) == (0, 1)


class SlowResolver(Resolver):
    """Looks up what it is asked once it is told to."""

    def __init__(self, nameserver: str) -> None:
        super().__init__([nameserver])
        self.asked, self.told = asyncio.Event(), asyncio.Event()

    async def lookup(self, host: str) -> Sequence[Address]:
        self.asked.set()
        await self.told.wait()
        return await super().lookup(host)


@asynccontextmanager
async def dialling(folder: Path) -> AsyncIterator[tuple[Engine, Endpoint, SlowResolver]]:
    """An engine on the way to its receiver: it has signed a request, and looks the name up."""
    async with stub_dns(hooks=Reply("127.0.0.1")) as dns:
        resolver = SlowResolver(dns.address)
        sender = Sender(Guard(LOOPBACK), resolver)
        async with engine(folder, sender) as running:
            endpoint = await running.add_endpoint(
                url=running.receiver.url.replace("127.0.0.1", "hooks.test") + "/hooks"
            )
            running.start()
            await running.publish()
            await resolver.asked.wait()
            yield running, endpoint, resolver
        await sender.close()


async def test_fault_16_rotated_while_a_connection_is_made(tmp_path: Path) -> None:
    """That may take as long as the whole time-out: the delivery is claimed anew, and signed anew."""
    async with dialling(tmp_path) as (running, endpoint, resolver):
        await running.change(endpoint, secrets=(Secret(new := f"whsec_{'1' * 40}"),))
        running.receiver.trust("/hooks", new)
        resolver.told.set()
        await running.receiver.wait_for(1)
        assert [one.verified for one in running.receiver.arrivals] == [True]


async def test_fault_16_paused_while_a_connection_is_made(tmp_path: Path) -> None:
    """Nothing is sent."""
    async with dialling(tmp_path) as (running, endpoint, resolver):
        await running.change(endpoint, status=EndpointStatus.PAUSED)
        resolver.told.set()
        await running.until_settled(2)
        assert (running.receiver.count, await running.statuses()) == (0, ["held"])


async def test_fault_16_a_sleep_while_a_connection_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped on its way gives back what others may have sent since."""
    async with dialling(tmp_path) as (running, _, resolver):
        monkeypatch.setattr(SqliteStore, "fresh", False)
        resolver.told.set()
        await running.until_settled(1)
        assert (running.receiver.count, await running.statuses()) == (0, ["pending"])


async def test_fault_16_a_lease_that_lapsed_while_a_connection_is_made(tmp_path: Path) -> None:
    """A process that was taken for dead, and has read all anew since, does not send what is another's."""
    async with dialling(tmp_path) as (running, endpoint, resolver):
        (delivery,) = await running.deliveries()
        with sqlite3.connect(tmp_path / "engine.db") as connection:
            connection.execute("update queue set token = token + 1 where id = ?", (delivery.id,))
        await running.change(endpoint, name="read anew")
        resolver.told.set()
        await running.until_settled(1)
        assert (running.receiver.count, [one.stale for one in running.settled]) == (0, [True])
