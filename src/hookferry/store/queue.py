"""The queue: what its transactions do on every backend. How to claim is each backend's own."""

from collections.abc import Sequence

import msgspec

from hookferry.errors import Conflict, HookferryError, NotFound
from hookferry.model import Delivery, DeliveryStatus, Event
from hookferry.store import health
from hookferry.store.database import Database, RacedError, Row
from hookferry.store.rows import (
    attempt_row,
    delivery_of,
    event_row,
    final_row,
    queue_row,
)
from hookferry.store.values import Ingest, Ingested, Membership, Settled, Settlement

_KEY_LIFE = 24 * 3600 * 1000
_LAST = "~"  # sorts after every id
_AGAIN = (DeliveryStatus.PENDING, DeliveryStatus.HELD)

_Used = dict[tuple[str, str], tuple[bytes, Ingested]]
"""By tenant and idempotency key: the fingerprint of what was published first, and its answer."""


def weight(one: Ingest) -> int:
    """About how many rows an ingest writes."""
    return 1 + len(one.deliveries) + sum(map(weight, one.followers))


async def ingest(
    db: Database, members: list[list[Ingest]], worker: str
) -> list[list[Ingested] | HookferryError]:
    """Store each member's events with their deliveries: all of a member's or, on a Conflict, none."""
    results: list[list[Ingested] | HookferryError] = []
    fresh: list[Ingest] = []
    used: _Used = {}
    for member in members:
        mine: _Used = {}
        try:
            answers = [await _answer(db, one, number, mine, used) for number, one in enumerate(member)]
        except Conflict as error:
            results.append(error)
            continue
        used.update(mine)
        for at, one in enumerate(member):
            if not answers[at].repeated:
                fresh.append(one)
                if one.followers:
                    followers = await _followers(db, one)
                    fresh += followers
                    ids = frozenset(follower.event.id for follower in followers)
                    answers[at] = msgspec.structs.replace(answers[at], followers=ids)
        results.append(answers)
    await _insert(db, fresh, worker)
    return results


async def _answer(db: Database, one: Ingest, number: int, mine: _Used, used: _Used) -> Ingested:
    """The answer to an event, the first one again for a repeated idempotency key.

    `mine` are the keys of its member, `used` those of the members before. Raises Conflict with the event's
    number if the key came with another body.
    """
    event = one.event
    if event.idempotency_key is None or one.fingerprint is None:
        return Ingested(event.id, len(one.deliveries))
    key = event.tenant, event.idempotency_key
    found = mine.get(key) or used.get(key) or await _stored(db, event)
    if found is None:
        answer = Ingested(event.id, len(one.deliveries))
        mine[key] = one.fingerprint, answer
        return answer
    fingerprint, answer = found
    if fingerprint != one.fingerprint:
        error = Conflict(
            f"The idempotency key {event.idempotency_key!r} was used with another body.",
            code="idempotency_conflict",
            field="idempotency_key",
        )
        error.number = number
        raise error
    return msgspec.structs.replace(answer, repeated=True)


async def _stored(db: Database, event: Event) -> tuple[bytes, Ingested] | None:
    """What is on record under an event's idempotency key."""
    row = await db.row("find_idempotency", event.tenant, event.idempotency_key, event.created_at)
    return row and (row[0], Ingested(row[1], row[2]))


async def _followers(db: Database, one: Ingest) -> list[Ingest]:
    """What is stored with an event. Decided here, where one comes after the other."""
    stored: list[Ingest] = []
    for follower in one.followers:
        if follower.on is None or await _turns(db, one.event.tenant, follower.on):
            stored += [follower, *await _followers(db, follower)]
    return stored


async def _turns(db: Database, tenant: str, change: Membership) -> bool:
    """Make a member join or leave its set: True if that began or ended the set."""
    subject = (tenant, change.rule, change.subject)
    member = (*subject, change.member)
    if change.joins:
        begun = await db.row("in_set", *subject)
        await db.run("join", *member)
        return begun is None
    if not await db.run("leave", *member):
        return False
    return await db.row("in_set", *subject) is None


async def _insert(db: Database, fresh: list[Ingest], worker: str) -> None:
    await db.each("add_events", [event_row(one.event) for one in fresh])
    deliveries = [queue_row(delivery, worker) for one in fresh for delivery in one.deliveries]
    await db.each("add_to_queue", deliveries)
    keys = sorted(
        (
            one.event.tenant,
            one.event.idempotency_key,
            one.fingerprint,
            one.event.id,
            len(one.deliveries),
            one.event.created_at + _KEY_LIFE,
        )
        for one in fresh
        if one.fingerprint is not None
    )
    if await db.each("add_idempotency", keys) < len(keys):
        raise RacedError


async def settle(db: Database, members: list[Settlement], watch: health.Watch) -> list[Settled]:
    """Commit what the leases still hold; what a newer claim has taken, or has ended, is stale."""
    leases = [(m.work.delivery.tenant, m.work.delivery.id, m.work.lease.token) for m in members]
    ours = await db.ids("ours", leases)
    kept = [member for member in members if member.work.delivery.id in ours]
    again = [member for member in kept if member.status in _AGAIN]
    final = [member for member in kept if member.status not in _AGAIN]
    await db.each("requeue", [_requeue_row(member) for member in again])
    await _end(db, final)
    await db.each(
        "add_attempts",
        [attempt_row(m, m.attempt) for m in kept if m.attempt],
    )
    news, told = await health.follow(db, kept, watch)
    if told:
        await _insert(db, told, "")
    return [
        Settled(member, news=news.pop(member.work.delivery.endpoint, None))
        if member.work.delivery.id in ours
        else Settled(member, stale=True)
        for member in members
    ]


def _spent(member: Settlement) -> int:
    return member.work.delivery.attempts + (member.attempt is not None)


def _requeue_row(member: Settlement) -> Row:
    delivery = member.work.delivery
    return (delivery.tenant, delivery.id, member.status, _spent(member), member.due_at)


async def _end(db: Database, final: list[Settlement]) -> None:
    deliveries = [member.work.delivery for member in final]
    await db.each("remove_from_queue", [(d.tenant, d.id) for d in deliveries])
    rows = [final_row(m.work.delivery, m.status, _spent(m), m.ended_at) for m in final]
    await db.each("add_deliveries", rows)


async def rescue(db: Database, now: int, worker: str) -> int:
    """See the seam. A worker that is alive to ask never rescues itself."""
    # Rare, so that it may read the whole queue: an index of leases would cost each delivery two writes.
    if await db.row("lapsed", now, worker) is None:
        return 0
    freed = await db.run("rescue", now, worker)
    await db.run("forget_workers", now, worker)
    return freed


async def reconcile(db: Database, endpoint: str | None, now: int, limit: int) -> tuple[int, int]:
    """How many deliveries changed, and how many of these were cancelled. Each kind takes up to `limit`."""
    bounds = ("", _LAST) if endpoint is None else (endpoint, endpoint)
    changed = await db.run("hold", *bounds, limit)
    changed += await db.run("release", *bounds, limit, now)
    ended = [*await db.rows("ended_pending", *bounds, limit), *await db.rows("ended_held", *bounds, limit)]
    await cancel_rows(db, ended, now)
    return changed + len(ended), len(ended)


async def cancel_rows(db: Database, rows: Sequence[Row], now: int) -> None:
    """Cancel what waits: rows of `ended_pending`."""
    await db.each("remove_from_queue", [row[:2] for row in rows])
    final = [(*row[:5], DeliveryStatus.CANCELLED, *row[5:7], now, row[7]) for row in rows]
    await db.each("add_deliveries", final)


async def retry(db: Database, tenant: str, id: str, new_id: str, now: int) -> Delivery:
    row = await db.row("waiting_delivery", tenant, id)
    if row is not None:
        return await _due_now(db, delivery_of(row), now)
    row = await db.row("final_delivery", tenant, id)
    if row is None:
        raise NotFound(f"There is no delivery {id!r} in this tenant.")
    old = delivery_of(row)
    event = await db.row("event", tenant, old.event)
    if event is None or event[-1] is None:
        raise Conflict(
            "The event's payload is no longer kept, so that it cannot be sent again.", code="payload_pruned"
        )
    new = msgspec.structs.replace(
        old,
        id=new_id,
        status=DeliveryStatus.PENDING,
        attempts=0,
        created_at=now,
        due_at=now,
        ended_at=None,
        retry_of=old.id,
    )
    await db.each("add_to_queue", [queue_row(new, "")])
    return new


async def _due_now(db: Database, delivery: Delivery, now: int) -> Delivery:
    if delivery.status is not DeliveryStatus.PENDING:
        state = "in flight" if delivery.status is DeliveryStatus.LEASED else "held: its endpoint is paused"
        raise Conflict(f"The delivery is {state}.", code="delivery_busy")
    await db.run("due_now", now, delivery.tenant, delivery.id)
    return msgspec.structs.replace(delivery, due_at=now)


async def cancel(db: Database, tenant: str, id: str, now: int) -> Delivery:
    row = await db.row("waiting_delivery", tenant, id)
    if row is None:
        if await db.row("final_delivery", tenant, id) is None:
            raise NotFound(f"There is no delivery {id!r} in this tenant.")
        raise Conflict("The delivery is final.", code="delivery_final")
    old = delivery_of(row)
    await db.each("remove_from_queue", [(tenant, id)])
    await db.each("add_deliveries", [final_row(old, DeliveryStatus.CANCELLED, old.attempts, now)])
    return msgspec.structs.replace(old, status=DeliveryStatus.CANCELLED, due_at=None, ended_at=now)
