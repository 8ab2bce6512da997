"""Replays as tenants ask for them, and the duty that moves them on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from hookferry.errors import Conflict, Invalid, NotFound
from hookferry.model import DeliveryStatus, Endpoint, EndpointStatus, JobStatus, Replayed
from hookferry.service.following import ALERT_TYPE
from hookferry.service.forms import EndpointChange, NewEndpoint, NewReplay
from hookferry.service.publish import Draft
from hookferry.service.services import Services
from hookferry.store.values import Slice
from tests.store.world import World
from tests.support.clock import ManualClock
from tests.support.services import House

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def endpoint(services: Services) -> Endpoint:
    return await services.endpoints.create(
        "demo", NewEndpoint(url="https://example.com/", event_types=["a", "b"], scope={"dc": "1"})
    )


def wanted(which: Replayed = Replayed.MISSED, **given: Any) -> NewReplay:
    return NewReplay(**{"since": LONG_AGO, "status": which, **given})


async def publish(house: House, type: str = "a", **given: Any) -> None:
    """An event that the endpoint wants."""
    draft = Draft(type, Raw(b"1"), **{"scope": {"dc": "1"}, **given})
    await house.publisher.publish(house.store.directory.tenant("demo"), [draft])


async def miss(house: House, endpoint: Endpoint, *types: str) -> None:
    """Events that were published while the endpoint was disabled."""
    await house.store.change_endpoint("demo", endpoint.id, lambda old: with_status(old, "disabled"))
    for type in types:
        await publish(house, type)
    await house.services.endpoints.resume("demo", endpoint.id)


def with_status(endpoint: Endpoint, status: str) -> Endpoint:
    return msgspec.structs.replace(endpoint, status=EndpointStatus(status))


async def planned(services: Services, clock: ManualClock, endpoint: Endpoint, form: NewReplay) -> int:
    clock.advance(1)
    return (await services.replays.plan("demo", endpoint.id, form)).total


async def test_missed(house: House, clock: ManualClock, endpoint: Endpoint) -> None:
    """What the endpoint is subscribed to was missed while it was disabled, and nothing else."""
    await miss(house, endpoint, "a", "b", "c")
    await publish(house, scope={"dc": "2"})
    assert await planned(house.services, clock, endpoint, wanted()) == 2


async def test_missed_types(house: House, clock: ManualClock, endpoint: Endpoint) -> None:
    """Event types narrow it down."""
    await miss(house, endpoint, "a", "b", "c")
    assert await planned(house.services, clock, endpoint, wanted(event_types=["b"])) == 1


async def test_missed_of_what_it_does_not_want(services: Services, endpoint: Endpoint) -> None:
    """An endpoint cannot have missed what it is not subscribed to."""
    with pytest.raises(Invalid) as refused:
        await services.replays.plan("demo", endpoint.id, wanted(event_types=["c"]))
    assert refused.value.field == "event_types"


async def test_others_tests_were_not_missed(house: House, clock: ManualClock) -> None:
    """A test of another endpoint, or an alert's event, was not made for this one."""
    one, other = [
        await house.services.endpoints.create("demo", NewEndpoint(url=f"https://example.com/{number}"))
        for number in range(2)
    ]
    await house.services.endpoints.test("demo", other.id)
    assert await planned(house.services, clock, one, wanted()) == 0


async def test_alerts_can_be_asked_for(house: House, clock: ManualClock) -> None:
    """What goes to chosen endpoints is replayed where its type is named."""
    await publish(house, ALERT_TYPE)
    endpoint = await house.services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))
    totals = [
        await planned(house.services, clock, endpoint, wanted(event_types=types))
        for types in ([], [ALERT_TYPE])
    ]
    assert totals == [0, 1]


async def test_the_total_is_counted_over_all(house: House, clock: ManualClock) -> None:
    """More events than are looked at in one go are counted all the same."""
    tenant = house.store.directory.tenant("demo")
    for _ in range(3):
        await house.publisher.publish(tenant, [Draft("a", Raw(b"1"))] * 1_000)
    endpoint = await house.services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))
    assert await planned(house.services, clock, endpoint, wanted()) == 3_000


@pytest.mark.parametrize(
    ("since", "until"),
    [(timedelta(hours=1), None), (timedelta(0), timedelta(0)), (timedelta(hours=-1), timedelta(hours=-2))],
)
async def test_empty_range(
    services: Services, clock: ManualClock, endpoint: Endpoint, since: timedelta, until: timedelta | None
) -> None:
    """A range that holds no time is refused: it is most likely a mistake."""
    now = datetime.fromtimestamp(clock.now() / 1000, UTC)
    form = wanted(since=now + since, until=None if until is None else now + until)
    with pytest.raises(Invalid) as refused:
        await services.replays.plan("demo", endpoint.id, form)
    assert refused.value.field == "since"


async def test_what_comes_later_is_not_in_it(house: House, clock: ManualClock, endpoint: Endpoint) -> None:
    """A range that ends in the future ends now: a job sends nothing that is published after it."""
    clock.advance(1)
    job = await house.services.replays.start(
        "demo", endpoint.id, wanted(until=datetime(2100, 1, 1, tzinfo=UTC))
    )
    assert job.until == clock.now()


async def test_a_disabled_endpoint(house: House, endpoint: Endpoint) -> None:
    """Nothing is replayed to an endpoint that wants nothing."""
    await house.store.change_endpoint("demo", endpoint.id, lambda old: with_status(old, "disabled"))
    with pytest.raises(Conflict) as refused:
        await house.services.replays.start("demo", endpoint.id, wanted())
    assert refused.value.code == "endpoint_disabled"


async def test_a_deleted_endpoint(services: Services, endpoint: Endpoint) -> None:
    """Nothing is replayed to an endpoint that is gone."""
    await services.endpoints.delete("demo", endpoint.id)
    with pytest.raises(NotFound):
        await services.replays.start("demo", endpoint.id, wanted())


async def test_planning_stores_nothing(services: Services, endpoint: Endpoint) -> None:
    """A plan is no job."""
    await services.replays.plan("demo", endpoint.id, wanted())
    assert (await services.replays.jobs("demo", Slice())).data == []


async def test_the_duty_makes_deliveries(house: House, clock: ManualClock, endpoint: Endpoint) -> None:
    """Jobs are moved on, and the engine is told."""
    await miss(house, endpoint, "a", "a")
    clock.advance(1)
    await house.services.replays.start("demo", endpoint.id, wanted())
    woken = house.engine.woken
    await house.services.replays.advance()
    deliveries = await house.services.history.deliveries("demo", Slice())
    assert (len(deliveries.data), house.engine.woken - woken) == (2, 1)


async def test_the_duty_ends_jobs(house: House, world: World, clock: ManualClock, endpoint: Endpoint) -> None:
    """Once all of it was tried, the job is done."""
    await miss(house, endpoint, "a")
    clock.advance(1)
    job = await house.services.replays.start("demo", endpoint.id, wanted())
    await house.services.replays.advance()
    (work,) = await world.claim_later(1)
    await world.settle(work, DeliveryStatus.SUCCEEDED)
    await house.services.replays.advance()
    ended = await house.services.replays.get("demo", job.id)
    assert (ended.status, ended.total, ended.done) == (JobStatus.DONE, 1, 1)


async def test_cancel(house: House, clock: ManualClock, endpoint: Endpoint) -> None:
    """A job is cancelled with what waits of it."""
    await miss(house, endpoint, "a", "a", "a")
    clock.advance(1)
    job = await house.services.replays.start("demo", endpoint.id, wanted())
    await house.services.replays.advance()
    cancelled = await house.services.replays.cancel("demo", job.id)
    assert (cancelled.status, cancelled.cancelled) == (JobStatus.CANCELLED, 3)


async def test_a_subscription_that_changes(house: House, clock: ManualClock, endpoint: Endpoint) -> None:
    """What was missed is decided when the job begins."""
    await miss(house, endpoint, "a", "b")
    clock.advance(1)
    job = await house.services.replays.start("demo", endpoint.id, wanted())
    await house.services.endpoints.change("demo", endpoint.id, EndpointChange(event_types=["c"]))
    await house.services.replays.advance()
    assert (await house.services.replays.get("demo", job.id)).done == 2


async def test_unknown_tenant(services: Services) -> None:
    """The jobs of a tenant that does not exist are not found, rather than none."""
    with pytest.raises(NotFound):
        await services.replays.jobs("nobody", Slice())
