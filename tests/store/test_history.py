"""The history: pages, filters, retention."""

import pytest

from hookferry.errors import NotFound
from hookferry.exchange import Attempt, Outcome
from hookferry.model import Delivery, DeliveryStatus
from hookferry.store.values import Page, Pruned, Slice
from tests.store.world import World

SUCCEEDED, FAILED, PENDING = DeliveryStatus.SUCCEEDED, DeliveryStatus.FAILED, DeliveryStatus.PENDING


async def _all(world: World, limit: int, **filters: object) -> list[Delivery]:
    found: list[Delivery] = []
    page: Page[Delivery] = Page([], "~")
    while page.next is not None:
        page = await world.store.deliveries("demo", Slice(limit, before=page.next), **filters)  # type: ignore[arg-type]
        found += page.data
    return found


async def _half_done(world: World, count: int) -> None:
    """`count` deliveries, of which every other one has succeeded."""
    for _ in range(count):
        world.clock.advance(0.001)
        await world.publish()
    for work in (await world.claim())[::2]:
        await world.settle(work, SUCCEEDED)


async def test_pages_give_each_delivery_once(world: World) -> None:
    """Waiting and final ones are merged, none skipped and none repeated."""
    await _half_done(world, 21)
    ids = [delivery.id for delivery in await _all(world, 4)]
    assert (len(ids), len(set(ids))) == (21, 21)


async def test_pages_come_newest_first(world: World) -> None:
    """Whatever their status."""
    await _half_done(world, 9)
    ids = [delivery.id for delivery in await _all(world, 4)]
    assert ids == sorted(ids, reverse=True)


async def test_a_delivery_that_moves_to_the_history_between_pages_is_seen_once(world: World) -> None:
    """Its id keeps its place."""
    for _ in range(4):
        await world.publish()
    first = await world.store.deliveries("demo", Slice(2))
    for work in await world.claim():
        await world.settle(work, SUCCEEDED)
    second = await world.store.deliveries("demo", Slice(2, before=first.next))
    assert len({delivery.id for delivery in first.data + second.data}) == 4


async def test_the_last_page_has_no_cursor(world: World) -> None:
    """A full last page too."""
    await _half_done(world, 4)
    assert (await world.store.deliveries("demo", Slice(4))).next is None


@pytest.mark.parametrize(("status", "count"), [(SUCCEEDED, 3), (DeliveryStatus.LEASED, 2), (FAILED, 0)])
async def test_deliveries_can_be_filtered_by_status(world: World, status: DeliveryStatus, count: int) -> None:
    """Each status is found where it is kept."""
    await _half_done(world, 5)
    assert len(await _all(world, 2, status=[status])) == count


async def test_failed_deliveries_are_found(world: World) -> None:
    """By an index of their own."""
    await world.publish()
    await world.settle(await world.claim_one(), FAILED)
    assert len(await _all(world, 2, status=[FAILED])) == 1


async def test_deliveries_can_be_filtered_by_endpoint(world: World) -> None:
    """Waiting and final ones."""
    other = await world.add_endpoint("demo")
    await _half_done(world, 4)
    await world.publish(other)
    assert [one.endpoint for one in await _all(world, 2, endpoint=other.id)] == [other.id]


async def test_deliveries_can_be_filtered_by_event(world: World) -> None:
    """One for each endpoint that the event went to."""
    other = await world.add_endpoint("demo")
    answer = await world.publish(world.endpoint, other)
    await world.publish()
    assert len(await _all(world, 1, event=answer.event)) == 2


async def test_deliveries_can_be_filtered_by_type(world: World) -> None:
    """Of the event."""
    await world.publish(event=world.event(type="a.b"))
    await world.publish(event=world.event(type="c.d"))
    assert [one.type for one in await _all(world, 5, type="c.d")] == ["c.d"]


async def test_deliveries_can_be_filtered_by_time(world: World) -> None:
    """Since is included, until is not."""
    times = []
    for _ in range(4):
        times.append(world.clock.now())
        await world.publish()
        world.clock.advance(1)
    page = await world.store.deliveries("demo", Slice(since=times[1], until=times[3]))
    assert [one.created_at for one in page.data] == [times[2], times[1]]


async def test_another_tenants_deliveries_are_not_seen(world: World) -> None:
    """Every query is scoped."""
    await world.publish()
    assert (await world.store.deliveries("other", Slice())).data == []


async def test_a_waiting_delivery_is_found_by_id(world: World) -> None:
    """In the queue."""
    await world.publish()
    (one,) = await _all(world, 1)
    assert (await world.store.delivery("demo", one.id)).status is PENDING


async def test_a_final_delivery_is_found_by_id(world: World) -> None:
    """In the history."""
    await world.publish()
    work = await world.claim_one()
    await world.settle(work, SUCCEEDED)
    assert (await world.store.delivery("demo", work.delivery.id)).status is SUCCEEDED


async def test_another_tenants_delivery_is_not_found(world: World) -> None:
    """404, not 403."""
    await world.publish()
    (one,) = await _all(world, 1)
    with pytest.raises(NotFound):
        await world.store.delivery("other", one.id)


async def test_an_event_is_read_as_it_was_published(world: World) -> None:
    """Byte for byte."""
    event = world.event(b'{"a" : 1.0}', key="k")
    await world.publish(event=event)
    assert await world.store.event("demo", event.id) == event


async def test_events_are_listed_without_their_payload(world: World) -> None:
    """A page of large payloads would be too much."""
    await world.publish()
    (event,) = (await world.store.events("demo", Slice())).data
    assert event.payload is None


async def test_events_can_be_found_by_their_idempotency_key(world: World) -> None:
    """To answer "did it reach you?"."""
    await world.publish(event=world.event(key="k1"))
    await world.publish(event=world.event(key="k2"))
    page = await world.store.events("demo", Slice(), idempotency_key="k2")
    assert [event.idempotency_key for event in page.data] == ["k2"]


async def test_events_can_be_filtered_by_type(world: World) -> None:
    """One type only."""
    await world.publish(event=world.event(type="a.b"))
    await world.publish(event=world.event(type="c.d"))
    assert [event.type for event in (await world.store.events("demo", Slice(), type="a.b")).data] == ["a.b"]


async def test_attempts_of_an_endpoint_come_newest_first(world: World) -> None:
    """What support reads first."""
    for _ in range(3):
        await world.publish()
        await world.settle(await world.claim_one(), SUCCEEDED)
        world.clock.advance(1)
    page = await world.store.attempts("demo", Slice(2), endpoint=world.endpoint.id)
    assert [one.started_at for one in page.data] == sorted(
        (one.started_at for one in page.data), reverse=True
    )


async def _attempt_pages(world: World, limit: int) -> list[list[Attempt]]:
    pages: list[list[Attempt]] = []
    page: Page[Attempt] = Page([], "~")
    while page.next is not None:
        page = await world.store.attempts("demo", Slice(limit, before=page.next), endpoint=world.endpoint.id)
        pages.append(page.data)
    return pages


async def _attempts(world: World, count: int, size: int = 256 * 1024) -> None:
    """`count` attempts that each sent `size` bytes."""
    for _ in range(count):
        world.clock.advance(0.001)
        await world.publish(event=world.event(b'"%b"' % (b"x" * (size - 2))))
        await world.settle(await world.claim_one(), SUCCEEDED)


async def test_a_page_of_attempts_ends_before_its_bodies_are_too_many(world: World) -> None:
    """The event loop has to encode it."""
    await _attempts(world, 20)
    pages = await _attempt_pages(world, 200)
    assert max(sum(len(one.request.body) for one in page if one.request) for page in pages) <= 1024 * 1024


async def test_pages_that_end_early_give_each_attempt_once(world: World) -> None:
    """Newest first, none skipped and none repeated."""
    await _attempts(world, 20)
    ids = [one.id for page in await _attempt_pages(world, 200) for one in page]
    assert (len(ids), ids) == (20, sorted(set(ids), reverse=True))


@pytest.mark.parametrize("limit", [1, 3, 4])
async def test_pages_of_attempts_end_at_their_limit(world: World, limit: int) -> None:
    """The last of them has no cursor, a full one too."""
    await _attempts(world, 4, size=10)
    pages = await _attempt_pages(world, limit)
    assert [len(page) for page in pages] == {1: [1] * 4, 3: [3, 1], 4: [4]}[limit]


async def test_attempts_can_be_filtered_by_outcome(world: World) -> None:
    """Those of another outcome are left out."""
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    page = await world.store.attempts(
        "demo", Slice(), endpoint=world.endpoint.id, outcome=Outcome.DNS_TIMEOUT
    )
    assert page.data == []


@pytest.mark.parametrize(("tenant", "most", "count"), [("demo", 9, 3), ("demo", 2, 2), ("other", 9, 0)])
async def test_attempts_are_counted(world: World, tenant: str, most: int, count: int) -> None:
    """Those of a tenant's endpoint, up to a limit."""
    for _ in range(3):
        await world.publish()
    for work in await world.claim():
        await world.settle(work, SUCCEEDED)
    assert await world.store.count_attempts(tenant, world.endpoint.id, most) == count


async def test_another_tenants_attempts_are_not_seen(world: World) -> None:
    """Every query is scoped."""
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    assert (await world.store.attempts("other", Slice(), endpoint=world.endpoint.id)).data == []


async def _prune(world: World, keep: float, keep_bodies: float, limit: int = 100) -> Pruned:
    """A whole pass; times in units of age."""
    now = world.clock.now()
    total, more = Pruned(), True
    while more:
        step, more = await world.store.prune(
            now - int(keep * world.age * 1000), now - int(keep_bodies * world.age * 1000), now, limit
        )
        total = total.plus(step)
    return total


async def test_prune_deletes_what_ended_before(world: World) -> None:
    """Events, deliveries and attempts."""
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    world.clock.advance(10 * world.age)
    assert await _prune(world, 5, 5) == Pruned(events=1, deliveries=1, attempts=1)


async def test_prune_keeps_what_is_younger(world: World) -> None:
    """Nothing goes before its time."""
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    world.clock.advance(10 * world.age)
    assert await _prune(world, 50, 50) == Pruned()


async def test_prune_keeps_the_event_of_a_waiting_delivery(world: World) -> None:
    """Whatever its age: it is still to be sent."""
    await world.publish()
    world.clock.advance(10 * world.age)
    await _prune(world, 5, 5)
    assert (await world.claim_one()).event.payload is not None


async def test_prune_goes_on_past_what_waits(world: World) -> None:
    """However much of it there is."""
    for _ in range(7):
        await world.publish()
        world.clock.advance(0.001)
    *_, work = await world.claim()
    await world.settle(work, SUCCEEDED)
    world.clock.advance(10 * world.age)
    assert (await _prune(world, 5, 5, limit=2)).events == 1


async def test_prune_comes_back_to_what_waited(world: World) -> None:
    """Once it has ended."""
    for _ in range(7):
        await world.publish()
    world.clock.advance(10 * world.age)
    await _prune(world, 5, 5, limit=2)
    for work in await world.claim():
        await world.settle(work, SUCCEEDED)
    assert (await _prune(world, 5, 5, limit=2)).events == 7


async def test_a_payload_that_was_needed_longer_goes_once_it_is_not(world: World) -> None:
    """Not only when the whole event goes."""
    event = world.event()
    await world.publish(event=event)
    world.clock.advance(10 * world.age)
    await _prune(world, 50, 5)
    await world.settle(await world.claim_one(), SUCCEEDED)
    await _prune(world, 50, 5)
    assert (await world.store.event("demo", event.id)).payload is None


async def test_prune_keeps_the_attempts_of_a_waiting_delivery(world: World) -> None:
    """What happened to it is asked for while it is retried."""
    await world.publish()
    work = await world.claim_one()
    await world.settle(work, PENDING, retry_in=60)
    world.clock.advance(10 * world.age)
    await _prune(world, 5, 5)
    assert len((await world.store.attempts("demo", Slice(), delivery=work.delivery.id)).data) == 1


async def test_rows_of_a_clock_that_was_ahead_keep_no_others(world: World) -> None:
    """The oldest rows of each table are dated in the future (FAULTS, 12)."""
    for hours in (1, -1):
        world.clock.advance(hours * 3600)
        await world.publish()
        await world.settle(await world.claim_one(), SUCCEEDED)
    for _ in range(5):
        await world.publish()
    for work in await world.claim():
        await world.settle(work, SUCCEEDED)
    world.clock.advance(10 * world.age)
    pruned = await _prune(world, 5, 5, limit=2)
    assert min(pruned.events, pruned.deliveries, pruned.attempts) >= 6


async def test_prune_takes_bodies_earlier(world: World) -> None:
    """Payloads and answers go, the rest stays."""
    event = world.event()
    await world.publish(event=event)
    await world.settle(await world.claim_one(), SUCCEEDED)
    world.clock.advance(10 * world.age)
    await _prune(world, 50, 5)
    assert (await world.store.event("demo", event.id)).payload is None


async def test_an_attempt_outlives_its_bodies(world: World) -> None:
    """What happened can be read longer than what was said."""
    await world.publish()
    work = await world.claim_one()
    await world.settle(work, SUCCEEDED)
    world.clock.advance(10 * world.age)
    await _prune(world, 50, 5)
    (attempt,) = (await world.store.attempts("demo", Slice(), delivery=work.delivery.id)).data
    assert attempt.request is not None
    assert attempt.request.body == b""


async def test_bodies_are_pruned_once(world: World) -> None:
    """A second run does not read them again."""
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    world.clock.advance(10 * world.age)
    await _prune(world, 50, 5)
    assert await _prune(world, 50, 5) == Pruned()


async def test_bodies_are_pruned_again_once_a_table_was_emptied(world: World) -> None:
    """Its rows count from 1 again, below where pruning had come to."""
    for _ in range(3):
        await world.publish()
        await world.settle(await world.claim_one(), SUCCEEDED)
    world.clock.advance(10 * world.age)
    for keep in (50, 5, 5):
        await _prune(world, keep, 5)
    await world.publish()
    await world.settle(await world.claim_one(), SUCCEEDED)
    world.clock.advance(10 * world.age)
    assert (await _prune(world, 50, 5)).bodies == 2
