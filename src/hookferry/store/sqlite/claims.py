"""Claiming on SQLite: read what is due on one connection, lease it on the writing one."""

import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec

from hookferry.model import Work
from hookferry.store.database import Row
from hookferry.store.rows import work_of
from hookferry.store.sqlite.statements import SQL, execute_many, select_many
from hookferry.store.values import Backlog


def claimable(
    connection: sqlite3.Connection,
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
    return [work_of(_in_bytes(row)) for row in rows]


def _claimable(connection: sqlite3.Connection, given: dict[str, Any]) -> list[Any]:
    (rows,) = connection.execute(SQL["claimable"], given).fetchone()
    found: list[Any] = msgspec.json.decode(rows)
    return found


def _in_bytes(row: list[Any]) -> Row:
    """A row with the lease's token, and bytes for hexadecimal digits: an event that is gone has none."""
    *delivery, token, occurred_at, created_at, key, scope, changes, payload = row
    blobs = [bytes.fromhex(digits) or None for digits in (scope, changes, payload)]
    return (*delivery, token + 1, occurred_at, created_at, key, *blobs)


def lease(connection: sqlite3.Connection, works: list[Work], worker: str) -> list[Work]:
    """Lease of what was read that which still is as it was."""
    keys = [(w.delivery.tenant, w.delivery.id, w.lease.token - 1) for w in works]
    there = select_many(connection, SQL["unpend"], keys)
    ours = [work for work in works if work.delivery.id in there]
    rows = [(w.delivery.tenant, w.delivery.id, worker, w.lease.token) for w in ours]
    execute_many(connection, SQL["lease"], rows)
    return ours


def next_due(connection: sqlite3.Connection, skip: Collection[str]) -> int | None:
    row = connection.execute(SQL["next_due"], {"skip": msgspec.json.encode(list(skip)).decode()}).fetchone()
    due: int | None = row[0]
    return due


def backlog(connection: sqlite3.Connection) -> Backlog:
    pending, held, total = connection.execute(SQL["backlog"]).fetchone()
    return Backlog(pending, total - pending - held, held, next_due(connection, ()))
