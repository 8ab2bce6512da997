"""Why an event went to an endpoint or not: the decision, and what it is given."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from hookferry.contracts import builtin
from hookferry.errors import NotFound
from hookferry.model import (
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointState,
    EndpointStatus,
    Event,
    Scope,
    Secret,
)
from hookferry.service.explanations import Explanation, Why, explained
from hookferry.service.following import ALERT_TYPE
from hookferry.service.forms import EndpointChange, NewEndpoint
from hookferry.service.publish import Draft
from hookferry.service.services import Services
from hookferry.store.values import Slice
from tests.store.world import World
from tests.support.clock import ManualClock
from tests.support.services import House, gated

STANDARD = builtin("standard")
DROPS = msgspec.structs.replace(
    STANDARD, subscription=msgspec.structs.replace(STANDARD.subscription, drops_paused=True)
)
ACTIVE, PAUSED = EndpointStatus.ACTIVE, EndpointStatus.PAUSED
DISABLED, DELETED = EndpointStatus.DISABLED, EndpointStatus.DELETED

ENDPOINT = Endpoint(
    id="ep_1",
    tenant="demo",
    url="https://example.com/",
    name="",
    event_types=(),
    scope={},
    headers=(),
    status=ACTIVE,
    secrets=(Secret("whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="),),
    created_at=100,
    updated_at=100,
)


def event(at: int = 500, type: str = "a", scope: Scope | None = None) -> Event:
    return Event("evt_1", "demo", type, b"1", at, at, scope=scope)


def state(
    at: int = 100,
    status: EndpointStatus = ACTIVE,
    types: tuple[str, ...] = (),
    scope: Scope | None = None,
    reason: str | None = None,
) -> EndpointState:
    return EndpointState(at, status, types, scope or {}, reason)


def delivery(status: DeliveryStatus, attempts: int = 1, ended_at: int | None = None) -> Delivery:
    return Delivery("dlv_1", "demo", "evt_1", "ep_1", "a", status, attempts, 500, None, ended_at)


def why(
    *history: EndpointState, of: Event | None = None, deliveries: Sequence[Delivery] = (), **given: Any
) -> Explanation:
    given = {"contract": STANDARD, "endpoint": ENDPOINT, **given}
    return explained(of or event(), history=history or (state(),), deliveries=deliveries, **given)


def codes(found: Explanation) -> list[Why]:
    return [reason.code for reason in found.reasons]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (DeliveryStatus.PENDING, Why.WAITING),
        (DeliveryStatus.LEASED, Why.WAITING),
        (DeliveryStatus.HELD, Why.HELD),
        (DeliveryStatus.SUCCEEDED, Why.SUCCEEDED),
        (DeliveryStatus.FAILED, Why.FAILED),
        (DeliveryStatus.CANCELLED, Why.CANCELLED),
    ],
)
def test_deliveries(status: DeliveryStatus, code: Why) -> None:
    """Where there is a delivery, its state is the reason, with its id and attempts."""
    (reason,) = why(deliveries=[delivery(status, 3)]).reasons
    assert (reason.code, reason.delivery, reason.attempts) == (code, "dlv_1", 3)


@pytest.mark.parametrize("status", [DeliveryStatus.SUCCEEDED, DeliveryStatus.FAILED])
def test_delivered(status: DeliveryStatus) -> None:
    """It was delivered if the receiver took it."""
    found = why(deliveries=[delivery(status)])
    assert found.delivered is (status is DeliveryStatus.SUCCEEDED)


def test_each_delivery_is_a_reason() -> None:
    """A retry that succeeded stands beside what failed."""
    both = [delivery(DeliveryStatus.SUCCEEDED), delivery(DeliveryStatus.FAILED)]
    found = why(deliveries=both)
    assert (found.delivered, codes(found)) == (True, [Why.SUCCEEDED, Why.FAILED])


@pytest.mark.parametrize(
    ("history", "text"),
    [
        ((state(), state(600, DELETED)), "the endpoint was deleted."),
        ((state(), state(600, DISABLED, reason="410 Gone")), "the endpoint was disabled (410 Gone)."),
        ((state(), state(900, DELETED)), "by hand, or with its replay."),
    ],
)
def test_what_cancelled_it(history: tuple[EndpointState, ...], text: str) -> None:
    """A delivery is cancelled by what became of its endpoint, or by somebody."""
    (reason,) = why(*history, deliveries=[delivery(DeliveryStatus.CANCELLED, 1, 700)]).reasons
    assert reason.text.endswith(text)


def test_held_since() -> None:
    """What is held says since when its endpoint is paused."""
    history = state(), state(600, PAUSED), state(700, PAUSED, ("a",))
    (reason,) = why(*history, deliveries=[delivery(DeliveryStatus.HELD)]).reasons
    assert reason.at == 600


def test_created_later() -> None:
    """An endpoint gets nothing that was published before it."""
    assert codes(why(of=event(99))) == [Why.NOT_CREATED]


@pytest.mark.parametrize(
    ("status", "code"), [(DISABLED, Why.DISABLED), (DELETED, Why.DELETED), (PAUSED, Why.UNEXPLAINED)]
)
def test_status(status: EndpointStatus, code: Why) -> None:
    """What is disabled or deleted gets nothing; what is paused gets it later, so that explains nothing."""
    assert codes(why(state(), state(400, status), state(600))) == [code]


def test_since_when() -> None:
    """A reason says since when it holds, over other changes."""
    history = (
        state(),
        state(300, DISABLED, reason="410 Gone"),
        state(400, DISABLED, ("a",), reason="410 Gone"),
    )
    (reason,) = why(*history).reasons
    assert (reason.at, reason.text) == (
        300,
        "The endpoint was disabled since 1970-01-01T00:00:00.300Z (410 Gone).",
    )


def test_paused_where_that_drops() -> None:
    """Some contracts drop what is published while an endpoint is paused."""
    assert codes(why(state(), state(400, PAUSED), contract=DROPS)) == [Why.PAUSED]


def test_type() -> None:
    """What counts is what it was subscribed to then."""
    assert codes(why(state(types=("b",)), state(600, types=("a",)))) == [Why.TYPE]


def test_type_since_then() -> None:
    """A subscription that was narrowed later explains nothing."""
    assert codes(why(state(types=("a",)), state(600, types=("b",)))) == [Why.UNEXPLAINED]


@pytest.mark.parametrize("scope", [None, {"dc": ("2",)}, {"other": ("1",)}])
def test_scope(scope: Scope | None) -> None:
    """An event that lacks what the scope asks for does not go there."""
    assert codes(why(state(scope={"dc": ("1",)}), of=event(scope=scope))) == [Why.SCOPE]


def test_all_reasons() -> None:
    """All that stood in its way are named."""
    now = state(400, DISABLED, ("b",), {"dc": ("1",)})
    assert codes(why(state(), now)) == [Why.DISABLED, Why.TYPE, Why.SCOPE]


def test_alerts() -> None:
    """An alert's event goes to the endpoints that the alert names."""
    assert codes(why(of=event(type=ALERT_TYPE))) == [Why.ADDRESSED]


def test_tests() -> None:
    """A test goes to the endpoint that is tested."""
    assert codes(why(of=event(type="endpoint.test"))) == [Why.ADDRESSED]


def test_gate() -> None:
    """Without its contract's feature a tenant's events go nowhere."""
    assert codes(why(contract=gated(STANDARD), gated=True)) == [Why.FEATURE]


def test_set_up() -> None:
    """An endpoint that has no secret yet gets nothing, where its contract asks for one."""
    endpoint = msgspec.structs.replace(ENDPOINT, secrets=())
    assert codes(why(endpoint=endpoint)) == [Why.SET_UP]


def test_before_the_record() -> None:
    """What an endpoint was before its history begins is not known."""
    assert codes(why(state(600))) == [Why.NOT_ON_RECORD]


def test_unexplained() -> None:
    """Where all says that it should have gone there, that is said, with the last change."""
    (reason,) = why(state(), state(499, scope={"a": ("1",)}), of=event(scope={"a": ("1",)})).reasons
    assert (reason.code, reason.at) == (Why.UNEXPLAINED, 499)


# From the store


@pytest.fixture
async def endpoint(services: Services) -> Endpoint:
    return await services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))


async def publish(house: House, clock: ManualClock) -> str:
    clock.advance(1)
    (done,) = await house.publisher.publish(house.store.directory.tenant("demo"), [Draft("a", Raw(b"1"))])
    clock.advance(1)
    return done.event


async def test_over_changes(house: House, clock: ManualClock, endpoint: Endpoint) -> None:
    """What a tenant changes is on record, so that earlier and later events are told apart."""
    explain, change = house.services.explanations.explain, house.services.endpoints.change
    first = await publish(house, clock)
    await change("demo", endpoint.id, EndpointChange(event_types=["b"]))
    second = await publish(house, clock)
    await change("demo", endpoint.id, EndpointChange(event_types=[]))
    found = [await explain("demo", event, endpoint.id) for event in (first, second)]
    assert list(map(codes, found)) == [[Why.WAITING], [Why.TYPE]]


async def test_a_deleted_endpoint(house: House, clock: ManualClock, endpoint: Endpoint) -> None:
    """A deleted endpoint can still be asked about."""
    event = await publish(house, clock)
    await house.services.endpoints.delete("demo", endpoint.id)
    (reason,) = (await house.services.explanations.explain("demo", event, endpoint.id)).reasons
    assert (reason.code, "the endpoint was deleted" in reason.text) == (Why.CANCELLED, True)


async def test_a_verdict(house: House, world: World, clock: ManualClock, endpoint: Endpoint) -> None:
    """An endpoint that answered 410 gets nothing more, and the reason says so."""
    await publish(house, clock)
    await world.settle(await world.claim_one(), DeliveryStatus.FAILED, disable=True)
    event = await publish(house, clock)
    assert codes(await house.services.explanations.explain("demo", event, endpoint.id)) == [Why.DISABLED]


async def test_unknown_endpoint(house: House, clock: ManualClock) -> None:
    """There must be such an endpoint."""
    event = await publish(house, clock)
    with pytest.raises(NotFound):
        await house.services.explanations.explain("demo", event, "ep_1")


async def test_unknown_event(services: Services, endpoint: Endpoint) -> None:
    """There must be such an event."""
    assert (await services.history.events("demo", Slice())).data == []
    with pytest.raises(NotFound):
        await services.explanations.explain("demo", "evt_1", endpoint.id)
