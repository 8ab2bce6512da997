"""The transactional outbox, for applications: an event is written in the application's own transaction.

It is there if that transaction commits and was never there if it rolls back. `hookferry outbox relay` then
publishes it, one event for each row (docs/outbox.md). Importing this takes the standard library alone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hookferry.outbox.connections import arun, dialect_of, run
from hookferry.outbox.row import new_row
from hookferry.outbox.statements import add, schema, statements

__all__ = ["acreate_table", "apublish", "create_table", "publish", "schema"]


def publish(
    connection: Any,
    tenant: str,
    type: str,
    payload: Any,
    *,
    occurred_at: datetime | None = None,
    changes: Mapping[str, Any] | None = None,
    scope: Mapping[str, Any] | None = None,
) -> str:
    """Write an event in the connection's open transaction, without a commit; the row's id.

    `connection` is one of sqlite3, psycopg, SQLAlchemy (a Session too) or Django. `payload` is what `json`
    can encode, or `bytes` that are JSON already and stay as they are. `occurred_at` needs a time zone; left
    out it is now. The id is the event's idempotency key.

    Raises TypeError for another connection, TypeError or ValueError for what is no JSON: nothing is written
    then, and the transaction can go on. What the driver raises comes through.
    """
    row = new_row(tenant, type, payload, occurred_at, changes, scope)
    run(connection, add(), row)
    return str(row["id"])


async def apublish(
    connection: Any,
    tenant: str,
    type: str,
    payload: Any,
    *,
    occurred_at: datetime | None = None,
    changes: Mapping[str, Any] | None = None,
    scope: Mapping[str, Any] | None = None,
) -> str:
    """As `publish`, for asynchronous connections: asyncpg, psycopg's and SQLAlchemy's."""
    row = new_row(tenant, type, payload, occurred_at, changes, scope)
    await arun(connection, add(), row)
    return str(row["id"])


def create_table(connection: Any) -> None:
    """Create the table where it is not there, without a commit. Raises ValueError for another dialect."""
    for statement in statements(dialect_of(connection)):
        run(connection, statement)


async def acreate_table(connection: Any) -> None:
    """As `create_table`, for asynchronous connections."""
    for statement in statements(dialect_of(connection)):
        await arun(connection, statement)
