"""What was settled since, for those who watch."""

import msgspec
import pytest

from hookferry.model import DeliveryStatus
from hookferry.store.rows import Wire, attempt_row, slim, watched_of
from hookferry.store.values import Settled, Watched
from tests.store.world import World

SUCCEEDED, PENDING = DeliveryStatus.SUCCEEDED, DeliveryStatus.PENDING


async def _settle(world: World, count: int) -> list[str]:
    """The ids of so many attempts, in their order."""
    return [_id(await _settle_one(world)) for _ in range(count)]


async def _settle_one(world: World, status: DeliveryStatus = SUCCEEDED, **fields: float) -> Settled:
    await world.publish()
    settled = await world.settle(await world.claim_one(), status, **fields)  # type: ignore[arg-type]
    world.clock.advance(0.001)
    return settled


def _id(settled: Settled) -> str:
    assert settled.settlement.attempt is not None
    return settled.settlement.attempt.id


async def _since(
    world: World, known: frozenset[str] = frozenset(), limit: int = 100, since: int = 0
) -> list[Watched]:
    _, found = await world.store.settled_since("demo", [world.endpoint.id], since, known, limit)
    return found


@pytest.mark.parametrize(
    ("status", "retry_in"), [(SUCCEEDED, None), (DeliveryStatus.FAILED, None), (PENDING, 60.0)]
)
async def test_an_attempt_is_shown_as_it_was_settled(
    world: World, status: DeliveryStatus, retry_in: float | None
) -> None:
    """With what followed from it: a tail of the history shows what a tail of this process does."""
    await world.publish()
    one = (await world.settle(await world.claim_one(), status, retry_in)).settlement
    delivery = one.work.delivery
    assert one.attempt is not None
    assert await _since(world) == [
        Watched(slim(one.attempt), delivery.event, delivery.type, status, "because", one.due_at)
    ]


async def test_oldest_first(world: World) -> None:
    """As they happened."""
    ids = await _settle(world, 3)
    assert [one.attempt.id for one in await _since(world)] == ids


async def test_what_is_known_is_left_out(world: World) -> None:
    """It was shown."""
    ids = await _settle(world, 3)
    assert [one.attempt.id for one in await _since(world, frozenset(ids[1:2]))] == [ids[0], ids[2]]


async def test_the_newest_are_shown(world: World) -> None:
    """Where there are more than can be."""
    ids = await _settle(world, 3)
    assert [one.attempt.id for one in await _since(world, limit=2)] == ids[1:]


async def test_all_ids_are_told(world: World) -> None:
    """Also of those that are not shown: so they can be counted."""
    ids = await _settle(world, 3)
    told, _ = await world.store.settled_since("demo", [world.endpoint.id], 0, frozenset(), 1)
    assert told == set(ids)


async def test_what_was_before_is_left_out(world: World) -> None:
    """A time is given from which on it counts."""
    await _settle(world, 2)
    now = world.clock.now()
    ids = await _settle(world, 1)
    assert [one.attempt.id for one in await _since(world, since=now)] == ids


async def test_another_tenants_attempts_are_not_seen(world: World) -> None:
    """Every query is scoped."""
    await _settle(world, 1)
    assert await world.store.settled_since("other", [world.endpoint.id], 0, frozenset(), 9) == (set(), [])


async def test_what_an_earlier_version_has_settled_is_not_shown(world: World) -> None:
    """What followed is not on its record: while machines are upgraded one after the other."""
    settlement = (await _settle_one(world)).settlement
    assert settlement.attempt is not None
    id, _, delivery, endpoint, event, *rest = attempt_row(settlement, settlement.attempt)
    wire = msgspec.structs.replace(msgspec.json.decode(rest[5], type=Wire), after=None)
    text = msgspec.json.encode(wire).decode()
    assert watched_of((id, delivery, endpoint, *rest[:4], text, event, "order.created")) is None
