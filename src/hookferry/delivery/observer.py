"""What is seen of each committed settlement: counters, histograms and one wide log line per attempt."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from hookferry.clock import Clock
from hookferry.delivery.histogram import Histogram
from hookferry.logs import Lines
from hookferry.model import Attempt, DeliveryStatus, Outcome, Phases
from hookferry.store.base import Settled, Settlement, Store
from hookferry.times import iso

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_PHASES = Phases.__struct_fields__
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class AttemptLine(msgspec.Struct, frozen=True):
    """One attempt in the log. Durations in milliseconds; the fields are documented in docs/logs.md."""

    time: str
    level: str
    event: str
    tenant: str
    event_id: str
    event_type: str
    endpoint: str
    delivery: str
    retry_of: str | None
    attempt: int
    outcome: str
    status_code: int | None
    duration_ms: float
    phases_ms: dict[str, float]
    address: str | None
    request_bytes: int
    response_bytes: int
    delivery_status: str
    reason: str
    next_attempt_at: str | None
    since_event_ms: int
    stale: bool
    detail: str | None


class Load(Protocol):
    """The dispatcher as the metrics see it."""

    @property
    def in_flight(self) -> int:
        """Requests on their way."""
        ...


class Observer:
    """Turns settlements into metrics and lines. Its state is the metrics' registry."""

    def __init__(self, lines: Lines, registry: CollectorRegistry) -> None:
        self._lines = lines
        self._delivered = Counter(
            "hookferry_delivered", "Deliveries that a receiver took.", registry=registry
        )
        self._ended = Counter(
            "hookferry_unsuccessful", "Deliveries that ended otherwise.", ["status"], registry=registry
        )
        self._attempts = Counter("hookferry_attempts", "HTTP requests made.", registry=registry)
        self._failures = Counter(
            "hookferry_failed_attempts",
            "Attempts that the receiver did not take, by outcome and class of status.",
            ["cause"],
            registry=registry,
        )
        self._stale = Counter(
            "hookferry_stale", "Results that a newer claim had overtaken.", registry=registry
        )
        self._duration = Histogram(
            "hookferry_attempt_seconds", "How long an attempt took.", _SECONDS, registry
        )
        self._latency = Histogram(
            "hookferry_delivery_seconds",
            "From publish to the end of a delivery's successful attempt.",
            _SECONDS,
            registry,
        )
        self._batches = Histogram("hookferry_commit_batch_size", "Members of one commit.", _SIZES, registry)

        self._published = Counter("hookferry_published", "Events accepted.", registry=registry)
        self._backlog = Gauge(
            "hookferry_backlog", "Deliveries in the queue, by status.", ["status"], registry=registry
        )
        self._oldest = Gauge(
            "hookferry_oldest_due_seconds",
            "How long the longest waiting delivery is overdue.",
            registry=registry,
        )
        self._in_flight = Gauge("hookferry_in_flight", "Requests on their way.", registry=registry)
        self._unsettled = Gauge(
            "hookferry_unsettled", "Results that wait for their commit.", registry=registry
        )
        self._registry = registry

    def exposition(self, store: Store, load: Load, clock: Clock) -> Callable[[], Awaitable[bytes]]:
        """What `/metrics` answers, in Prometheus' text format; the queue is looked at when asked."""

        async def metrics() -> bytes:
            backlog = await store.backlog()
            for status in ("pending", "leased", "held"):
                self._backlog.labels(status).set(getattr(backlog, status))
            overdue = 0 if backlog.oldest_due is None else max(0, clock.now() - backlog.oldest_due)
            self._oldest.set(overdue / 1000)
            self._in_flight.set(load.in_flight)
            self._unsettled.set(store.unsettled)
            return generate_latest(self._registry)

        return metrics

    def published(self, events: int) -> None:
        """So many events were accepted."""
        self._published.inc(events)

    def committed(self, members: int) -> None:
        """A commit with that many members was made."""
        self._batches.observe(members)

    def cancelled(self, deliveries: int) -> None:
        """So many deliveries were cancelled where they waited."""
        self._ended.labels(DeliveryStatus.CANCELLED.value).inc(deliveries)

    def settled(self, settled: Sequence[Settled]) -> None:
        """Settlements were committed, or refused as stale."""
        lines = []
        delivered = 0
        for one in settled:
            settlement = one.settlement
            if settlement.attempt is not None:
                lines.append(_line(one))
                self._duration.observe(settlement.attempt.result.duration)
            if one.stale:
                self._stale.inc()
            elif settlement.status is DeliveryStatus.SUCCEEDED:
                delivered += 1
                self._latency.observe((settlement.ended_at - settlement.work.delivery.created_at) / 1000)
            else:
                self._count_unsuccessful(settlement)
        self._delivered.inc(delivered)
        self._attempts.inc(len(lines))
        self._lines.write(lines)

    def _count_unsuccessful(self, settlement: Settlement) -> None:
        if settlement.attempt is not None:
            self._failures.labels(_cause(settlement.attempt)).inc()
        if settlement.status in (DeliveryStatus.FAILED, DeliveryStatus.CANCELLED):
            self._ended.labels(settlement.status.value).inc()


def _cause(attempt: Attempt) -> str:
    """`http_5xx` for an answer, the outcome's name for everything else."""
    response = attempt.result.response
    if attempt.result.outcome is Outcome.RESPONSE and response is not None:
        return f"http_{response.status // 100}xx"
    return attempt.result.outcome.value


def _line(one: Settled) -> AttemptLine:
    settlement, delivery = one.settlement, one.settlement.work.delivery
    attempt = settlement.attempt
    assert attempt is not None  # noqa: S101 - only asked of attempts
    result, response = attempt.result, attempt.result.response
    succeeded = settlement.status is DeliveryStatus.SUCCEEDED
    return AttemptLine(
        time=iso(settlement.ended_at),
        level="info" if succeeded else "warning",
        event="attempt",
        tenant=delivery.tenant,
        event_id=delivery.event,
        event_type=delivery.type,
        endpoint=delivery.endpoint,
        delivery=delivery.id,
        retry_of=delivery.retry_of,
        attempt=attempt.number,
        outcome=result.outcome.value,
        status_code=response.status if response else None,
        duration_ms=_ms(result.duration),
        phases_ms=_phases(result.phases),
        address=result.address,
        request_bytes=len(attempt.request.body) if attempt.request else 0,
        response_bytes=len(response.body) if response else 0,
        delivery_status=settlement.status.value,
        reason=settlement.reason,
        next_attempt_at=None if settlement.due_at is None else iso(settlement.due_at),
        since_event_ms=settlement.ended_at - delivery.created_at,
        stale=one.stale,
        detail=result.detail,
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _phases(phases: Phases) -> dict[str, float]:
    values = msgspec.structs.astuple(phases)
    return {
        name: round(value * 1000, 3) for name, value in zip(_PHASES, values, strict=True) if value is not None
    }
