"""Migrations: numbered, checksummed, applied by one process at a time under an advisory lock."""

import hashlib
from typing import Any

import asyncpg

from hookferry.errors import StartError
from hookferry.store.queries import Plan, migrations

_PACKAGE = "hookferry.store.postgres"
_TABLE = """
create table if not exists migrations (
    number     integer     not null primary key,
    name       text        not null,
    checksum   text        not null,
    applied_at timestamptz not null default now()
)
"""
TABLES = ["tenants", "endpoints", "keys", "events", "queue", "deliveries", "attempts", "facts"]
_TAKEN = "select exists (select from unnest($1::text[]) as name where to_regclass(name) is not null)"
_ANOTHERS = "The database is another program's. Name another one with --database."
_LOCK = "select pg_advisory_lock(hashtext('hookferry.migrations'))"
_UNLOCK = "select pg_advisory_unlock(hashtext('hookferry.migrations'))"


async def plan(connection: Any) -> Plan:
    """Raises StartError for a schema of the future, another program's, or one that was changed afterwards."""
    if await connection.fetchval("select to_regclass('migrations')") is None:
        if await connection.fetchval(_TAKEN, TABLES):
            raise StartError(_ANOTHERS, code="not_ours")
        return Plan([], migrations(_PACKAGE))
    try:
        rows = await connection.fetch("select number, name, checksum from migrations order by number")
    except asyncpg.UndefinedColumnError as error:
        raise StartError(_ANOTHERS, code="not_ours") from error
    known = migrations(_PACKAGE)
    if rows and rows[-1][0] > known[-1].number:
        raise StartError(
            f"The database was made by a newer Hookferry: it has the migration {rows[-1][1]}. "
            "Install that version.",
            code="schema_too_new",
        )
    done = {number: checksum for number, _, checksum in rows}
    for migration in known:
        if migration.number in done and done[migration.number] != _checksum(migration.text):
            raise StartError(f"Migration {migration.name} is not the one that this database was made with.")
    return Plan([row[1] for row in rows], [one for one in known if one.number not in done])


async def migrate(connection: Any) -> list[str]:
    """Apply what is pending, each in one transaction; the names of those. Raises StartError."""
    await connection.execute(_LOCK, timeout=600)
    try:
        pending = (await plan(connection)).pending
        for migration in pending:
            async with connection.transaction():
                await connection.execute(_TABLE)
                await connection.execute(migration.text, timeout=3600)
                await connection.execute(
                    "insert into migrations (number, name, checksum) values ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    _checksum(migration.text),
                )
        return [migration.name for migration in pending]
    finally:
        await connection.execute(_UNLOCK)


def require_none(found: Plan) -> None:
    """Raises StartError if the database needs a migration: they are applied on purpose, not by a start."""
    if found.pending:
        names = ", ".join(migration.name for migration in found.pending)
        raise StartError(
            f"The database needs migrations: {names}. Look at them with `hookferry migrate plan`, "
            "apply them with `hookferry migrate up`.",
            code="migrations_pending",
        )


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
