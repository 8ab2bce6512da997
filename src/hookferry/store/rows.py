"""Structs to rows and back. The order of values is that of the queries."""

import msgspec

from hookferry.exchange import Attempt, Headers, Outcome, Phases, Request, Response, Result
from hookferry.health import Breaker, Health
from hookferry.model import (
    Delivery,
    DeliveryStatus,
    EndpointState,
    EndpointStatus,
    Event,
    Job,
    JobStatus,
    Lease,
    Replayed,
    Scope,
    Work,
)
from hookferry.store.database import Row
from hookferry.store.values import Settlement, Watched

_encode = msgspec.json.Encoder().encode
_decode_scope = msgspec.json.Decoder(Scope).decode
_decode_types = msgspec.json.Decoder(tuple[str, ...]).decode


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


def work_of(row: Row) -> Work:
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
        lease=Lease(token),
    )


def job_row(job: Job) -> Row:
    return (
        job.tenant,
        job.id,
        job.endpoint,
        job.which,
        job.since,
        job.until,
        _encode(job.event_types).decode(),
        _encode(job.but).decode(),
        _encode(job.scope).decode(),
        job.rate,
        job.total,
        job.created_at,
        job.cursor,
        *progress_row(job)[1:],
    )


def progress_row(job: Job) -> Row:
    """What of a job changes as it goes on."""
    return (
        job.cursor,
        job.next_at,
        job.status,
        job.done,
        job.skipped,
        job.cancelled,
        job.reason,
        job.ended_at,
    )


def job_of(row: Row) -> Job:
    tenant, id, endpoint, which, since, until, types, but, scope, rate, total, created_at, cursor, *rest = row
    next_at, status, done, skipped, cancelled, reason, ended_at = rest
    return Job(
        id=id,
        tenant=tenant,
        endpoint=endpoint,
        which=Replayed(which),
        since=since,
        until=until,
        event_types=_decode_types(types),
        scope=_decode_scope(scope),
        rate=rate,
        total=total,
        created_at=created_at,
        cursor=cursor,
        next_at=next_at,
        but=_decode_types(but),
        status=JobStatus(status),
        done=done,
        skipped=skipped,
        cancelled=cancelled,
        reason=reason,
        ended_at=ended_at,
    )


def health_row(endpoint: str, health: Health) -> Row:
    return (endpoint, *msgspec.structs.astuple(health))


def health_of(row: Row) -> tuple[str, Health]:
    """An endpoint's id and health."""
    endpoint, breaker, *rest = row
    return endpoint, Health(Breaker(breaker), *rest)


def state_of(row: Row) -> EndpointState:
    at, status, types, scope, reason = row
    return EndpointState(at, EndpointStatus(status), _decode_types(types), _decode_scope(scope), reason)


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is on record of an attempt beside its bodies."""

    request: "tuple[str, str, Headers, float] | None" = None
    """Method, URL, headers, timeout."""
    answer: "tuple[int, Headers, bool] | None" = None
    """Status, headers, truncated."""
    phases: Phases = Phases()
    address: str | None = None
    detail: str | None = None
    after: "tuple[DeliveryStatus, str, int | None] | None" = None
    """What the delivery became: status, reason, due time. None in what an earlier version has written."""


_decode_wire = msgspec.json.Decoder(Wire).decode


def attempt_row(settlement: Settlement, attempt: Attempt) -> Row:
    """The attempt that a settlement has spent."""
    event, request, result = settlement.work.event, attempt.request, attempt.result
    response = result.response
    wire = Wire(
        request=(request.method, request.url, request.headers, request.timeout) if request else None,
        answer=(response.status, response.headers, response.truncated) if response else None,
        phases=result.phases,
        address=result.address,
        detail=result.detail,
        after=(settlement.status, settlement.reason, settlement.due_at),
    )
    head, tail = _splice(request, event.payload) if request else (None, None)
    return (
        attempt.id,
        settlement.work.delivery.tenant,
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


def _splice(request: Request, payload: bytes | None) -> tuple[bytes, bytes | None]:
    """What stands in a body before and after the payload; all of it and None if that is not in there.

    Where it is no piece of its own, its beginning is looked for and the rest compared: to look for 8 KB took
    12 µs, so 1.
    """
    pieces = request.pieces
    for at, piece in enumerate(pieces):
        if piece is payload:
            return b"".join(pieces[:at]), b"".join(pieces[at + 1 :])
    body = request.body
    if not payload:
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
    return _attempt(row, _decode_wire(row[8]))


def watched_of(row: Row) -> Watched | None:
    """A row of `settled_attempts`; None if an earlier version has written it."""
    id, delivery, endpoint, number, started_at, duration, outcome, text, event, type = row
    wire = _decode_wire(text)
    if wire.after is None:
        return None
    attempt = _attempt((id, delivery, endpoint, number, started_at, duration, outcome, *[None] * 6), wire)
    return Watched(slim(attempt), event, type, *wire.after)


def slim(attempt: Attempt) -> Attempt:
    """Without headers and bodies: a tail shows them to nobody, and who is slow would hold on to them."""
    replace = msgspec.structs.replace
    request, result = attempt.request, attempt.result
    response = result.response and replace(result.response, headers=(), body=b"")
    return replace(
        attempt,
        request=request and replace(request, headers=(), pieces=()),
        result=replace(result, response=response),
    )


def _attempt(row: Row, wire: Wire) -> Attempt:
    (
        id,
        delivery,
        endpoint,
        number,
        started_at,
        duration,
        outcome,
        _,
        _,
        head,
        tail,
        answer,
        payload,
    ) = row
    request = None
    if wire.request is not None:
        method, url, headers, timeout = wire.request
        body = (head or b"") if tail is None else b"" if payload is None else head + payload + tail
        request = Request(method, url, headers, (body,), timeout)
    response = None
    if wire.answer is not None:
        response = Response(wire.answer[0], wire.answer[1], answer or b"", wire.answer[2])
    result = Result(Outcome(outcome), duration, response, wire.phases, wire.address, wire.detail)
    return Attempt(id, delivery, endpoint, number, started_at, request, result)
