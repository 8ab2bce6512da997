"""What is seen of each committed settlement: counters, histograms and one wide log line per attempt."""

from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from hookferry.clock import Clock
from hookferry.delivery.histogram import Histogram
from hookferry.exchange import Attempt, Outcome, Phases
from hookferry.health import State, state
from hookferry.logs import Lines
from hookferry.model import DeliveryStatus
from hookferry.store.base import Store
from hookferry.store.values import News, Settled, Settlement
from hookferry.times import iso

_log = structlog.get_logger("hookferry.observer")

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class PhasesLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How long each phase took that there was, in milliseconds."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    send: float | None = None
    wait: float | None = None
    receive: float | None = None


class AttemptLine(msgspec.Struct, frozen=True, gc=False):
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
    outcome: Outcome
    status_code: int | None
    duration_ms: float
    phases_ms: PhasesLine
    address: str | None
    request_bytes: int
    response_bytes: int
    delivery_status: DeliveryStatus
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
        self._stale = Counter("hookferry_stale", "Results that came too late.", registry=registry)
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
        self._unwell = Gauge(
            "hookferry_unwell_endpoints", "Endpoints in trouble, by state.", ["state"], registry=registry
        )
        self._changes = Counter(
            "hookferry_health_changes", "What became of endpoints in trouble.", ["change"], registry=registry
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
            states = Counts(state(health, clock.now()) for health in store.directory.health.values())
            for word in (State.FAILING, State.THROTTLED, State.PARKED):
                self._unwell.labels(word.value).set(states[word])
            return self.told(store, load)

        return metrics

    def told(self, store: Store, load: Load) -> bytes:
        """The same for other processes: what it says of the database is not looked at anew."""
        self._in_flight.set(load.in_flight)
        self._unsettled.set(store.unsettled)
        return generate_latest(self._registry)

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
            if one.news is not None and one.news.changes:
                self._note(one.news)
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

    def _note(self, news: News) -> None:
        for change in news.changes:
            self._changes.labels(change.name.lower()).inc()
            _log.warning("endpoint health", endpoint=news.endpoint, change=change.name.lower())

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
    # In their order: by name it took twice as long.
    return AttemptLine(
        iso(settlement.ended_at),
        "info" if succeeded else "warning",
        "attempt",
        delivery.tenant,
        delivery.event,
        delivery.type,
        delivery.endpoint,
        delivery.id,
        delivery.retry_of,
        attempt.number,
        result.outcome,
        response.status if response else None,
        _millis(result.duration),
        _phases(result.phases),
        result.address,
        attempt.request.size if attempt.request else 0,
        len(response.body) if response else 0,
        settlement.status,
        settlement.reason,
        None if settlement.due_at is None else iso(settlement.due_at),
        settlement.ended_at - delivery.created_at,
        one.stale,
        result.detail,
    )


def _phases(phases: Phases) -> PhasesLine:
    return PhasesLine(*[time and _millis(time) for time in msgspec.structs.astuple(phases)])


def _millis(seconds: float) -> float:
    """To the microsecond. `round` with a number of digits takes four times as long."""
    return round(seconds * 1_000_000) / 1000
