"""Retention: what is old goes, a bounded number of rows at a time."""

import sqlite3

from hookferry.store.queries import load
from hookferry.store.values import Pruned

SQL = load("hookferry.store.sqlite", "retention")

# These leave their rows in the table: where they have come to is kept, so that no row is read twice.
_ONWARD = {"prune_payloads": "newest_event", "prune_attempt_bodies": "newest_attempt"}


class Retention:
    """Scans each table in the order of its rows, oldest first, and goes on past what has to stay.

    A pass ends when no scan finds anything old any more; the next begins anew, for what had to stay because
    it waited. The mutable state is where the scans of this pass have come to.
    """

    def __init__(self) -> None:
        self._come_to: dict[str, int] = {}

    def prune(
        self, connection: sqlite3.Connection, before: int, bodies_before: int, now: int, limit: int
    ) -> tuple[Pruned, bool]:
        """See the seam. Each scan reads up to `limit` rows."""
        # Deleting comes first: see `_watermark`.
        wanted = {
            "prune_attempts": before,
            "prune_deliveries": before,
            "prune_events": before,
            "prune_left_payloads": bodies_before,
            "prune_payloads": bodies_before,
            "prune_attempt_bodies": bodies_before,
        }
        found = {name: self._scan(connection, name, bound, limit) for name, bound in wanted.items()}
        went = {name: rows or 0 for name, rows in found.items()}
        keys = connection.execute(SQL["prune_idempotency"], {"now": now, "limit": limit}).rowcount
        more = keys == limit or any(rows is not None for rows in found.values())
        if not more:
            self._come_to.clear()
        pruned = Pruned(
            attempts=went["prune_attempts"],
            deliveries=went["prune_deliveries"],
            events=went["prune_events"],
            bodies=went["prune_left_payloads"] + went["prune_payloads"] + went["prune_attempt_bodies"],
            keys=keys,
        )
        return pruned, more

    def _scan(self, connection: sqlite3.Connection, name: str, before: int, limit: int) -> int | None:
        """How many of the next rows went; None if none of them is old: that is the end."""
        after = self._watermark(connection, name)
        given = {"after": after, "before": before, "limit": limit}
        (last,) = connection.execute(SQL[f"{name}_until"], given).fetchone()
        if last is None:
            return None
        given = {"after": after, "last": last, "before": before}
        went = connection.execute(SQL[name], given).rowcount
        if (then := SQL.get(f"{name}_then")) is not None:
            connection.execute(then, given)
        if name in _ONWARD:
            connection.execute(SQL["put_watermark"], (name, last))
        else:
            self._come_to[name] = last
        return went

    def _watermark(self, connection: sqlite3.Connection, name: str) -> int:
        if name not in _ONWARD:
            return self._come_to.get(name, 0)
        # Rows that were deleted at the end of a table have their numbers given out again.
        (newest,) = connection.execute(SQL[_ONWARD[name]]).fetchone()
        connection.execute(SQL["lower_watermark"], {"newest": newest, "name": name})
        row = connection.execute(SQL["watermark"], (name,)).fetchone()
        return int(row[0]) if row else 0
