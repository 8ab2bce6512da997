"""Answers about what was published and delivered."""

from typing import Annotated, Any, Self

from msgspec import Meta, Raw

from hookferry import model
from hookferry.api.answers import Answer, Json, Status, Time, iso_or_none, labels, status_of
from hookferry.model import DeliveryStatus
from hookferry.times import iso


class EventSummary(Answer, frozen=True):
    """Something that happened, without its payload."""

    id: str
    type: str
    occurred_at: Time
    created_at: Time
    changes: Json | None
    scope: dict[str, list[str]] | None
    idempotency_key: str | None

    @classmethod
    def of(cls, event: model.Event, /, **more: Any) -> Self:
        return cls(
            id=event.id,
            type=event.type,
            occurred_at=iso(event.occurred_at),
            created_at=iso(event.created_at),
            changes=None if event.changes is None else Raw(event.changes),
            scope=None if event.scope is None else labels(event.scope),
            idempotency_key=event.idempotency_key,
            **more,
        )


class Event(EventSummary, frozen=True):
    """Something that happened."""

    payload: Annotated[Raw | None, Meta(description="As it was published; null once retention has taken it.")]


class Delivery(Answer, frozen=True):
    """One event for one endpoint."""

    id: str
    event: str
    endpoint: str
    type: str
    status: Status
    held: Annotated[bool, Meta(description="Its endpoint is paused.")]
    attempts: int
    created_at: Time
    next_attempt_at: Time | None
    ended_at: Time | None
    retry_of: Annotated[str | None, Meta(description="The final delivery that this one repeats.")]

    @classmethod
    def of(cls, delivery: model.Delivery) -> Self:
        return cls(
            id=delivery.id,
            event=delivery.event,
            endpoint=delivery.endpoint,
            type=delivery.type,
            status=status_of(delivery.status),
            held=delivery.status is DeliveryStatus.HELD,
            attempts=delivery.attempts,
            created_at=iso(delivery.created_at),
            next_attempt_at=iso_or_none(delivery.due_at),
            ended_at=iso_or_none(delivery.ended_at),
            retry_of=delivery.retry_of,
        )
