"""Replays: what is sent again, how fast, and what a step leaves behind."""

import asyncio
from dataclasses import dataclass

import msgspec
import pytest

from hookferry.errors import Conflict, HookferryError, NotFound
from hookferry.model import (
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointStatus,
    Event,
    Job,
    JobStatus,
    Replayed,
)
from hookferry.store.replays import first_cursor
from hookferry.store.values import Ingest, Slice, Step
from tests.store.world import World

FAILED, SUCCEEDED = DeliveryStatus.FAILED, DeliveryStatus.SUCCEEDED
PAYLOAD = b'{"n":1}'


@dataclass
class Replay:
    """A world with a job for its endpoint."""

    world: World
    job: Job

    async def step(self, most: int = 500) -> Step:
        world = self.world
        ids = [world.ids.new("dlv") for _ in range(most)]
        return await world.store.advance("demo", self.job.id, ids, world.clock.now())

    async def now(self) -> Job:
        return await self.world.store.job("demo", self.job.id)

    async def made(self) -> list[Delivery]:
        """The deliveries that it made, in the order of their due times."""
        page = await self.world.store.deliveries("demo", Slice(limit=1_000))
        mine = [one for one in page.data if one.created_at >= self.job.created_at]
        return sorted(mine, key=lambda one: (one.due_at or 0, one.id))


async def start(world: World, which: Replayed = Replayed.FAILED, **given: object) -> Replay:
    """A job over all that happened before; the clock moves on by a second first."""
    world.clock.advance(1)
    now = world.clock.now()
    job = Job(
        id=world.ids.new("job"),
        tenant="demo",
        endpoint=world.endpoint.id,
        which=which,
        since=0,
        until=now,
        event_types=(),
        scope={},
        rate=50.0,
        total=0,
        created_at=now,
        cursor=first_cursor(which, 0),
        next_at=now,
    )
    job = msgspec.structs.replace(job, **given)
    await world.store.add_job(job)
    return Replay(world, job)


async def published(world: World, status: DeliveryStatus, type: str = "order.created") -> Event:
    """An event whose delivery has ended so."""
    event = world.event(type=type)
    await world.publish(event=event)
    await world.settle(await world.claim_one(), status)
    return event


async def some_failed(world: World, count: int) -> None:
    events = [world.ingest_of(world.event()) for _ in range(count)]
    await world.store.ingest(events)
    for work in await world.claim(limit=count, per_endpoint=count):
        await world.settle(work, FAILED)


async def without_delivery(
    world: World, type: str = "order.created", count: int = 1, **more: object
) -> Event:
    """Events that nobody was there for; the last one."""
    events = [msgspec.structs.replace(world.event(type=type), **more) for _ in range(count)]
    await world.store.ingest([Ingest(event, ()) for event in events])
    return events[-1]


# What is sent again


async def test_what_failed_is_sent_again(world: World) -> None:
    """A new delivery of the same event, which names the old one."""
    event = await published(world, FAILED)
    (old,) = (await world.store.deliveries("demo", Slice())).data
    replay = await start(world)
    await replay.step()
    (new,) = await replay.made()
    assert (new.event, new.retry_of, new.status, new.attempts) == (
        event.id,
        old.id,
        DeliveryStatus.PENDING,
        0,
    )


@pytest.mark.parametrize(
    ("which", "count"),
    [(Replayed.FAILED, 1), (Replayed.SUCCEEDED, 1), (Replayed.CANCELLED, 1), (Replayed.ANY, 3)],
)
async def test_statuses(world: World, which: Replayed, count: int) -> None:
    """What ended otherwise is left alone; `any` takes all that ended."""
    await published(world, FAILED)
    await published(world, SUCCEEDED)
    await published(world, DeliveryStatus.CANCELLED)
    replay = await start(world, which)
    assert (await replay.step()).made == count


async def test_an_event_is_sent_once(world: World) -> None:
    """Of an event that failed twice the last delivery counts."""
    await published(world, FAILED)
    (old,) = (await world.store.deliveries("demo", Slice())).data
    await world.store.retry("demo", old.id, again := world.ids.new("dlv"), world.clock.now())
    await world.settle(await world.claim_one(), FAILED)
    replay = await start(world)
    await replay.step()
    assert [one.retry_of for one in await replay.made()] == [again]


async def test_what_succeeded_since_is_not_sent(world: World) -> None:
    """An event that failed and was then delivered is left alone."""
    await published(world, FAILED)
    (old,) = (await world.store.deliveries("demo", Slice())).data
    await world.store.retry("demo", old.id, world.ids.new("dlv"), world.clock.now())
    await world.settle(await world.claim_one(), SUCCEEDED)
    replay = await start(world)
    assert (await replay.step()).made == 0


async def test_what_waits_is_not_sent(world: World) -> None:
    """An event that failed and waits to be sent again goes out once."""
    await published(world, FAILED)
    (old,) = (await world.store.deliveries("demo", Slice())).data
    await world.store.retry("demo", old.id, world.ids.new("dlv"), world.clock.now())
    replay = await start(world)
    assert (await replay.step()).made == 0


async def test_another_endpoints_are_not_sent(world: World) -> None:
    """What failed elsewhere is no concern of this endpoint."""
    other = await world.add_endpoint("demo")
    await world.publish(other)
    await world.settle(await world.claim_one(), FAILED)
    replay = await start(world)
    assert (await replay.step()).made == 0


async def test_missed(world: World) -> None:
    """An event without a delivery to the endpoint is sent, and one that has one is not."""
    missed = await without_delivery(world)
    await published(world, FAILED)
    await world.publish()
    replay = await start(world, Replayed.MISSED)
    await replay.step()
    assert [(one.event, one.retry_of) for one in await replay.made()] == [(missed.id, None)]


async def test_missed_in_scope(world: World) -> None:
    """The endpoint's scope says what it has missed."""
    await without_delivery(world)
    await without_delivery(world, scope={"dc": ("2",)})
    missed = await without_delivery(world, scope={"dc": ("1", "3")})
    replay = await start(world, Replayed.MISSED, scope={"dc": ("1",)})
    await replay.step()
    assert [one.event for one in await replay.made()] == [missed.id]


async def test_types(world: World) -> None:
    """Only events of the types asked for."""
    await published(world, FAILED, "a")
    event = await published(world, FAILED, "b")
    replay = await start(world, event_types=("b", "c"))
    await replay.step()
    assert [one.event for one in await replay.made()] == [event.id]


async def test_missed_types(world: World) -> None:
    """Only events of the types asked for, without those that are left out."""
    for type in ("a", "b", "c"):
        await without_delivery(world, type)
    replay = await start(world, Replayed.MISSED, event_types=("a", "b"), but=("b",))
    await replay.step()
    assert [one.type for one in await replay.made()] == ["a"]


@pytest.mark.parametrize("which", [Replayed.FAILED, Replayed.MISSED])
async def test_range(world: World, which: Replayed) -> None:
    """From `since` on, and before `until`."""
    times = []
    for _ in range(3):
        world.clock.advance(10)
        times.append(world.clock.now())
        await (published(world, FAILED) if which is Replayed.FAILED else without_delivery(world))
    replay = await start(world, which, until=times[2], cursor=first_cursor(which, times[1]))
    assert (await replay.step()).made == 1


async def test_what_has_no_payload_is_skipped(world: World) -> None:
    """It is counted, and the rest is sent."""
    await published(world, FAILED)
    await without_delivery(world)
    gone = await without_delivery(world, payload=None)
    replay = await start(world, Replayed.MISSED)
    await replay.step()
    job = await replay.now()
    assert (job.done, job.skipped, gone.id in [one.event for one in await replay.made()]) == (1, 1, False)


async def test_it_goes_on_past_what_it_does_not_send(world: World) -> None:
    """A step looks at so many rows; where it found nothing, another one may follow at once."""
    await without_delivery(world, "a", 700)
    await without_delivery(world, "b")
    replay = await start(world, Replayed.MISSED, event_types=("b",))
    assert [await replay.step(), await replay.step()] == [Step(0, more=True), Step(1, more=True)]


async def test_count(world: World) -> None:
    """What there is to send is counted before, in parts, and nothing is written."""
    await some_failed(world, 5)
    replay = await start(world)
    first, last = await world.store.count_replay(replay.job, 3)
    assert last is not None
    rest = await world.store.count_replay(msgspec.structs.replace(replay.job, cursor=last), 3)
    assert (first, rest[0], await replay.made()) == (3, 2, [])


async def test_the_end_of_the_count(world: World) -> None:
    """There is nothing after the last row."""
    replay = await start(world)
    assert await world.store.count_replay(replay.job, 3) == (0, None)


# How fast


async def test_rate(world: World) -> None:
    """Deliveries are due one after the other, some together, and not faster than the rate."""
    await some_failed(world, 40)
    replay = await start(world, rate=10.0)
    for _ in range(5):
        await replay.step()
        world.clock.advance(1)
    begin = replay.job.created_at
    dues = [(one.due_at or 0) - begin for one in await replay.made()]
    assert all(due >= number * 100 for number, due in enumerate(dues))


async def test_no_more_than_a_little_ahead(world: World) -> None:
    """A step that comes too early makes nothing."""
    await some_failed(world, 40)
    replay = await start(world, rate=10.0)
    assert [(await replay.step()).made, (await replay.step()).made] == [21, 0]


async def test_what_was_late_is_not_made_up_for(world: World) -> None:
    """After a pause it goes on at its rate, and no faster."""
    await some_failed(world, 60)
    replay = await start(world, rate=10.0)
    await replay.step(5)
    world.clock.advance(60)
    assert (await replay.step()).made == 21


async def test_fresh_ones_go_first(world: World) -> None:
    """What is published meanwhile is claimed before what the replay has made ahead of time."""
    await some_failed(world, 50)
    replay = await start(world, rate=10.0)
    await replay.step()
    world.clock.advance(0.5)
    fresh = world.event()
    await world.publish(event=fresh)
    claimed = [work.delivery.event for work in await world.claim()]
    assert (fresh.id in claimed, len(claimed) <= 7) == (True, True)


async def test_untried_ones_hold_it_up(world: World) -> None:
    """While many of its deliveries wait for their first attempt, it makes no more: five seconds' worth."""
    await some_failed(world, 80)
    replay = await start(world, rate=10.0)
    for _ in range(20):
        await replay.step()
        world.clock.advance(1)
    assert len(await replay.made()) == 50


async def test_retries_do_not_hold_it_up(world: World) -> None:
    """What was tried and failed waits for its retry, and the replay goes on."""
    await some_failed(world, 30)
    replay = await start(world, rate=5.0)
    for _ in range(20):
        await replay.step()
        world.clock.advance(1)
        for work in await world.claim():
            await world.settle(work, DeliveryStatus.PENDING, retry_in=3600)
    assert len(await replay.made()) == 30


# What a step leaves behind


async def test_a_step_is_one_commit(world: World) -> None:
    """What it made and how far it has come are there together, or not at all: nothing is sent twice."""
    await some_failed(world, 3)
    (taken, *_) = (await world.store.deliveries("demo", Slice())).data
    await world.publish()
    (waiting,) = (await world.store.deliveries("demo", Slice(), [DeliveryStatus.PENDING])).data
    replay = await start(world)
    ids = [world.ids.new("dlv"), waiting.id, world.ids.new("dlv")]
    with pytest.raises(HookferryError):
        await world.store.advance("demo", replay.job.id, ids, world.clock.now())
    await replay.step()
    retried = [one.retry_of for one in await replay.made()]
    assert (len(retried), len(set(retried)), taken.id in retried) == (3, 3, True)


async def test_steps_go_on_from_each_other(world: World) -> None:
    """Each step begins where the last one ended."""
    await some_failed(world, 7)
    replay = await start(world)
    while (await replay.step(3)).made:
        pass
    retried = [one.retry_of for one in await replay.made()]
    assert (len(retried), len(set(retried))) == (7, 7)


async def test_two_who_step_at_once(world: World) -> None:
    """However many work at a job, each delivery is made once."""
    await some_failed(world, 20)
    replay = await start(world)
    await asyncio.gather(*[replay.step(5) for _ in range(8)])
    retried = [one.retry_of for one in await replay.made()]
    assert (len(retried) > 0, len(set(retried))) == (True, len(retried))


async def test_it_is_done_once_all_were_tried(world: World) -> None:
    """A job ends with the first attempt of its last delivery, whatever came of it."""
    await some_failed(world, 2)
    replay = await start(world)
    seen = []
    await replay.step()
    for work in await world.claim_later(1):
        await replay.step()
        seen.append((await replay.now()).status)
        await world.settle(work, DeliveryStatus.PENDING, retry_in=60)
    await replay.step()
    assert [*seen, (await replay.now()).status] == [JobStatus.RUNNING, JobStatus.RUNNING, JobStatus.DONE]


async def test_an_empty_one_is_done(world: World) -> None:
    """With nothing to send a job ends with its first step."""
    replay = await start(world)
    await replay.step()
    assert (await replay.now()).status is JobStatus.DONE


async def test_what_has_ended_has_no_step(world: World) -> None:
    """A job that is done makes nothing more."""
    replay = await start(world)
    await replay.step()
    assert await replay.step() == Step(0, more=False)


async def test_paused(world: World) -> None:
    """Deliveries for a paused endpoint are held."""
    await published(world, FAILED)
    await world.set_status(EndpointStatus.PAUSED)
    replay = await start(world)
    await replay.step()
    assert [one.status for one in await replay.made()] == [DeliveryStatus.HELD]


@pytest.mark.parametrize("status", [EndpointStatus.DISABLED, EndpointStatus.DELETED])
async def test_without_endpoint(world: World, status: EndpointStatus) -> None:
    """A job fails once its endpoint is disabled or deleted, and says so."""
    await published(world, FAILED)
    replay = await start(world)
    await world.set_status(status)
    await replay.step()
    job = await replay.now()
    assert (job.status, job.reason, job.done) == (JobStatus.FAILED, f"endpoint_{status}", 0)


async def test_a_tenant_goes_with_its_jobs(world: World) -> None:
    """The jobs of a deleted tenant are gone."""
    replay = await start(world)
    await world.store.delete_tenant("demo", world.clock.now())
    with pytest.raises(NotFound):
        await replay.now()


# Jobs


async def test_a_job_is_kept_as_it_is(world: World) -> None:
    """All of a job can be read again."""
    replay = await start(world, Replayed.MISSED, scope={"a": ("1",)}, event_types=("x",), but=("y",), total=7)
    assert await replay.now() == replay.job


async def test_one_job_for_an_endpoint(world: World) -> None:
    """A second job for an endpoint is refused while one is at work."""
    await start(world)
    with pytest.raises(Conflict) as refused:
        await start(world)
    assert refused.value.code == "job_running"


async def test_the_next_job(world: World) -> None:
    """Once a job has ended, the endpoint can have another one."""
    replay = await start(world)
    await replay.step()
    await start(world)
    page = await world.store.jobs("demo", Slice())
    assert [job.status for job in page.data] == [JobStatus.RUNNING, JobStatus.DONE]


async def test_jobs_of_an_endpoint(world: World) -> None:
    """A list of jobs can be narrowed to an endpoint, and to a state."""
    replay = await start(world)
    other = await world.add_endpoint("demo")
    await start(world, endpoint=other.id)
    page = await world.store.jobs("demo", Slice(), world.endpoint.id, JobStatus.RUNNING)
    assert [job.id for job in page.data] == [replay.job.id]


async def test_running_jobs(world: World) -> None:
    """Those at work are known to whoever moves them on."""
    await (await start(world)).step()
    replay = await start(world)
    assert list(await world.store.running_jobs()) == [("demo", replay.job.id)]


async def test_another_tenants_job(world: World) -> None:
    """A job is its tenant's."""
    replay = await start(world)
    with pytest.raises(NotFound):
        await world.store.job("other", replay.job.id)


# Cancelling


async def cancel(replay: Replay, limit: int = 100) -> tuple[Job, int]:
    world = replay.world
    return await world.store.cancel_job("demo", replay.job.id, world.clock.now(), limit)


async def test_cancel(world: World) -> None:
    """A job that is cancelled ends, and those of its deliveries that wait with it."""
    await some_failed(world, 3)
    replay = await start(world)
    await replay.step()
    job, cancelled = await cancel(replay)
    statuses = {one.status for one in await replay.made()}
    assert (job.status, job.cancelled, cancelled, statuses) == (
        JobStatus.CANCELLED,
        3,
        3,
        {DeliveryStatus.CANCELLED},
    )


async def test_cancel_in_parts(world: World) -> None:
    """Cancelling goes on where it was cut short."""
    await some_failed(world, 3)
    replay = await start(world)
    await replay.step()
    await cancel(replay, 2)
    job, cancelled = await cancel(replay, 2)
    assert (job.cancelled, cancelled) == (3, 1)


async def test_cancel_takes_retries_too(world: World) -> None:
    """A delivery that was tried and waits is cancelled with its job; one that succeeded is not."""
    await some_failed(world, 2)
    replay = await start(world)
    await replay.step()
    one, other = await world.claim_later(1)
    await world.settle(one, DeliveryStatus.PENDING, retry_in=60)
    await world.settle(other, SUCCEEDED)
    assert (await cancel(replay))[1] == 1


async def test_cancel_leaves_others(world: World) -> None:
    """What is not the job's own waits on."""
    await world.publish()
    replay = await start(world)
    assert (await cancel(replay))[1] == 0


async def test_cancelled_jobs_make_nothing(world: World) -> None:
    """A cancelled job has no next step."""
    await some_failed(world, 3)
    replay = await start(world)
    await cancel(replay)
    assert await replay.step() == Step(0, more=False)


async def test_cancel_what_has_ended(world: World) -> None:
    """A job that is done cannot be cancelled."""
    replay = await start(world)
    await replay.step()
    with pytest.raises(Conflict) as refused:
        await cancel(replay)
    assert refused.value.code == "job_ended"


async def test_cancel_nothing(world: World) -> None:
    """There must be such a job."""
    with pytest.raises(NotFound):
        await world.store.cancel_job("demo", "job_1", world.clock.now(), 1)


# The history of endpoints


async def change(world: World, **given: object) -> None:
    world.clock.advance(1)
    now = world.clock.now()
    await world.store.change_endpoint(
        "demo",
        world.endpoint.id,
        lambda old: msgspec.structs.replace(old, updated_at=now, **given),
    )


async def statuses(world: World, endpoint: Endpoint | None = None) -> list[tuple[int, EndpointStatus]]:
    history = await world.store.endpoint_history((endpoint or world.endpoint).id)
    begin = world.endpoint.created_at
    return [((state.at - begin) // 1000, state.status) for state in history]


async def test_history_begins(world: World) -> None:
    """An endpoint's history begins with its registration."""
    assert await statuses(world) == [(0, EndpointStatus.ACTIVE)]


async def test_history_goes_on(world: World) -> None:
    """What an endpoint is subscribed to is kept with the time of each change."""
    await change(world, event_types=("a",))
    await change(world, scope={"dc": ("1",)})
    history = await world.store.endpoint_history(world.endpoint.id)
    assert [(state.event_types, state.scope) for state in history] == [
        ((), {}),
        (("a",), {}),
        (("a",), {"dc": ("1",)}),
    ]


async def test_history_of_what_matters(world: World) -> None:
    """A change of something else leaves no trace."""
    await change(world, name="new", url="https://example.com/new")
    assert len(await statuses(world)) == 1


async def test_history_of_a_verdict(world: World) -> None:
    """A settlement that disables an endpoint is in its history, with the reason."""
    world.clock.advance(2)
    await world.publish()
    await world.settle(await world.claim_one(), FAILED, disable=True)
    history = await world.store.endpoint_history(world.endpoint.id)
    assert [(state.status, state.reason) for state in history] == [
        (EndpointStatus.ACTIVE, None),
        (EndpointStatus.DISABLED, "because"),
    ]


async def test_history_of_a_deleted_tenant(world: World) -> None:
    """An endpoint that went with its tenant is deleted in its history, once."""
    deleted = await world.add_endpoint("demo")
    await world.set_status(EndpointStatus.DELETED, deleted)
    world.clock.advance(3)
    await world.store.delete_tenant("demo", world.clock.now())
    assert [await statuses(world), len(await statuses(world, deleted))] == [
        [(0, EndpointStatus.ACTIVE), (3, EndpointStatus.DELETED)],
        2,
    ]
