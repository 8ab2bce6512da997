"""Explanations: why an event went to an endpoint, or why not, from what the endpoint was at that time."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from hookferry.contracts import Contract
from hookferry.errors import NotFound
from hookferry.matching import in_scope
from hookferry.model import (
    OPERATIONAL,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointState,
    EndpointStatus,
    Event,
)
from hookferry.service import features
from hookferry.service.contracts import Contracts
from hookferry.service.following import ALERT_TYPE
from hookferry.store.base import Store
from hookferry.store.values import Slice
from hookferry.times import iso

# Deliveries of one event for one endpoint: each but the first is a retry by hand or a replay.
_DELIVERIES = 200


class Why(StrEnum):
    """The kinds of reasons: a closed set."""

    SUCCEEDED = "succeeded"
    """The receiver took it."""
    WAITING = "waiting"
    """A delivery waits for its next attempt, or is on its way."""
    HELD = "held"
    """A delivery waits, because the endpoint is paused."""
    FAILED = "failed"
    """A delivery failed for good."""
    CANCELLED = "cancelled"
    """A delivery was cancelled."""
    NOT_CREATED = "not_created"
    """The endpoint was registered later."""
    DELETED = "deleted"
    """The endpoint had been deleted."""
    DISABLED = "disabled"
    """The endpoint was disabled."""
    PAUSED = "paused"
    """The endpoint was paused, and its contract drops what happens meanwhile."""
    TYPE = "type_not_subscribed"
    """It was not subscribed to events of this type."""
    SCOPE = "out_of_scope"
    """The event did not carry what the endpoint's scope asks for."""
    ADDRESSED = "addressed"
    """The event was made for other endpoints alone: by an alert, or as a test."""
    FEATURE = "feature_disabled"
    """The tenant lacks a feature that its contract asks for."""
    SET_UP = "not_set_up"
    """Its contract asks for a secret that the endpoint does not have yet."""
    NOT_ON_RECORD = "not_on_record"
    """What the endpoint was at that time is not known: it is older than its history."""
    UNEXPLAINED = "unexplained"
    """By all that is on record it should have gone there."""


class Reason(msgspec.Struct, frozen=True):
    """One reason, with a sentence for people. `at` is since when it holds; `delivery` and `attempts` are of
    the delivery that it is about.
    """

    code: Why
    text: str
    at: int | None = None
    delivery: str | None = None
    attempts: int | None = None


class Explanation(msgspec.Struct, frozen=True):
    """`delivered` is true if the receiver took it. There is one reason at least."""

    event: str
    endpoint: str
    delivered: bool
    reasons: tuple[Reason, ...]


_OF_DELIVERY = {
    DeliveryStatus.PENDING: Why.WAITING,
    DeliveryStatus.LEASED: Why.WAITING,
    DeliveryStatus.HELD: Why.HELD,
    DeliveryStatus.SUCCEEDED: Why.SUCCEEDED,
    DeliveryStatus.FAILED: Why.FAILED,
    DeliveryStatus.CANCELLED: Why.CANCELLED,
}


class Explanations:
    """Gathers what there is on record and decides."""

    def __init__(self, store: Store, contracts: Contracts) -> None:
        self._store = store
        self._contracts = contracts

    async def explain(self, tenant: str, event: str, endpoint: str) -> Explanation:
        """Why an event did or did not go to an endpoint, a deleted one too. Raises NotFound."""
        owner = self._store.directory.tenant(tenant)
        found = await self._store.event(tenant, event)
        to = self._store.directory.find_endpoint(endpoint)
        if to is None or to.tenant != tenant:
            raise NotFound(f"There is no endpoint {endpoint!r} in this tenant.")
        history = await self._store.endpoint_history(endpoint)
        rows = Slice(limit=_DELIVERIES)
        deliveries = await self._store.deliveries(tenant, rows, endpoint=endpoint, event=event)
        contract = self._contracts.of(owner)
        gated = not features.has(owner, contract.access.feature)
        return explained(found, to, history, deliveries.data, contract, gated)


def explained(
    event: Event,
    endpoint: Endpoint,
    history: Sequence[EndpointState],
    deliveries: Sequence[Delivery],
    contract: Contract,
    gated: bool = False,
) -> Explanation:
    """The decision. `history` is the endpoint's, oldest first; `deliveries` are those of the event to it.

    `gated` says that the tenant lacks its contract's feature now.
    """
    reasons = [_of_delivery(delivery, history) for delivery in deliveries]
    if not reasons:
        reasons = list(_why_not(event, endpoint, history, contract, gated)) or [_unexplained(event, history)]
    delivered = any(reason.code is Why.SUCCEEDED for reason in reasons)
    return Explanation(event.id, endpoint.id, delivered, tuple(reasons))


def _of_delivery(delivery: Delivery, history: Sequence[EndpointState]) -> Reason:
    code = _OF_DELIVERY[delivery.status]
    tried = "once" if delivery.attempts == 1 else f"{delivery.attempts} times"
    at = delivery.ended_at
    if code is Why.HELD:
        at = _since(history, len(history) - 1)
        text = f"The delivery waits: the endpoint is paused{_moment(at)}."
    elif code is Why.WAITING and delivery.status is DeliveryStatus.LEASED:
        text = f"The delivery is on its way; it was tried {tried} before."
    elif code is Why.WAITING:
        at = delivery.due_at
        text = f"The delivery waits for its next attempt{_moment(at, ' at')}; it was tried {tried}."
    elif code is Why.SUCCEEDED:
        text = f"The receiver took it{_moment(at, ' at')}; it was tried {tried}."
    elif code is Why.FAILED:
        text = f"The delivery failed for good{_moment(at, ' at')}; it was tried {tried}."
    else:
        text = f"The delivery was cancelled{_moment(at, ' at')}: {_cancelled_by(history, at or 0)}."
    return Reason(code, text, at, delivery.id, delivery.attempts)


def _cancelled_by(history: Sequence[EndpointState], at: int) -> str:
    """What ended it: the endpoint's state at that time, if it receives nothing in that, or somebody."""
    state = _at(history, at)
    if state is not None and state.status is EndpointStatus.DELETED:
        return "the endpoint was deleted"
    if state is not None and state.status is EndpointStatus.DISABLED:
        return f"the endpoint was disabled{_because(state)}"
    return "by hand, or with its replay"


def _why_not(
    event: Event, endpoint: Endpoint, history: Sequence[EndpointState], contract: Contract, gated: bool
) -> Iterator[Reason]:
    """Why there is no delivery."""
    at = event.created_at
    if at < endpoint.created_at:
        text = f"The endpoint was registered later{_moment(endpoint.created_at, ' at')}."
        yield Reason(Why.NOT_CREATED, text, endpoint.created_at)
        return
    if event.type == ALERT_TYPE:
        yield Reason(Why.ADDRESSED, "An alert's event goes to the endpoints that the alert names alone.")
        return
    state = _at(history, at)
    if state is None:
        first = history[0].at if history else None
        text = f"What the endpoint was then is not known: its history begins later{_moment(first, ' at')}."
        yield Reason(Why.NOT_ON_RECORD, text, first)
    else:
        yield from _of_status(state, _since(history, history.index(state)), contract)
        yield from _of_subscription(event, state)
    if event.type == contract.test_event[0] and event.type not in contract.catalogue:
        yield Reason(Why.ADDRESSED, "A test goes to the endpoint that is tested alone.")
    if gated:
        text = f"The tenant lacks the feature {contract.access.feature!r}: without it its events go nowhere."
        yield Reason(Why.FEATURE, text)
    if endpoint.matches and not contract.completes(endpoint):
        text = "The endpoint's set-up is not finished: the operator has not issued its secret yet."
        yield Reason(Why.SET_UP, text)


def _of_status(state: EndpointState, since: int | None, contract: Contract) -> Iterator[Reason]:
    if state.status is EndpointStatus.DELETED:
        yield Reason(Why.DELETED, f"The endpoint is deleted{_moment(since)}.", since)
    elif state.status is EndpointStatus.DISABLED:
        text = f"The endpoint was disabled{_moment(since)}{_because(state)}."
        yield Reason(Why.DISABLED, text, since)
    elif state.status is EndpointStatus.PAUSED and contract.subscription.drops_paused:
        text = f"The endpoint was paused{_moment(since)}: it misses what happens meanwhile."
        yield Reason(Why.PAUSED, text, since)


def _of_subscription(event: Event, state: EndpointState) -> Iterator[Reason]:
    if not state.event_types and event.type in OPERATIONAL:
        text = f"The endpoint takes all types, and {event.type!r} goes only to those that name it."
        yield Reason(Why.TYPE, text, state.at)
    elif state.event_types and event.type not in state.event_types:
        subscribed = ", ".join(state.event_types[:5]) + (", ..." if len(state.event_types) > 5 else "")
        text = f"The endpoint was not subscribed to {event.type!r}, but to {subscribed}."
        yield Reason(Why.TYPE, text, state.at)
    for label, values in state.scope.items():
        if not in_scope({label: values}, event.scope):
            wanted = ", ".join(values[:5]) + (", ..." if len(values) > 5 else "")
            text = f"The endpoint's scope asks for {label} {wanted}; the event carried none of these."
            yield Reason(Why.SCOPE, text, state.at)


def _unexplained(event: Event, history: Sequence[EndpointState]) -> Reason:
    """A change counts once it is answered: an event of the very moment may have met the state before."""
    state = _at(history, event.created_at)
    since = None if state is None else state.at
    text = f"By all that is on record it should have gone there. The endpoint is so{_moment(since)}."
    return Reason(Why.UNEXPLAINED, text, since)


def _at(history: Sequence[EndpointState], time: int) -> EndpointState | None:
    """What the endpoint was at a time."""
    return next((state for state in reversed(history) if state.at <= time), None)


def _since(history: Sequence[EndpointState], number: int) -> int | None:
    """Since when it has had the status of its history's entry of this number."""
    since = None
    for state in reversed(history[: number + 1]):
        if state.status is not history[number].status:
            break
        since = state.at
    return since


def _moment(time: int | None, word: str = " since") -> str:
    return "" if time is None else f"{word} {iso(time)}"


def _because(state: EndpointState) -> str:
    return "" if not state.reason else f" ({state.reason})"
