"""Structs to rows and back. The order of values is that of the queries."""

import msgspec

from hookferry.model import (
    Attempt,
    Delivery,
    DeliveryStatus,
    Event,
    Headers,
    Lease,
    Outcome,
    Phases,
    Request,
    Response,
    Result,
    Scope,
    Work,
)
from hookferry.store.database import Row

_encode = msgspec.json.Encoder().encode
_decode_scope = msgspec.json.Decoder(Scope).decode


def event_row(event: Event) -> Row:
    scope = _encode(event.scope).decode() if event.scope else None
    return (
        event.id,
        event.tenant,
        event.type,
        event.occurred_at,
        event.created_at,
        scope,
        event.idempotency_key,
        event.changes,
        event.payload,
    )


def event_of(row: Row) -> Event:
    id, tenant, type, occurred_at, created_at, scope, key, changes, payload = row
    return Event(
        id=id,
        tenant=tenant,
        type=type,
        payload=payload,
        occurred_at=occurred_at,
        created_at=created_at,
        changes=changes,
        scope=_decode_scope(scope) if scope else None,
        idempotency_key=key,
    )


def _readable(row: Row) -> Event:
    """An event; without its payload where the row is damaged, so that its delivery ends (FAULTS, 13)."""
    try:
        return event_of(row)
    except msgspec.DecodeError:
        return event_of((*row[:5], None, row[6], row[7], None))


def queue_row(delivery: Delivery, worker: str) -> Row:
    leased = delivery.status is DeliveryStatus.LEASED
    return (
        delivery.tenant,
        delivery.id,
        delivery.event,
        delivery.endpoint,
        delivery.type,
        delivery.status,
        delivery.attempts,
        delivery.created_at,
        delivery.due_at,
        delivery.retry_of,
        worker if leased else None,
        1,
    )


def final_row(delivery: Delivery, status: DeliveryStatus, attempts: int, ended_at: int) -> Row:
    return (
        delivery.tenant,
        delivery.id,
        delivery.event,
        delivery.endpoint,
        delivery.type,
        status,
        attempts,
        delivery.created_at,
        ended_at,
        delivery.retry_of,
    )


def delivery_of(row: Row) -> Delivery:
    id, tenant, event, endpoint, type, status, attempts, created_at, due_at, ended_at, retry_of = row
    return Delivery(
        id,
        tenant,
        event,
        endpoint,
        type,
        DeliveryStatus(status),
        attempts,
        created_at,
        due_at,
        ended_at,
        retry_of,
    )


def work_of(row: Row, worker: str) -> Work:
    """A claimed delivery with its event: the queue's columns with the claim's token, then the event's."""
    tenant, id, event, endpoint, type, attempts, created_at, due_at, retry_of, token, *of_event = row
    occurred_at, event_at, key, scope, changes, payload = of_event
    return Work(
        delivery=Delivery(
            id,
            tenant,
            event,
            endpoint,
            type,
            DeliveryStatus.LEASED,
            attempts,
            created_at,
            due_at,
            None,
            retry_of,
        ),
        event=_readable((event, tenant, type, occurred_at, event_at, scope, key, changes, payload)),
        lease=Lease(worker, token),
    )


class Wire(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is on record of an attempt beside its bodies."""

    request: "tuple[str, str, Headers, float] | None" = None
    """Method, URL, headers, timeout."""
    answer: "tuple[int, Headers, bool] | None" = None
    """Status, headers, truncated."""
    phases: Phases = Phases()
    address: str | None = None
    detail: str | None = None


_decode_wire = msgspec.json.Decoder(Wire).decode


def attempt_row(attempt: Attempt, tenant: str, event: Event) -> Row:
    request, result = attempt.request, attempt.result
    response = result.response
    wire = Wire(
        request=(request.method, request.url, request.headers, request.timeout) if request else None,
        answer=(response.status, response.headers, response.truncated) if response else None,
        phases=result.phases,
        address=result.address,
        detail=result.detail,
    )
    head, tail = _splice(request.body if request else None, event.payload)
    return (
        attempt.id,
        tenant,
        attempt.delivery,
        attempt.endpoint,
        event.id,
        attempt.number,
        attempt.started_at,
        result.duration,
        result.outcome,
        response.status if response else None,
        _encode(wire).decode(),
        head,
        tail,
        response.body if response else None,
    )


def _splice(body: bytes | None, payload: bytes | None) -> tuple[bytes | None, bytes | None]:
    """What stands before and after the payload; all of the body and None if it is not in there.

    Its beginning is looked for and the rest compared: to look for 8 KB took 12 µs, so 1.
    """
    if body is None or not payload:
        return body, None
    beginning = payload[:32]
    at = body.find(beginning)
    while at >= 0:
        if body.startswith(payload, at):
            return body[:at], body[at + len(payload) :]
        at = body.find(beginning, at + 1)
    return body, None


def attempt_of(row: Row) -> Attempt:
    """A row of `attempts_by_...`. A body that retention has taken comes back empty."""
    (
        id,
        delivery,
        endpoint,
        number,
        started_at,
        duration,
        outcome,
        _,
        text,
        head,
        tail,
        answer,
        payload,
    ) = row
    wire = _decode_wire(text)
    request = None
    if wire.request is not None:
        method, url, headers, timeout = wire.request
        body = (head or b"") if tail is None else b"" if payload is None else head + payload + tail
        request = Request(method, url, headers, body, timeout)
    response = None
    if wire.answer is not None:
        response = Response(wire.answer[0], wire.answer[1], answer or b"", wire.answer[2])
    result = Result(Outcome(outcome), duration, response, wire.phases, wire.address, wire.detail)
    return Attempt(id, delivery, endpoint, number, started_at, request, result)
