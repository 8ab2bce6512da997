"""The queue's statements: each function runs inside the writer's transaction, or on the reader."""

import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec

from hookferry.errors import Conflict, HookferryError, NotFound
from hookferry.model import Delivery, DeliveryStatus, Event, Work
from hookferry.store.base import Backlog, Ingest, Ingested, Membership, Settled, Settlement
from hookferry.store.queries import load
from hookferry.store.sqlite.rows import (
    attempt_row,
    delivery_of,
    event_row,
    execute_many,
    final_row,
    queue_row,
    select_many,
    work_of,
)

SQL = load("hookferry.store.sqlite", "queue", "history")

_KEY_LIFE = 24 * 3600 * 1000
_AGAIN = (DeliveryStatus.PENDING, DeliveryStatus.HELD)

_Used = dict[tuple[str, str], tuple[bytes, Ingested]]
"""By tenant and idempotency key: the fingerprint of what was published first, and its answer."""


def ingest(
    connection: sqlite3.Connection, members: list[list[Ingest]], worker: str
) -> list[list[Ingested] | HookferryError]:
    """Store each member's events with their deliveries: all of a member's or, on a Conflict, none."""
    results: list[list[Ingested] | HookferryError] = []
    fresh: list[Ingest] = []
    used: _Used = {}
    for member in members:
        mine: _Used = {}
        try:
            answers = [_answer(connection, one, number, mine, used) for number, one in enumerate(member)]
        except Conflict as error:
            results.append(error)
            continue
        used.update(mine)
        for at, one in enumerate(member):
            if not answers[at].repeated:
                fresh.append(one)
                if one.followers:
                    followers = _followers(connection, one)
                    fresh += followers
                    ids = frozenset(follower.event.id for follower in followers)
                    answers[at] = msgspec.structs.replace(answers[at], followers=ids)
        results.append(answers)
    _insert(connection, fresh, worker)
    return results


def _answer(connection: sqlite3.Connection, one: Ingest, number: int, mine: _Used, used: _Used) -> Ingested:
    """The answer to an event, the first one again for a repeated idempotency key.

    `mine` are the keys of its member, `used` those of the members before. Raises Conflict with the event's
    number if the key came with another body.
    """
    event = one.event
    if event.idempotency_key is None or one.fingerprint is None:
        return Ingested(event.id, len(one.deliveries))
    key = event.tenant, event.idempotency_key
    found = mine.get(key) or used.get(key) or _stored(connection, event)
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


def _stored(connection: sqlite3.Connection, event: Event) -> tuple[bytes, Ingested] | None:
    """What is on record under an event's idempotency key."""
    given = (event.tenant, event.idempotency_key, event.created_at)
    row = connection.execute(SQL["find_idempotency"], given).fetchone()
    return row and (row[0], Ingested(row[1], row[2]))


def _followers(connection: sqlite3.Connection, one: Ingest) -> list[Ingest]:
    """What is stored with an event. Decided here, where one comes after the other."""
    stored: list[Ingest] = []
    for follower in one.followers:
        if follower.on is None or _turns(connection, one.event.tenant, follower.on):
            stored += [follower, *_followers(connection, follower)]
    return stored


def _turns(connection: sqlite3.Connection, tenant: str, change: Membership) -> bool:
    """Make a member join or leave its set: True if that began or ended the set."""
    subject = (tenant, change.rule, change.subject)
    member = (*subject, change.member)
    if change.joins:
        (begun,) = connection.execute(SQL["begun"], subject).fetchone()
        connection.execute(SQL["join"], member)
        return not begun
    if not connection.execute(SQL["leave"], member).rowcount:
        return False
    (left,) = connection.execute(SQL["begun"], subject).fetchone()
    return not left


def _insert(connection: sqlite3.Connection, fresh: list[Ingest], worker: str) -> None:
    execute_many(connection, SQL["add_events"], [event_row(one.event) for one in fresh])
    deliveries = [queue_row(delivery, worker) for one in fresh for delivery in one.deliveries]
    execute_many(connection, SQL["add_to_queue"], deliveries)
    keys = [
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
    ]
    execute_many(connection, SQL["add_idempotency"], keys)


def settle(connection: sqlite3.Connection, members: list[Settlement]) -> list[Settled]:
    """Commit what the leases still hold; what a newer claim has taken, or has ended, is stale."""
    leases = [(m.work.delivery.tenant, m.work.delivery.id, m.work.lease.token) for m in members]
    ours = select_many(connection, SQL["ours"], leases)
    kept = [member for member in members if member.work.delivery.id in ours]
    again = [member for member in kept if member.status in _AGAIN]
    final = [member for member in kept if member.status not in _AGAIN]
    execute_many(connection, SQL["requeue"], [_requeue_row(member) for member in again])
    _end(connection, final)
    execute_many(
        connection,
        SQL["add_attempts"],
        [attempt_row(m.attempt, m.work.delivery.tenant, m.work.event) for m in kept if m.attempt],
    )
    for member in kept:
        if member.disable:
            endpoint = member.work.delivery.endpoint
            connection.execute(SQL["disable_endpoint"], (member.reason, member.ended_at, endpoint))
    return [Settled(member, stale=member.work.delivery.id not in ours) for member in members]


def _spent(member: Settlement) -> int:
    return member.work.delivery.attempts + (member.attempt is not None)


def _requeue_row(member: Settlement) -> tuple[Any, ...]:
    delivery = member.work.delivery
    return (delivery.tenant, delivery.id, member.status, _spent(member), member.due_at)


def _end(connection: sqlite3.Connection, final: list[Settlement]) -> None:
    deliveries = [member.work.delivery for member in final]
    execute_many(connection, SQL["remove_from_queue"], [(d.tenant, d.id) for d in deliveries])
    rows = [final_row(m.work.delivery, m.status, _spent(m), m.ended_at) for m in final]
    execute_many(connection, SQL["add_deliveries"], rows)


def claimable(
    connection: sqlite3.Connection,
    worker: str,
    after: str,
    now: int,
    limit: int,
    per_endpoint: int,
    skip: Collection[str],
) -> list[Work]:
    """Due deliveries, as they would be once leased: round robin over endpoints from the one after `after`."""
    given = {"now": now, "per_endpoint": per_endpoint, "skip": msgspec.json.encode(list(skip)).decode()}
    rows = _claimable(connection, {**given, "after": after, "limit": limit})
    if len(rows) < limit and after:
        again = _claimable(connection, {**given, "after": "", "limit": limit - len(rows)})
        seen = {row[1] for row in rows}
        rows += [row for row in again if row[1] not in seen]
    return [work_of(row, worker) for row in rows]


def _claimable(connection: sqlite3.Connection, given: dict[str, Any]) -> list[Any]:
    (rows,) = connection.execute(SQL["claimable"], given).fetchone()
    found: list[Any] = msgspec.json.decode(rows)
    return found


def lease(connection: sqlite3.Connection, members: list[list[Work]]) -> list[list[Work]]:
    """Lease of each claim those that are still as they were read."""
    return [_lease(connection, works) for works in members]


def _lease(connection: sqlite3.Connection, works: list[Work]) -> list[Work]:
    keys = [(w.delivery.tenant, w.delivery.id, w.lease.token - 1) for w in works]
    there = select_many(connection, SQL["unpend"], keys)
    ours = [work for work in works if work.delivery.id in there]
    rows = [(w.delivery.tenant, w.delivery.id, w.lease.worker, w.lease.token) for w in ours]
    execute_many(connection, SQL["lease"], rows)
    return ours


def next_due(connection: sqlite3.Connection, skip: Collection[str]) -> int | None:
    row = connection.execute(SQL["next_due"], {"skip": msgspec.json.encode(list(skip)).decode()}).fetchone()
    due: int | None = row[0]
    return due


def backlog(connection: sqlite3.Connection) -> Backlog:
    pending, held, total = connection.execute(SQL["backlog"]).fetchone()
    return Backlog(pending, total - pending - held, held, next_due(connection, ()))


def rescue(connection: sqlite3.Connection, now: int, worker: str) -> int:
    """See the seam. A worker that is alive to ask never rescues itself."""
    # Rare, so that it may read the whole queue: an index of leases would cost each delivery two writes.
    if not connection.execute(SQL["lapsed"], (now, worker)).fetchone()[0]:
        return 0
    freed = connection.execute(SQL["rescue"], {"now": now, "worker": worker}).rowcount
    connection.execute(SQL["forget_workers"], (now, worker))
    return freed


def reconcile(connection: sqlite3.Connection, endpoint: str | None, now: int, limit: int) -> tuple[int, int]:
    """How many deliveries changed, and how many of these were cancelled. Each kind takes up to `limit`."""
    given = {"endpoint": endpoint, "limit": limit}
    changed = connection.execute(SQL["hold"], given).rowcount
    changed += connection.execute(SQL["release"], {**given, "now": now}).rowcount
    ended = connection.execute(SQL["ended_pending"], given).fetchall()
    ended += connection.execute(SQL["ended_held"], given).fetchall()
    _cancel_rows(connection, ended, now)
    return changed + len(ended), len(ended)


def _cancel_rows(connection: sqlite3.Connection, rows: list[tuple[Any, ...]], now: int) -> None:
    execute_many(connection, SQL["remove_from_queue"], [row[:2] for row in rows])
    final = [(*row[:5], DeliveryStatus.CANCELLED, *row[5:7], now, row[7]) for row in rows]
    execute_many(connection, SQL["add_deliveries"], final)


def retry(connection: sqlite3.Connection, tenant: str, id: str, new_id: str, now: int) -> Delivery:
    row = connection.execute(SQL["waiting_delivery"], (tenant, id)).fetchone()
    if row is not None:
        return _due_now(connection, delivery_of(row), now)
    row = connection.execute(SQL["final_delivery"], (tenant, id)).fetchone()
    if row is None:
        raise NotFound(f"There is no delivery {id!r} in this tenant.")
    old = delivery_of(row)
    event = connection.execute(SQL["event"], (tenant, old.event)).fetchone()
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
    execute_many(connection, SQL["add_to_queue"], [queue_row(new, "")])
    return new


def _due_now(connection: sqlite3.Connection, delivery: Delivery, now: int) -> Delivery:
    if delivery.status is not DeliveryStatus.PENDING:
        state = "in flight" if delivery.status is DeliveryStatus.LEASED else "held: its endpoint is paused"
        raise Conflict(f"The delivery is {state}.", code="delivery_busy")
    connection.execute(SQL["due_now"], (now, delivery.tenant, delivery.id))
    return msgspec.structs.replace(delivery, due_at=now)


def cancel(connection: sqlite3.Connection, tenant: str, id: str, now: int) -> Delivery:
    row = connection.execute(SQL["waiting_delivery"], (tenant, id)).fetchone()
    if row is None:
        if connection.execute(SQL["final_delivery"], (tenant, id)).fetchone() is None:
            raise NotFound(f"There is no delivery {id!r} in this tenant.")
        raise Conflict("The delivery is final.", code="delivery_final")
    old = delivery_of(row)
    execute_many(connection, SQL["remove_from_queue"], [(tenant, id)])
    execute_many(
        connection, SQL["add_deliveries"], [final_row(old, DeliveryStatus.CANCELLED, old.attempts, now)]
    )
    return msgspec.structs.replace(old, status=DeliveryStatus.CANCELLED, due_at=None, ended_at=now)
