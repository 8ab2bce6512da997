"""Endpoint health on every backend: written with the attempts that it follows from, and probes."""

from collections.abc import Sequence

import msgspec

from hookferry.exchange import Outcome, Result
from hookferry.health import Breaker, Health, Tally
from hookferry.model import DeliveryStatus, EndpointStatus, Work
from hookferry.policy import Policy
from hookferry.store import health as follows
from hookferry.store.base import Store
from hookferry.store.rows import health_of
from hookferry.store.shared import SharedStore
from hookferry.store.values import Ingest, News, Seen, Settlement
from tests.store.world import World

POLICY = Policy()
FAILED = Tally(failures=1)
OPENED = Tally(failures=10)


async def attempted(world: World, tally: Tally = FAILED, retry_in: float = 60) -> Work:
    """Publish, claim and settle one delivery, tried once with this result."""
    await world.publish()
    work = (await world.claim())[0]
    await settle(world, work, tally, retry_in)
    return work


async def settle(world: World, work: Work, tally: Tally, retry_in: float = 60) -> None:
    now = world.clock.now()
    status = DeliveryStatus.SUCCEEDED if tally.successes else DeliveryStatus.PENDING
    due = None if tally.successes else now + int(retry_in * 1000)
    attempt = world.attempt(work, 200 if tally.successes else 500)
    world.store.settle(Settlement(work, status, now, attempt, due, "because", Seen(tally, POLICY, 0.0)))
    await world.flush()


def health(world: World) -> Health | None:
    return world.store.directory.health.get(world.endpoint.id)


async def on_disk(world: World) -> dict[str, Health]:
    """What another process would read."""
    assert isinstance(world.store, SharedStore)
    return dict(map(health_of, await world.store._read(lambda db: db.rows("healths"))))


async def test_a_success_leaves_no_row(world: World) -> None:
    """No row means well."""
    await attempted(world, Tally(successes=1))
    assert await on_disk(world) == {}


async def test_a_failure_is_on_disk(world: World) -> None:
    """With the attempt it follows from."""
    await attempted(world)
    assert (await on_disk(world))[world.endpoint.id].consecutive == 1


async def test_memory_has_what_is_on_disk(world: World) -> None:
    """After each commit."""
    await attempted(world)
    await attempted(world)
    assert world.store.directory.health == await on_disk(world)


async def test_one_commits_attempts_are_added_up(world: World) -> None:
    """Ten failures in one commit open the breaker."""
    for _ in range(10):
        await world.publish()
    now = world.clock.now()
    for work in await world.claim():
        seen = Seen(FAILED, POLICY, 0.0)
        world.store.settle(
            Settlement(work, DeliveryStatus.PENDING, now, world.attempt(work, 500), now + 1, "", seen)
        )
    await world.flush()
    assert (await on_disk(world))[world.endpoint.id].breaker is Breaker.OPEN


async def test_a_stale_result_says_nothing(world: World) -> None:
    """A newer claim has come before it."""
    await world.publish()
    work = await world.claim_one()
    await world.lapse()
    await world.claim_one()
    await settle(world, work, FAILED)
    assert await on_disk(world) == {}


async def test_the_row_goes_when_all_is_over(world: World) -> None:
    """After a success, once nothing of what it knows matters any more."""
    await attempted(world)
    world.clock.advance(1200)
    await attempted(world, Tally(successes=1))
    assert (health(world), await on_disk(world)) == (None, {})


async def test_gone_disables(world: World) -> None:
    """In the same commit, with the reason."""
    await attempted(world, Tally(failures=1, gone=True))
    found = world.store.directory.endpoint("demo", world.endpoint.id)
    assert (found.status, found.disabled_reason) == (EndpointStatus.DISABLED, "because")


async def test_resuming_begins_anew(world: World) -> None:
    """With a ramp."""
    await attempted(world, OPENED)
    await world.set_status(EndpointStatus.PAUSED)
    await world.set_status(EndpointStatus.ACTIVE)
    assert (await on_disk(world))[world.endpoint.id].consecutive == 0


async def test_deleting_takes_the_row(world: World) -> None:
    """Nothing is kept of an endpoint that is gone."""
    await attempted(world)
    await world.set_status(EndpointStatus.DELETED)
    assert (health(world), await on_disk(world)) == (None, {})


async def test_deleting_a_tenant_takes_the_rows(world: World) -> None:
    """Of all of its endpoints."""
    await attempted(world)
    await world.store.delete_tenant("demo", world.clock.now())
    assert (world.store.directory.health, await on_disk(world)) == ({}, {})


async def test_a_result_after_the_deletion_makes_no_row(world: World) -> None:
    """Whatever comes late."""
    await world.publish()
    work = await world.claim_one()
    await world.set_status(EndpointStatus.DELETED)
    await settle(world, work, FAILED)
    assert await on_disk(world) == {}


async def probed(world: World) -> Work | None:
    return await world.store.claim_probe(world.endpoint.id, world.clock.now(), POLICY)


async def test_no_probe_before_its_time(world: World) -> None:
    """The breaker has just opened."""
    await attempted(world, OPENED, retry_in=0)
    assert await probed(world) is None


async def test_a_probe_is_leased(world: World) -> None:
    """Nobody else sends that delivery."""
    tried = await attempted(world, OPENED, retry_in=0)
    world.clock.advance(10)
    probe = await probed(world)
    assert probe is not None
    assert (probe.delivery.id, probe.lease.token, await world.claim()) == (
        tried.delivery.id,
        tried.lease.token + 2,
        [],
    )


async def test_a_probe_is_settled(world: World) -> None:
    """Its lease holds."""
    await attempted(world, OPENED, retry_in=0)
    world.clock.advance(10)
    probe = await probed(world)
    assert probe is not None
    await settle(world, probe, Tally(successes=1))
    assert world.settled[-1].stale is False


async def test_one_probe_at_a_time(world: World) -> None:
    """The second asks in vain."""
    await attempted(world, OPENED, retry_in=0)
    await world.publish()
    world.clock.advance(10)
    await probed(world)
    assert await probed(world) is None


async def test_a_probe_that_is_never_heard_of_is_given_up(world: World) -> None:
    """Its worker died."""
    await attempted(world, OPENED, retry_in=0)
    await world.publish()
    world.clock.advance(10)
    await probed(world)
    world.clock.advance(100)
    assert await probed(world) is not None


async def test_a_probe_is_what_was_tried_most(world: World) -> None:
    """Not what was due first."""
    first = await attempted(world, retry_in=0)
    (again,) = await world.claim()
    await settle(world, again, OPENED, retry_in=1)
    await world.publish()
    world.clock.advance(10)
    probe = await probed(world)
    assert probe is not None
    assert (probe.delivery.id, probe.delivery.attempts) == (first.delivery.id, 2)


async def test_a_first_attempt_is_a_probe_where_there_is_no_retry(world: World) -> None:
    """None that is due."""
    await attempted(world, OPENED, retry_in=3600)
    await world.publish()
    world.clock.advance(10)
    probe = await probed(world)
    assert probe is not None
    assert probe.delivery.attempts == 0


async def test_nothing_due_is_no_probe(world: World) -> None:
    """And changes nothing: the next one that asks is not kept waiting."""
    await attempted(world, OPENED, retry_in=3600)
    world.clock.advance(10)
    before = await on_disk(world)
    assert (await probed(world), await on_disk(world)) == (None, before)


async def test_who_has_something_due(world: World) -> None:
    """Of those that are asked for."""
    other = await world.add_endpoint("demo")
    await world.publish()
    found = await world.store.due_of([world.endpoint.id, other.id], world.clock.now())
    assert found == [world.endpoint.id]


async def test_events_are_stored_in_the_same_commit(world: World) -> None:
    """What `about` gives."""
    ops = await world.add_endpoint("demo")
    told = world.ingest_of(world.event(type="endpoint.disabled"), ops)

    def about(news: News, lost: Sequence[Settlement], now: int) -> list[Ingest]:
        return [told]

    world.store.about = about
    await attempted(world)
    assert (await world.claim_one()).event.type == "endpoint.disabled"


async def test_what_about_is_asked(world: World) -> None:
    """Deliveries that have failed for good, with the news."""
    asked: list[tuple[str, int]] = []

    def about(news: News, lost: Sequence[Settlement], now: int) -> list[Ingest]:
        asked.append((news.endpoint, len(lost)))
        return []

    world.store.about = about
    await world.publish()
    work = await world.claim_one()
    attempt = msgspec.structs.replace(world.attempt(work, 500), result=Result(Outcome.CONNECT_REFUSED, 0.1))
    seen = Seen(Tally(failures=1, exhausted=1), POLICY, 0.0)
    now = world.clock.now()
    world.store.settle(Settlement(work, DeliveryStatus.FAILED, now, attempt, None, "no", seen))
    await world.flush()
    assert asked == [(world.endpoint.id, 1)]


async def test_a_commit_of_successes_asks_nothing(store: Store, world: World) -> None:
    """The hot path: endpoints that are well cost no statement."""

    class Silent:
        def __getattr__(self, name: str) -> object:
            raise AssertionError("the database was asked")

    await world.publish()
    work = await world.claim_one()
    settlement = Settlement(
        work,
        DeliveryStatus.SUCCEEDED,
        world.clock.now(),
        world.attempt(work),
        seen=Seen(Tally(successes=1), POLICY, 0.0),
    )
    watch = follows.Watch(store.directory, store.about, world.clock.now)
    assert await follows.follow(Silent(), [settlement], watch) == ({}, [])  # type: ignore[arg-type]
