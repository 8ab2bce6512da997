"""Operational events: what we publish ourselves of endpoints that fail, and of deliveries that are lost.

They go to endpoints that name their type. An event about an endpoint does not go to that endpoint, none sets
off an alert, and no event is published about a delivery of one: so there is always an end.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, json

from hookferry.health import Change
from hookferry.ids import IdMaker
from hookferry.model import (
    OPERATIONAL,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointStatus,
    Event,
    EventType,
    Operational,
    Scope,
    Tenant,
)
from hookferry.service import features
from hookferry.service.contracts import Contracts
from hookferry.store.directory import Directory
from hookferry.store.values import Ingest, News, Settlement
from hookferry.times import iso

_TYPES = {
    Change.FAILING: Operational.FAILING,
    Change.RECOVERED: Operational.RECOVERED,
    Change.DISABLED: Operational.DISABLED,
}


class AboutEndpoint(msgspec.Struct, frozen=True):
    """The endpoint that it is about."""

    id: str
    name: str


class AboutEvent(msgspec.Struct, frozen=True):
    """The event that could not be delivered."""

    id: str
    type: str


class EndpointPayload(msgspec.Struct, frozen=True):
    """The payload of `endpoint.failing`, `endpoint.disabled` and `endpoint.recovered`. Times are ISO 8601."""

    endpoint: AboutEndpoint
    failing_since: str | None
    consecutive_failures: int
    lost_deliveries: int
    """Deliveries that have failed for good since then."""
    warning: int
    """How many warnings have been given, this one included."""
    reason: str | None
    """Why it was disabled."""


class DeliveryPayload(msgspec.Struct, frozen=True):
    """The payload of `delivery.exhausted`."""

    delivery: str
    endpoint: AboutEndpoint
    event: AboutEvent
    attempts: int
    outcome: str
    """What the last attempt gave."""
    status_code: int | None
    reason: str


def _type(name: Operational, title: str, description: str, example: msgspec.Struct) -> EventType:
    schema = Raw(json.encode(json.schema(type(example))))
    return EventType(name.value, title, description, schema, Raw(json.encode(example)))


_ENDPOINT = AboutEndpoint("ep_018bcfe568000000000000000001", "Orders")
_SINCE = "2026-01-31T12:00:00.000Z"

TYPES = (
    _type(
        Operational.EXHAUSTED,
        "Delivery exhausted",
        "A delivery has failed for good: its attempts or its time are used up, or its last answer ended it.",
        DeliveryPayload(
            "dlv_018bcfe568000000000000000001",
            _ENDPOINT,
            AboutEvent("evt_018bcfe568000000000000000001", "order.created"),
            10,
            "response",
            500,
            "answered 500; all 10 attempts are used up",
        ),
    ),
    _type(
        Operational.DISABLED,
        "Endpoint disabled",
        "An endpoint was disabled: it has failed for too long, or it answered that it wants nothing more.",
        EndpointPayload(_ENDPOINT, _SINCE, 120, 12, 3, "answered 410: it wants nothing more"),
    ),
    _type(
        Operational.FAILING,
        "Endpoint failing",
        "An endpoint has taken nothing for an hour, a day, three days: a warning before it is disabled.",
        EndpointPayload(_ENDPOINT, _SINCE, 22, 0, 1, None),
    ),
    _type(
        Operational.RECOVERED,
        "Endpoint recovered",
        "An endpoint about which there was a warning takes deliveries again.",
        EndpointPayload(_ENDPOINT, None, 0, 0, 0, None),
    ),
)
"""What tenants can subscribe to beside their own, by name."""


class OperationalEvents:
    """Asked by the store within a commit. No state of its own.

    `operator` is the tenant that gets a copy of each, if there is one.
    """

    def __init__(
        self, directory: Directory, ids: IdMaker, contracts: Contracts, operator: str | None
    ) -> None:
        self._directory = directory
        self._ids = ids
        self._contracts = contracts
        self._operator = operator

    def about(self, news: News, lost: Sequence[Settlement], now: int) -> Sequence[Ingest]:
        """See `store.values.About`. A `delivery.exhausted` that nobody wants is not stored."""
        endpoint = self._directory.find_endpoint(news.endpoint)
        tenant = self._directory.tenants.get(endpoint.tenant) if endpoint else None
        if endpoint is None or tenant is None:
            return ()
        events = [
            ingest
            for change in news.changes
            if (type := _TYPES.get(change)) is not None
            for ingest in self._ingests(tenant, endpoint, type, _of_endpoint(endpoint, news), now)
        ]
        events += [
            ingest
            for one in lost
            if one.work.delivery.type not in OPERATIONAL
            for ingest in self._ingests(
                tenant, endpoint, Operational.EXHAUSTED, _of_delivery(endpoint, one), now
            )
            if ingest.deliveries
        ]
        return events

    def _ingests(
        self, tenant: Tenant, endpoint: Endpoint, type: Operational, payload: bytes, now: int
    ) -> list[Ingest]:
        """The event, and its copy for the operator."""
        found = [self._ingest(tenant, endpoint, type, payload, None, now)]
        operator = self._directory.tenants.get(self._operator) if self._operator else None
        if operator is not None and operator.id != tenant.id:
            found.append(self._ingest(operator, endpoint, type, payload, {"tenant": (tenant.id,)}, now))
        return found

    def _ingest(
        self,
        tenant: Tenant,
        about: Endpoint,
        type: Operational,
        payload: bytes,
        scope: Scope | None,
        now: int,
    ) -> Ingest:
        event = Event(self._ids.new("evt"), tenant.id, type.value, payload, now, now, scope=scope)
        contract = self._contracts.of(tenant)
        if not features.has(tenant, contract.access.feature):
            return Ingest(event, ())
        wanted = [
            endpoint
            for endpoint in self._directory.match(tenant.id, type.value, scope)
            if endpoint.id != about.id and contract.accepts(endpoint)
        ]
        return Ingest(event, tuple(self._delivery(event, endpoint) for endpoint in wanted))

    def _delivery(self, event: Event, endpoint: Endpoint) -> Delivery:
        held = endpoint.status is EndpointStatus.PAUSED
        return Delivery(
            self._ids.new("dlv"),
            event.tenant,
            event.id,
            endpoint.id,
            event.type,
            DeliveryStatus.HELD if held else DeliveryStatus.PENDING,
            0,
            event.created_at,
            None if held else event.created_at,
        )


def _of_endpoint(endpoint: Endpoint, news: News) -> bytes:
    health = news.health
    since = health.failing_since if health else None
    return json.encode(
        EndpointPayload(
            AboutEndpoint(endpoint.id, endpoint.name),
            None if since is None else iso(since),
            health.consecutive if health else 0,
            health.exhausted if health else 0,
            health.warned if health else 0,
            news.reason if Change.DISABLED in news.changes else None,
        )
    )


def _of_delivery(endpoint: Endpoint, lost: Settlement) -> bytes:
    delivery, attempt = lost.work.delivery, lost.attempt
    response = attempt.result.response if attempt else None
    return json.encode(
        DeliveryPayload(
            delivery.id,
            AboutEndpoint(endpoint.id, endpoint.name),
            AboutEvent(delivery.event, delivery.type),
            attempt.number if attempt else delivery.attempts,
            attempt.result.outcome.value if attempt else "",
            response.status if response else None,
            lost.reason,
        )
    )
