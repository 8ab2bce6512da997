import asyncio

import msgspec
import pytest

from hookferry.api.attempts import TailRecord
from hookferry.model import DeliveryStatus, Endpoint
from hookferry.service.forms import NewEndpoint
from hookferry.service.services import Services
from hookferry.service.tail import Reader, Tail, Tell
from hookferry.store.values import Settled, Watched
from tests.store.world import World


@pytest.fixture
async def settled(services: Services, world: World) -> Settled:
    """One settled attempt of the tenant `demo`."""
    endpoint: Endpoint = await services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))
    await world.publish(endpoint)
    return await world.settle(await world.claim_one(), DeliveryStatus.SUCCEEDED)


def watched(settled: Settled) -> Watched:
    settlement, attempt = settled.settlement, settled.settlement.attempt
    assert attempt is not None
    return Watched(attempt, "evt_1", "order.created", settlement.status, settlement.reason, None)


async def test_store_tells_the_tail(services: Services, world: World) -> None:
    """A reader is given what the store has settled."""
    reader = services.tail.open("demo")
    await world.publish(await services.endpoints.create("demo", NewEndpoint(url="https://example.com/")))
    done = await world.settle(await world.claim_one(), DeliveryStatus.SUCCEEDED)
    (taken,), _ = await reader.take(1)
    assert taken.attempt.delivery == done.settlement.work.delivery.id


async def test_what_nobody_is_shown_is_not_kept(settled: Settled) -> None:
    """A reader that is slow holds a thousand attempts, and not their bodies."""
    tail = Tail()
    reader = tail.open("demo")
    tail.on_settled([settled])
    (taken,), _ = await reader.take(1)
    payload = settled.settlement.work.event.payload
    assert payload is not None
    assert payload not in msgspec.msgpack.encode(taken)


async def test_what_is_shown_is_kept(settled: Settled) -> None:
    """The URL and the status of the answer among it."""
    tail = Tail()
    reader = tail.open("demo")
    tail.on_settled([settled])
    (taken,), _ = await reader.take(1)
    attempt = settled.settlement.attempt
    assert attempt is not None
    assert TailRecord.of(taken) == TailRecord.of(msgspec.structs.replace(taken, attempt=attempt))


async def test_other_tenant(settled: Settled) -> None:
    """A reader sees its own tenant only."""
    tail = Tail()
    reader = tail.open("other")
    tail.on_settled([settled])
    assert await reader.take(0.001) == ([], 0)


async def test_stale(settled: Settled) -> None:
    """A refused settlement is not shown: it did not happen."""
    tail = Tail()
    reader = tail.open("demo")
    tail.on_settled([Settled(settled.settlement, stale=True)])
    assert await reader.take(0.001) == ([], 0)


async def test_slow_reader(settled: Settled) -> None:
    """A slow reader loses the oldest and is told how many."""
    reader = Reader("demo", room=2)
    for _ in range(5):
        reader.put(watched(settled))
    taken, dropped = await reader.take(1)
    assert (len(taken), dropped) == (2, 3)


async def test_left(settled: Settled) -> None:
    """A reader that has left is given nothing more."""
    tail = Tail()
    reader = tail.open("demo")
    tail.leave(reader)
    tail.on_settled([settled])
    assert await reader.take(0.001) == ([], 0)


async def test_close() -> None:
    """A closed tail lets its readers go at once."""
    tail = Tail()
    reader = tail.open("demo")
    tail.close()
    await reader.take(60)
    assert reader.closed


# Where other processes settle too, somebody has to look


class Looking:
    """Stands for what looks for attempts; `running` are the tenants that it looks for."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.tell: Tell | None = None

    async def run(self, tenant: str, tell: Tell) -> None:
        self.running.append(tenant)
        self.tell = tell
        try:
            await asyncio.Event().wait()
        finally:
            self.running.remove(tenant)


@pytest.fixture
def looking() -> Looking:
    return Looking()


async def test_nobody_looks_while_nobody_watches(looking: Looking) -> None:
    """It would cost reads for nothing."""
    Tail(looking.run)
    await asyncio.sleep(0)
    assert looking.running == []


async def test_who_watches_a_tenant_shares_one_look(looking: Looking) -> None:
    """However many they are."""
    tail = Tail(looking.run)
    for tenant in ("demo", "demo", "other"):
        tail.open(tenant)
    await asyncio.sleep(0)
    assert looking.running == ["demo", "other"]


async def test_the_look_ends_with_the_last_reader(looking: Looking) -> None:
    """Not before."""
    tail = Tail(looking.run)
    readers = [tail.open("demo"), tail.open("demo")]
    seen = []
    for reader in readers:
        await asyncio.sleep(0)
        seen.append(list(looking.running))
        tail.leave(reader)
    await asyncio.sleep(0)
    assert (seen, looking.running) == ([["demo"], ["demo"]], [])


async def test_what_is_found_is_shown_to_all_who_watch(settled: Settled, looking: Looking) -> None:
    """With how many were left out."""
    tail = Tail(looking.run)
    readers = [tail.open("demo"), tail.open("demo")]
    await asyncio.sleep(0)
    assert looking.tell is not None
    looking.tell("demo", [watched(settled)], 3)
    assert [await reader.take(1) for reader in readers] == [([watched(settled)], 3)] * 2


async def test_a_reader_has_begun_once_there_was_a_look(looking: Looking) -> None:
    """What is settled after it was told so is shown to it."""
    tail = Tail(looking.run)
    reader = tail.open("demo")
    await asyncio.sleep(0)
    before = reader.begun.is_set()
    assert looking.tell is not None
    looking.tell("demo", [], 0)
    assert (before, reader.begun.is_set()) == (False, True)
