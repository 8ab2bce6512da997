"""Finds out how a database is. See `store.condition`."""

import time
from typing import Any

from hookferry.store.condition import Condition
from hookferry.store.postgres import migrations
from hookferry.store.postgres.statements import Statements
from hookferry.store.vault import UnreadableError, Vault

_ROUND_TRIPS = 5


async def read(connection: Any, vault: Vault | None) -> Condition:
    """Changes nothing. Raises StartError for a database that is not ours, or too new."""
    plan = await migrations.plan(connection)
    db = Statements(connection)
    away = min([await _round_trip(db) for _ in range(_ROUND_TRIPS)])
    began = time.time()
    (row,) = await db.rows("condition", migrations.TABLES)
    between = (began + time.time()) / 2
    version, read_only, may_migrate, now, *rest = row
    return Condition(
        tuple(migration.name for migration in plan.pending),
        await _key_fits(db, vault) if plan.applied and vault else None,
        away,
        version.partition(" ")[0],
        read_only,
        may_migrate,
        now / 1000 - between,
        *rest,
    )


async def _round_trip(db: Statements) -> float:
    began = time.perf_counter()
    await db.row("database_now")
    return time.perf_counter() - began


async def _key_fits(db: Statements, vault: Vault) -> bool | None:
    row = await db.row("fact", "sealed")
    if row is None:
        return None
    try:
        vault.open(row[0], "facts")
    except UnreadableError:
        return False
    return True
