"""/v1/tenants/{tenant}/events and /deliveries"""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from msgspec import Meta, Raw

from hookferry.api.answers import Status
from hookferry.api.attempts import Attempt
from hookferry.api.explanations import Explanation
from hookferry.api.history import Delivery, Event, EventSummary
from hookferry.api.paging import AskedQuery, HistoryQuery, Page, cursor_page
from hookferry.api.parameters import Id, Query, Services
from hookferry.model import DeliveryStatus, Permission


class EventQuery(HistoryQuery, frozen=True, kw_only=True):
    """Which events."""

    type: Annotated[str | None, Meta(description="Only events of this type.")] = None
    idempotency_key: Annotated[str | None, Meta(description="Only the event published with it.")] = None


class ExplainQuery(AskedQuery, frozen=True, kw_only=True):
    """Of which endpoint."""

    endpoint: Annotated[str, Meta(description="The endpoint's id; it may be deleted.")]


class DeliveryQuery(HistoryQuery, frozen=True, kw_only=True):
    """Which deliveries."""

    status: Annotated[list[Status], Meta(description="One or several.")] = msgspec.field(default_factory=list)
    endpoint: Annotated[str | None, Meta(description="Only those for this endpoint.")] = None
    event: Annotated[str | None, Meta(description="Only those of this event.")] = None
    type: Annotated[str | None, Meta(description="Only those of events of this type.")] = None


@get("/events", needs=Permission.EVENTS_READ)
async def list_events(services: Services, tenant: Id, asked: Query[EventQuery]) -> Page[EventSummary]:
    """List events.

    Newest first, without their payloads.
    """
    page = await services.history.events(tenant, asked.rows(), asked.type, asked.idempotency_key)
    return cursor_page(page, EventSummary.of)


@get("/events/{id:str}", needs=Permission.EVENTS_READ)
async def get_event(services: Services, tenant: Id, id: Id) -> Event:
    """Read an event.

    Its payload is byte for byte as it was published.
    """
    event = await services.history.event(tenant, id)
    return Event.of(event, payload=None if event.payload is None else Raw(event.payload))


@get("/events/{id:str}/deliveries", needs=Permission.EVENTS_READ)
async def list_event_deliveries(
    services: Services, tenant: Id, id: Id, asked: Query[HistoryQuery]
) -> Page[Delivery]:
    """List an event's deliveries.

    Newest first.
    """
    return cursor_page(await services.history.event_deliveries(tenant, id, asked.rows()), Delivery.of)


@get("/events/{id:str}/explain", needs=Permission.EVENTS_READ)
async def explain_event(services: Services, tenant: Id, id: Id, asked: Query[ExplainQuery]) -> Explanation:
    """Explain an event.

    Why it went to an endpoint or why not, from what the endpoint was at that time. Each reason has one of a
    closed set of codes, and a sentence for people.
    """
    return Explanation.of(await services.explanations.explain(tenant, id, asked.endpoint))


@get("/deliveries", needs=Permission.EVENTS_READ)
async def list_deliveries(services: Services, tenant: Id, asked: Query[DeliveryQuery]) -> Page[Delivery]:
    """List deliveries.

    Newest first, waiting and final.
    """
    status = [DeliveryStatus(word) for word in asked.status]
    page = await services.history.deliveries(
        tenant, asked.rows(), status, asked.endpoint, asked.event, asked.type
    )
    return cursor_page(page, Delivery.of)


@get("/deliveries/{id:str}", needs=Permission.EVENTS_READ)
async def get_delivery(services: Services, tenant: Id, id: Id) -> Delivery:
    """Read a delivery."""
    return Delivery.of(await services.history.delivery(tenant, id))


@get("/deliveries/{id:str}/attempts", needs=Permission.EVENTS_READ)
async def list_delivery_attempts(
    services: Services, tenant: Id, id: Id, asked: Query[HistoryQuery]
) -> Page[Attempt]:
    """List a delivery's attempts.

    Newest first, as they were on the wire.
    """
    return cursor_page(await services.history.delivery_attempts(tenant, id, asked.rows()), Attempt.of)


@post("/deliveries/{id:str}/retry", needs=Permission.EVENTS_WRITE, status_code=200)
async def retry_delivery(services: Services, tenant: Id, id: Id) -> Delivery:
    """Send a delivery again.

    One that waits is due now. A final one never changes: the answer is a new delivery, with `retry_of`.
    """
    return Delivery.of(await services.history.retry(tenant, id))


@post("/deliveries/{id:str}/cancel", needs=Permission.EVENTS_WRITE, status_code=200)
async def cancel_delivery(services: Services, tenant: Id, id: Id) -> Delivery:
    """Cancel a delivery.

    One that is in flight may still arrive.
    """
    return Delivery.of(await services.history.cancel(tenant, id))


events = Router(
    "/tenants/{tenant:str}",
    route_handlers=[list_events, get_event, list_event_deliveries, explain_event],
    tags=["Events"],
)
deliveries = Router(
    "/tenants/{tenant:str}",
    route_handlers=[
        list_deliveries,
        get_delivery,
        list_delivery_attempts,
        retry_delivery,
        cancel_delivery,
    ],
    tags=["Deliveries"],
)
