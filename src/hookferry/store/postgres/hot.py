"""The usual batches, each in one statement: `store.queue` says what they mean."""

from collections.abc import Sequence
from typing import Any

from hookferry.model import Attempt, DeliveryStatus
from hookferry.store.database import Row
from hookferry.store.postgres.statements import Statements
from hookferry.store.rows import attempt_row, event_row, queue_row
from hookferry.store.values import Ingest, Ingested, Settled, Settlement

_QUEUE_COLUMNS = 12
_EVENT_COLUMNS = 9


def is_plain(one: Ingest) -> bool:
    """True for an event whose storing asks nothing first."""
    return one.fingerprint is None and not one.followers


async def ingest(
    db: Statements,
    members: Sequence[Sequence[Ingest]],
    worker: str,
    name: str,
    tenants: list[str],
    seen: int,
) -> list[list[Ingested]] | None:
    """Store plain events; None if what they were planned on no longer holds, and nothing was stored.

    What is handed over is leased under `name`.
    """
    events = [event_row(one.event) for member in members for one in member]
    deliveries = [queue_row(d, name) for member in members for one in member for d in one.deliveries]
    columns = *_columns(events, _EVENT_COLUMNS), *_columns(deliveries, _QUEUE_COLUMNS)
    row = await db.row("store_all", worker, tenants, seen, *columns)
    if row is None or not row[0]:
        return None
    return [[Ingested(one.event.id, len(one.deliveries)) for one in member] for member in members]


def is_success(one: Settlement) -> bool:
    """True for a settlement that only ends its delivery."""
    return one.status is DeliveryStatus.SUCCEEDED and one.attempt is not None


async def settle(db: Statements, members: Sequence[Settlement]) -> list[Settled]:
    """Commit successes."""
    rows = [_success_row(one, one.attempt) for one in members if one.attempt is not None]
    ended = {id for (id,) in await db.rows("succeed_all", *_columns(rows, len(rows[0])))}
    return [Settled(one, stale=one.work.delivery.id not in ended) for one in members]


def _success_row(one: Settlement, attempt: Attempt) -> Row:
    delivery = one.work.delivery
    id, *_, number, started_at, duration, outcome, status, wire, head, tail, answer = attempt_row(
        attempt, delivery.tenant, one.work.event
    )
    return (
        delivery.tenant,
        delivery.id,
        one.work.lease.token,
        delivery.event,
        delivery.endpoint,
        delivery.type,
        number,
        delivery.created_at,
        one.ended_at,
        delivery.retry_of,
        id,
        started_at,
        duration,
        outcome,
        status,
        wire,
        head,
        tail,
        answer,
    )


def _columns(rows: Sequence[Row], count: int) -> Sequence[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * count
