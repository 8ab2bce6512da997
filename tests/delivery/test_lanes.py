"""Lanes and turns: whose delivery is started next."""

import asyncio
from pathlib import Path

from hookferry.delivery.lanes import Kind, Lane, Trickle, Turns
from hookferry.model import Delivery, DeliveryStatus, Event, Lease, Work
from tests.support.engine import engine


def _work(name: str) -> Work:
    delivery = Delivery(name, "t", "evt", "ep", "a", DeliveryStatus.LEASED, 0, 0)
    return Work(delivery, Event("evt", "t", "a", b"{}", 0, 0), Lease(1))


def _fill(turns: Turns, tenant: str, endpoint: str, count: int, kind: Kind = Kind.FRESH) -> Lane:
    lane = Lane(tenant, endpoint)
    for number in range(count):
        turns.put(lane, kind, _work(f"{endpoint}{number}"))
    return lane


def _take(turns: Turns, count: int) -> list[str]:
    taken = [turns.take() for _ in range(count)]
    return [one[1].delivery.id for one in taken if one is not None]


def test_endpoints_of_a_tenant_take_turns() -> None:
    """Round robin: an endpoint with much work starts one at a time."""
    turns = Turns(lambda endpoint: 9)
    _fill(turns, "t", "a", 3)
    _fill(turns, "t", "b", 2)
    assert _take(turns, 5) == ["a0", "b0", "a1", "b1", "a2"]


def test_tenants_take_turns_before_endpoints() -> None:
    """A tenant with many endpoints gets no more than another with one."""
    turns = Turns(lambda endpoint: 9)
    for endpoint in "abc":
        _fill(turns, "many", endpoint, 1)
    _fill(turns, "one", "z", 2)
    assert _take(turns, 4) == ["a0", "z0", "b0", "z1"]


def test_fresh_and_claimed_work_take_turns() -> None:
    """A backlog does not hold up what was just published, nor the other way round."""
    turns = Turns(lambda endpoint: 9)
    _fill(turns, "t", "c", 3, Kind.CLAIMED)
    _fill(turns, "t", "f", 2)
    assert _take(turns, 5) == ["f0", "c0", "f1", "c1", "c2"]


def test_claimed_work_can_be_held_back() -> None:
    """Then only fresh work starts."""
    turns = Turns(lambda endpoint: 9)
    _fill(turns, "t", "c", 2, Kind.CLAIMED)
    _fill(turns, "t", "f", 2)
    taken = [turns.take(claimed=False) for _ in range(3)]
    assert [one and one[1].delivery.id for one in taken] == ["f0", "f1", None]


def test_claimed_work_is_slow_beside_fresh_work() -> None:
    """One in four milliseconds, and a few at once in the beginning."""
    trickle = Trickle()
    trickle.slow_down(10.0)
    assert 12 <= _let_through(trickle, range(10_000, 10_050)) <= 18


def test_each_fresh_delivery_lets_a_claimed_one_through_beside_it() -> None:
    """Under full load what was claimed has its half, so that a backlog is caught up with."""
    trickle = Trickle()
    started = 0
    for now in range(10_000, 10_050):
        for _ in range(4):
            trickle.slow_down(now / 1000)
            started += _let_through(trickle, range(now, now + 1), most=1)
    assert 200 <= started <= 230


def test_claimed_work_alone_is_not_slow() -> None:
    """A tenth of a second after the last fresh work."""
    trickle = Trickle()
    trickle.slow_down(10.0)
    assert _let_through(trickle, range(10_100, 10_101), most=1000) == 1000


def _let_through(trickle: Trickle, milliseconds: range, most: int = 100) -> int:
    """How many start: as many as may, up to `most` in each millisecond."""
    started = 0
    for now in milliseconds:
        for _ in range(most):
            if trickle.open(now / 1000):
                trickle.let_through(now / 1000)
                started += 1
    return started


def test_a_lane_at_its_cap_starts_nothing() -> None:
    """However much waits there."""
    turns = Turns(lambda endpoint: 2)
    _fill(turns, "t", "a", 5)
    assert _take(turns, 5) == ["a0", "a1"]


def test_the_cap_holds_over_both_kinds() -> None:
    """It is the endpoint's, not the kind's."""
    turns = Turns(lambda endpoint: 2)
    lane = _fill(turns, "t", "a", 2)
    for number in range(2):
        turns.put(lane, Kind.CLAIMED, _work(f"c{number}"))
    assert len(_take(turns, 4)) == 2


def test_a_lane_takes_part_again_when_a_request_has_ended() -> None:
    """And goes on where it stopped."""
    turns = Turns(lambda endpoint: 1)
    lane = _fill(turns, "t", "a", 2)
    turns.take()
    lane.in_flight -= 1
    turns.add(lane)
    assert _take(turns, 1) == ["a1"]


def test_a_full_lane_does_not_block_the_next() -> None:
    """Invariant 5: one endpoint never slows another."""
    turns = Turns(lambda endpoint: 1)
    _fill(turns, "t", "a", 3)
    _fill(turns, "t", "b", 1)
    assert _take(turns, 3) == ["a0", "b0"]


def test_a_lane_with_a_backlog_is_not_idle() -> None:
    """It must be remembered."""
    lane = Lane("t", "a")
    lane.backlog = 1
    assert not lane.idle


def test_the_fuller_it_is_the_less_a_lane_may_have() -> None:
    """Endpoints that hang, however many, leave room for those that answer."""
    turns = Turns(lambda endpoint: 8)
    _fill(turns, "t", "a", 8)
    taken = [turns.take(share=0.25) for _ in range(8)]
    assert sum(one is not None for one in taken) == 2


def test_a_lane_may_always_have_one_request() -> None:
    """Even when nothing is left of its cap."""
    turns = Turns(lambda endpoint: 8)
    _fill(turns, "t", "a", 1)
    assert turns.take(share=0) is not None


def test_a_removed_delivery_is_not_started() -> None:
    """It was cancelled while it waited."""
    turns = Turns(lambda endpoint: 8)
    _fill(turns, "t", "a", 1).remove("a0")
    assert turns.take() is None


def test_lanes_at_their_cap_are_not_ready() -> None:
    """What they hold keeps nobody else's work from being claimed."""
    turns = Turns(lambda endpoint: 1)
    _fill(turns, "t", "a", 100, Kind.CLAIMED)
    _fill(turns, "t", "b", 1, Kind.CLAIMED)
    turns.take()
    assert turns.claimed == 1


async def test_room_taken_while_a_claim_is_under_way_is_kept(tmp_path: Path) -> None:
    """A lane that was forgotten and made again since the claim began is another lane."""
    async with engine(tmp_path, lane_cap=1) as made:
        endpoint = await made.add_endpoint()
        made.dispatcher.reserve(endpoint.id, 1)
        made.start()
        await asyncio.sleep(0)
        made.dispatcher.release(endpoint.id, 1)
        made.dispatcher.reserve(endpoint.id, 1)
        for _ in range(3):
            await made.store.next_due(())
        made.dispatcher.release(endpoint.id, 1)
