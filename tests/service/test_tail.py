import msgspec
import pytest

from hookferry.api.attempts import TailRecord
from hookferry.model import DeliveryStatus, Endpoint
from hookferry.service.forms import NewEndpoint
from hookferry.service.services import Services
from hookferry.service.tail import Reader, Tail
from hookferry.store.values import Settled
from tests.store.world import World


@pytest.fixture
async def settled(services: Services, world: World) -> Settled:
    """One settled attempt of the tenant `demo`."""
    endpoint: Endpoint = await services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))
    await world.publish(endpoint)
    return await world.settle(await world.claim_one(), DeliveryStatus.SUCCEEDED)


async def test_store_tells_the_tail(services: Services, world: World) -> None:
    """A reader is given what the store has settled."""
    reader = services.tail.open("demo")
    await world.publish(await services.endpoints.create("demo", NewEndpoint(url="https://example.com/")))
    done = await world.settle(await world.claim_one(), DeliveryStatus.SUCCEEDED)
    (taken,), _ = await reader.take(1)
    assert taken.work.delivery == done.settlement.work.delivery


async def test_what_nobody_is_shown_is_not_kept(settled: Settled) -> None:
    """A reader that is slow holds a thousand settlements, and not their bodies."""
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
    assert taken.attempt is not None
    assert TailRecord.of(taken, taken.attempt) == TailRecord.of(settled.settlement, attempt)


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
        reader.put(settled.settlement)
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
