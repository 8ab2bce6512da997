"""The queue: ingest, claim, settle, rescue, reconcile, retry, cancel."""

import asyncio
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from hookferry.errors import Conflict, NotFound
from hookferry.model import DeliveryStatus, EndpointStatus
from hookferry.store.base import Store
from hookferry.store.values import Backlog, Slice
from tests.store.world import World, sqlite_store
from tests.support.clock import ManualClock

SUCCEEDED, FAILED = DeliveryStatus.SUCCEEDED, DeliveryStatus.FAILED
PENDING, LEASED, HELD = DeliveryStatus.PENDING, DeliveryStatus.LEASED, DeliveryStatus.HELD
CANCELLED = DeliveryStatus.CANCELLED


async def test_a_published_event_can_be_claimed_with_its_payload(world: World) -> None:
    """What was stored pending comes back as work, byte for byte."""
    await world.publish(event=world.event(b'{"price": 1.0}'))
    assert (await world.claim_one()).event.payload == b'{"price": 1.0}'


async def test_a_claimed_delivery_is_not_claimed_again(world: World) -> None:
    """A lease keeps others away."""
    await world.publish()
    await world.claim()
    assert await world.claim() == []


async def test_a_delivery_born_leased_is_not_claimed(world: World) -> None:
    """What is handed over in memory is never read again."""
    await world.publish(status=LEASED)
    assert await world.claim() == []


async def test_a_delivery_is_not_claimed_before_its_due_time(world: World) -> None:
    """A retry waits for its time."""
    await world.publish()
    await world.settle(await world.claim_one(), PENDING, retry_in=60)
    world.clock.advance(59)
    assert await world.claim() == []


async def test_a_delivery_is_claimed_at_its_due_time(world: World) -> None:
    """A retry comes when its time has come."""
    await world.publish()
    await world.settle(await world.claim_one(), PENDING, retry_in=60)
    world.clock.advance(60)
    assert (await world.claim_one()).delivery.attempts == 1


async def test_next_due_is_the_earliest_of_all_endpoints(world: World) -> None:
    """The dispatcher may sleep until then."""
    await world.publish()
    first = world.clock.now()
    world.clock.advance(5)
    await world.publish(await world.add_endpoint("demo"))
    assert await world.store.next_due(()) == first


async def test_next_due_leaves_out_what_is_skipped(world: World) -> None:
    """A full lane's deliveries wake nobody."""
    await world.publish()
    assert await world.store.next_due((world.endpoint.id,)) is None


async def test_a_claim_takes_a_few_of_each_endpoint(world: World) -> None:
    """An endpoint with a backlog cannot fill a claim (DESIGN, rule 8)."""
    other = await world.add_endpoint("demo")
    for _ in range(10):
        await world.publish()
    await world.publish(other)
    assert [work.delivery.endpoint for work in await world.claim(per_endpoint=2)] == [
        world.endpoint.id,
        world.endpoint.id,
        other.id,
    ]


async def test_a_claim_goes_on_after_the_endpoint_where_the_last_one_stopped(world: World) -> None:
    """Round robin over endpoints, over several claims."""
    endpoints = [world.endpoint, *[await world.add_endpoint("demo") for _ in range(2)]]
    for _ in range(2):
        await world.publish(*endpoints)
    claimed = [(await world.claim(limit=1, per_endpoint=1))[0].delivery.endpoint for _ in range(6)]
    assert claimed == [endpoint.id for endpoint in endpoints] * 2


@pytest.mark.parametrize(("limit", "claimed"), [(0.001, 1), (2.5, 3), (1000, 5), (None, 5)])
async def test_a_claim_takes_a_seconds_worth_of_an_endpoint(
    world: World, limit: float | None, claimed: int
) -> None:
    """What its rate lets wait stays in the database, and fills no memory."""
    await world.set_rate(limit)
    for _ in range(10):
        await world.publish()
    assert len(await world.claim(limit=5)) == claimed


async def test_each_endpoint_has_its_own_rate(world: World) -> None:
    """Of several in one claim."""
    rates: dict[str, float] = {world.endpoint.id: 2}
    await world.set_rate(2)
    for rate in (None, 1, 3, None):
        world.endpoint = await world.add_endpoint("demo")
        rates[world.endpoint.id] = rate or 4
        await world.set_rate(rate)
    for _ in range(5):
        await world.publish(*world.store.directory.endpoints("demo"))
    claimed = Counter(work.delivery.endpoint for work in await world.claim(per_endpoint=4))
    assert claimed == rates


async def test_a_claim_leaves_out_what_is_skipped(world: World) -> None:
    """A full lane gets nothing more."""
    await world.publish()
    assert await world.claim(skip=(world.endpoint.id,)) == []


async def test_an_ingest_of_several_events_stores_all(world: World) -> None:
    """A batch is one commit."""
    await world.store.ingest([world.ingest_of(world.event()) for _ in range(700)])
    assert (await world.store.backlog()).pending == 700


async def test_the_same_idempotency_key_gives_the_first_answer(world: World) -> None:
    """One event, however often it is published."""
    first = await world.publish_keyed("k1", b"a")
    assert (await world.publish_keyed("k1", b"a")).event == first.event


async def test_a_repeated_idempotency_key_stores_nothing(world: World) -> None:
    """The repeat leaves no second delivery."""
    await world.publish_keyed("k1", b"a")
    await world.publish_keyed("k1", b"a")
    assert (await world.store.backlog()).pending == 1


async def test_the_same_idempotency_key_with_another_body_is_a_conflict(world: World) -> None:
    """FAULTS, 15."""
    await world.publish_keyed("k1", b"a")
    with pytest.raises(Conflict):
        await world.publish_keyed("k1", b"b")


async def test_fifty_identical_publishes_at_once_are_one_event(world: World) -> None:
    """FAULTS, 14."""
    answers = await asyncio.gather(*[world.publish_keyed("k1", b"a") for _ in range(50)])
    assert len({answer.event for answer in answers}) == 1


async def test_an_idempotency_key_is_forgotten_after_a_day(world: World) -> None:
    """Keys live for 24 hours (DESIGN, rule 1)."""
    first = await world.publish_keyed("k1", b"a")
    world.clock.advance(24 * 3600 + 1)
    assert (await world.publish_keyed("k1", b"b")).event != first.event


async def test_a_conflict_leaves_its_neighbours_alone(world: World) -> None:
    """A bad member of a group commit never fails the others (DESIGN, rule 7)."""
    await world.publish_keyed("k1", b"a")
    results = await asyncio.gather(
        world.publish(), world.publish_keyed("k1", b"b"), world.publish(), return_exceptions=True
    )
    assert [isinstance(result, Conflict) for result in results] == [False, True, False]


async def test_a_member_that_the_schema_refuses_leaves_its_neighbours_alone(world: World) -> None:
    """The same when the database itself refuses a row: the batch is split and tried again."""
    twice = world.event()
    await world.publish(event=twice)
    results = await asyncio.gather(
        world.publish(), world.publish(event=twice), world.publish(), return_exceptions=True
    )
    assert [isinstance(result, Exception) for result in results] == [False, True, False]


async def test_a_success_leaves_the_queue(world: World) -> None:
    """The queue holds only what is not final (DESIGN, rule 1)."""
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    assert await world.store.backlog() == Backlog(0, 0, 0, None)


async def test_a_success_is_in_the_history(world: World) -> None:
    """What left the queue is final and readable."""
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    assert await world.statuses() == ["succeeded"]


async def test_a_settlement_stores_its_attempt_as_it_was(world: World) -> None:
    """What was sent is what is on record (invariant 9)."""
    await world.publish()
    work = await world.claim_one()
    settled = await world.settle(work, SUCCEEDED, body=b'{"type":"x","data":{"n":1}}')
    page = await world.store.attempts("demo", Slice(), delivery=work.delivery.id)
    assert page.data == [settled.settlement.attempt]


async def test_a_body_without_the_payload_is_stored_whole(world: World) -> None:
    """A contract may render the payload in another form."""
    await world.publish()
    work = await world.claim_one()
    await world.settle(work, SUCCEEDED, body=b"n=1")
    page = await world.store.attempts("demo", Slice(), delivery=work.delivery.id)
    assert page.data[0].request is not None
    assert page.data[0].request.body == b"n=1"


async def test_giving_back_costs_no_attempt(world: World) -> None:
    """A fault of ours is not the receiver's (FAULTS, the promise)."""
    await world.publish()
    await world.settle(await world.claim_one(), PENDING, retry_in=0, spend=False)
    assert (await world.claim_one()).delivery.attempts == 0


async def test_a_result_is_refused_once_a_newer_claim_has_been_made(world: World) -> None:
    """Fencing: the sleeper's late write is stale (DESIGN, rule 4; FAULTS, 6)."""
    await world.publish()
    sleeper = await world.claim_one()
    await world.lapse()
    await world.claim_one()
    assert (await world.settle(sleeper, SUCCEEDED)).stale


async def test_a_stale_result_changes_nothing(world: World) -> None:
    """The newer claim's delivery stays as it is."""
    await world.publish()
    sleeper = await world.claim_one()
    await world.lapse()
    await world.claim_one()
    await world.settle(sleeper, SUCCEEDED)
    assert await world.statuses() == ["leased"]


async def test_a_late_result_counts_if_nobody_claimed_since(world: World) -> None:
    """Expiry alone refuses nothing (DESIGN, rule 4; FAULTS, 6)."""
    await world.publish()
    sleeper = await world.claim_one()
    await world.lapse()
    await world.settle(sleeper, SUCCEEDED)
    assert await world.statuses() == ["succeeded"]


async def test_a_worker_with_a_heartbeat_keeps_its_leases(world: World) -> None:
    """Nobody takes over what a living worker has."""
    await world.publish()
    await world.claim_one()
    await world.store.heartbeat(world.clock.now(), world.clock.now() + 30_000)
    world.clock.advance(29)
    assert await world.store.rescue(world.clock.now()) == 0


async def test_a_worker_whose_heartbeat_lapsed_loses_its_leases(world: World) -> None:
    """A worker's death frees all of its deliveries at once (DESIGN, rule 3)."""
    await world.publish()
    await world.claim_one()
    await world.store.heartbeat(world.clock.now(), world.clock.now() + 30_000)
    world.clock.advance(30)
    world.store.worker = "wrk_other"
    assert await world.store.rescue(world.clock.now()) == 1


async def test_a_worker_does_not_rescue_itself(world: World) -> None:
    """Whoever can ask is alive, however late its heartbeat was."""
    await world.publish()
    await world.claim_one()
    await world.store.heartbeat(world.clock.now(), world.clock.now())
    assert await world.store.rescue(world.clock.now()) == 0


async def test_a_new_process_takes_over_what_the_old_one_had_leased(tmp_path: Path) -> None:
    """SQLite's one owner frees every earlier lease when it starts (DESIGN, rule 3)."""
    clock = ManualClock()
    first = sqlite_store(tmp_path / "a.db", clock)
    await first.open()
    world = World(first, clock)
    await world.add_tenant("demo")
    world.endpoint = await world.add_endpoint("demo")
    await world.publish(status=LEASED)
    await first.close()
    second = sqlite_store(tmp_path / "a.db", clock)
    await second.open()
    works = await second.claim(clock.now(), 10, 10, ())
    await second.close()
    assert len(works) == 1


async def test_a_paused_endpoints_deliveries_are_held(world: World) -> None:
    """Paused means not receiving."""
    await world.publish()
    await world.set_status(EndpointStatus.PAUSED)
    assert await world.statuses() == ["held"]


async def test_held_deliveries_have_no_due_time(world: World) -> None:
    """They wake nobody."""
    await world.publish()
    await world.set_status(EndpointStatus.PAUSED)
    assert await world.store.next_due(()) is None


async def test_a_resumed_endpoints_deliveries_are_due(world: World) -> None:
    """Resume brings back what was held."""
    await world.publish(status=HELD)
    await world.set_status(EndpointStatus.PAUSED)
    await world.set_status(EndpointStatus.ACTIVE)
    assert len(await world.claim()) == 1


async def test_a_deleted_endpoints_deliveries_are_cancelled(world: World) -> None:
    """Visibly: they stay in the history."""
    for _ in range(25):
        await world.publish()
    await world.set_status(EndpointStatus.DELETED)
    assert await world.statuses() == ["cancelled"] * 25


async def test_a_deleted_endpoints_held_deliveries_are_cancelled(world: World) -> None:
    """Those that were paused too."""
    await world.publish()
    await world.set_status(EndpointStatus.PAUSED)
    await world.set_status(EndpointStatus.DELETED)
    assert await world.statuses() == ["cancelled"]


async def test_what_waits_is_counted_up_to_a_limit(world: World) -> None:
    """Whether pending, in flight or held, and of this tenant alone."""
    await world.add_tenant("other")
    other = await world.add_endpoint("other")
    for _ in range(5):
        await world.publish(world.endpoint)
    await world.claim(2)
    store = world.store
    assert (await store.waiting("demo", 10), await store.waiting("demo", 3)) == (5, 3)
    assert await store.waiting(other.tenant, 10) == 0


async def test_a_deleted_tenants_deliveries_are_cancelled(world: World) -> None:
    """Deleting a tenant ends its work."""
    await world.publish()
    await world.store.delete_tenant("demo", world.clock.now())
    await world.store.reconcile(None, world.clock.now(), 10)
    assert await world.statuses() == ["cancelled"]


@pytest.mark.parametrize(
    ("status", "count"),
    [(EndpointStatus.DELETED, 25), (EndpointStatus.DISABLED, 25), (EndpointStatus.PAUSED, 0)],
)
async def test_what_is_cancelled_where_it_waits_is_told(
    world: World, status: EndpointStatus, count: int
) -> None:
    """A pause cancels nothing."""
    told: list[int] = []
    world.store.cancellations = told.append
    for _ in range(25):
        await world.publish()
    await world.set_status(status)
    assert sum(told) == count


async def test_a_disabling_settlement_disables_the_endpoint(world: World) -> None:
    """In the same commit (FAULTS, 22)."""
    await world.publish()
    await world.settle(await world.claim_one(), FAILED, disable=True)
    assert world.store.directory.endpoint("demo", world.endpoint.id).status is EndpointStatus.DISABLED


async def test_a_retry_of_a_final_delivery_is_a_new_one(world: World) -> None:
    """A final delivery never changes."""
    await world.publish()
    work = await world.claim_one()
    await world.settle(work, FAILED)
    new = await world.store.retry("demo", work.delivery.id, "dlv_new", world.clock.now())
    assert new.retry_of == work.delivery.id


async def test_a_retried_delivery_is_claimed(world: World) -> None:
    """It goes out again."""
    await world.publish()
    work = await world.claim_one()
    await world.settle(work, FAILED)
    await world.store.retry("demo", work.delivery.id, "dlv_new", world.clock.now())
    assert (await world.claim_one()).delivery.id == "dlv_new"


async def test_a_retry_of_a_pending_delivery_makes_it_due_now(world: World) -> None:
    """Nobody has to wait for the schedule."""
    await world.publish()
    work = await world.claim_one()
    await world.settle(work, PENDING, retry_in=3600)
    await world.store.retry("demo", work.delivery.id, "dlv_new", world.clock.now())
    assert (await world.claim_one()).delivery.id == work.delivery.id


async def test_a_retry_of_a_delivery_in_flight_is_a_conflict(world: World) -> None:
    """It is on its way already."""
    await world.publish()
    work = await world.claim_one()
    with pytest.raises(Conflict):
        await world.store.retry("demo", work.delivery.id, "dlv_new", world.clock.now())


async def test_a_retry_in_another_tenant_finds_nothing(world: World) -> None:
    """Every query is scoped."""
    await world.publish()
    work = await world.claim_one()
    with pytest.raises(NotFound):
        await world.store.retry("other", work.delivery.id, "dlv_new", world.clock.now())


async def test_a_cancelled_delivery_is_final(world: World) -> None:
    """Cancelling ends it."""
    await world.publish()
    (delivery,) = (await world.store.deliveries("demo", Slice())).data
    await world.store.cancel("demo", delivery.id, world.clock.now())
    assert await world.statuses() == ["cancelled"]


async def test_a_final_delivery_cannot_be_cancelled(world: World) -> None:
    """It is over."""
    await world.publish()
    work = await world.claim_one()
    await world.settle(work, SUCCEEDED)
    with pytest.raises(Conflict):
        await world.store.cancel("demo", work.delivery.id, world.clock.now())


async def test_the_backlog_counts_each_status(world: World) -> None:
    """What the metrics show."""
    await world.publish()
    await world.publish(status=LEASED)
    await world.publish(status=HELD)
    assert msgspec.structs.astuple(await world.store.backlog())[:3] == (1, 1, 1)


async def test_settlements_count_as_unsettled_until_their_commit(store: Store, world: World) -> None:
    """So that a worker can stop sending when too many wait (DESIGN, rule 4)."""
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    assert store.unsettled == 0
