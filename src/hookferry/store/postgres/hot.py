"""The usual batches, each in one statement: `store.queue` says what they mean."""

from collections.abc import Sequence

from hookferry.exchange import Attempt
from hookferry.model import Delivery, DeliveryStatus
from hookferry.store.database import Row
from hookferry.store.postgres.statements import Statements
from hookferry.store.rows import attempt_row, event_row
from hookferry.store.values import Ingest, Ingested, Settled, Settlement


def is_plain(one: Ingest) -> bool:
    """True for an event whose storing asks nothing first."""
    return one.fingerprint is None and not one.followers


async def ingest(
    db: Statements,
    members: Sequence[Sequence[Ingest]],
    worker: str,
    lease: str,
    tenants: list[str],
    seen: int,
) -> list[list[Ingested]] | None:
    """Store plain events; None if what they were planned on no longer holds, and nothing was stored.

    What is handed over is leased under the name `lease`.
    """
    ones = [one for member in members for one in member]
    events = [event_row(one.event) for one in ones]
    deliveries = [_delivery_row(delivery) for one in ones for delivery in one.deliveries]
    row = await db.row("store_all", worker, lease, tenants, seen, events, deliveries)
    if row is None or not row[0]:
        return None
    return [[Ingested(one.event.id, len(one.deliveries)) for one in member] for member in members]


def is_success(one: Settlement) -> bool:
    """True for a settlement that only ends its delivery."""
    return one.status is DeliveryStatus.SUCCEEDED and one.attempt is not None


async def settle(db: Statements, members: Sequence[Settlement], on_disk: bool) -> list[Settled]:
    """Commit successes; unless `on_disk`, without waiting for the disk.

    Of stale ones nothing is written, nor waited for.
    """
    rows = [_success_row(one, one.attempt) for one in members if one.attempt is not None]
    ended = {id for (id,) in await db.rows("succeed_all", rows, on_disk)}
    return [Settled(one, stale=one.work.delivery.id not in ended) for one in members]


def _delivery_row(one: Delivery) -> Row:
    return (one.tenant, one.id, one.event, one.endpoint, one.type, one.status, one.created_at, one.due_at)


def _success_row(one: Settlement, attempt: Attempt) -> Row:
    work = one.work
    id, tenant, delivery, _, _, number, *rest = attempt_row(one, attempt)
    return (tenant, delivery, work.lease.token, id, one.ended_at, number, *rest)
