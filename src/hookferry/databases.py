"""Opens the database that the settings name: with `app`, the only place that knows the backends."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from hookferry.clock import Clock, DatabaseClock, SystemClock
from hookferry.config import Settings
from hookferry.delivery.keeper import prune_step
from hookferry.errors import StartError
from hookferry.ids import IdMaker
from hookferry.store.condition import Condition
from hookferry.store.queries import Plan
from hookferry.store.sqlite import SqliteStore
from hookferry.store.sqlite.connection import planned as planned_on_sqlite
from hookferry.store.values import Pruned
from hookferry.store.vault import Vault, key_from_file, key_from_text

if TYPE_CHECKING:
    from hookferry.store.postgres import PostgresStore

    AnyStore = SqliteStore | PostgresStore


def store_of(settings: Settings, *, delivers: bool = True) -> "AnyStore":
    """The store that the settings name, not opened yet. Raises StartError without a key or a driver.

    `delivers`: false for a process that sends nothing.
    """
    clock: Clock = SystemClock() if settings.embedded else DatabaseClock()
    ids = IdMaker.seeded(clock.now)
    vault = Vault(secret_key(settings))
    if settings.embedded:
        return SqliteStore(settings.database_file(), clock, ids, vault)
    _require_driver()
    from hookferry.store.postgres import PostgresStore

    return PostgresStore(
        settings.database,
        clock,
        ids,
        vault,
        migrate=settings.dev,
        direct=settings.direct_database,
        delivers=delivers,
    )


def secret_key(settings: Settings) -> bytes:
    """What encrypts the secrets in the database: from the settings, or from a file beside SQLite's.

    Raises StartError: with PostgreSQL all machines need the same one.
    """
    if settings.secret_key is not None:
        return key_from_text(settings.secret_key)
    if not settings.embedded:
        raise StartError(
            "There is no key to encrypt secrets with. Set HOOKFERRY_SECRET_KEY to the same on every machine, "
            "for example from `openssl rand -hex 32`, and keep it: without it the secrets are lost."
        )
    return key_from_file(_key_file(settings))


def _key_file(settings: Settings) -> Path:
    file = settings.database_file()
    return file.with_name(file.name + ".key")


def _require_driver() -> None:
    try:
        import asyncpg  # noqa: F401
    except ImportError as error:
        raise StartError(
            "PostgreSQL needs its driver. Install it with `pip install 'hookferry[postgres]'`."
        ) from error


def migrate(settings: Settings) -> list[str]:
    """Bring the database to this version; the names of the migrations applied. Raises StartError."""

    async def run() -> list[str]:
        if settings.embedded:
            async with _opened(settings) as store:
                return store.migrated
        async with _connected(settings) as connection:
            from hookferry.store.postgres import migrations

            return await migrations.migrate(connection)

    return uvloop.run(run())


def migrations_of(settings: Settings) -> Plan:
    """What the database has and what it needs. Raises StartError for one that is not ours, or too new."""

    async def run() -> Plan:
        if settings.embedded:
            return planned_on_sqlite(_existing(settings))
        async with _connected(settings) as connection:
            from hookferry.store.postgres import migrations

            return await migrations.plan(connection)

    return uvloop.run(run())


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Any]:
    """A connection of its own: migrations take as long as they take."""
    _require_driver()
    from hookferry.store.postgres.connection import connect_once, starting

    url = settings.direct_database or settings.database
    connection = await connect_once(url)
    try:
        with starting(url):
            yield connection
    finally:
        await connection.close()


def copy(source: Settings, target: Settings, tell: Callable[[str, int, int], None]) -> dict[str, int]:
    """Move everything from a SQLite file to an empty PostgreSQL database; how many rows of each table.

    `tell` is told of each table how many rows are copied, of how many. Raises StartError: all or nothing.
    """
    file = _existing(source)

    async def run() -> dict[str, int]:
        async with _connected(target) as connection:
            from hookferry.store import copying
            from hookferry.store.postgres import migrations

            await migrations.migrate(connection)
            with copying.owned(file, _vaults(source), SystemClock().now()) as found:
                await copying.copy(found, connection, Vault(secret_key(target)), tell)
                return {table.name: table.rows for table in found.tables}

    return uvloop.run(run())


def _vaults(settings: Settings) -> list[Vault]:
    """What may open a SQLite file's secrets: its key file, if there is one, or HOOKFERRY_SECRET_KEY."""
    file = _key_file(settings)
    keys = [key_from_file(file)] if file.exists() else []
    if settings.secret_key is not None:
        keys.append(key_from_text(settings.secret_key))
    if not keys:
        raise StartError(
            f"The key of {settings.database_file()} is missing. Put its key file, or what was its "
            f"HOOKFERRY_SECRET_KEY, into {file}."
        )
    return [Vault(key) for key in keys]


def condition(settings: Settings) -> Condition:
    """How a PostgreSQL database is. Nothing is changed. Raises StartError, ConfigError."""
    vault = None if settings.secret_key is None else Vault(key_from_text(settings.secret_key))

    async def run() -> Condition:
        async with _connected(settings) as connection:
            from hookferry.store.postgres import condition

            return await condition.read(connection, vault)

    return uvloop.run(run())


def prune(settings: Settings) -> Pruned:
    """Apply retention now; how much went. Raises StartError while a server owns the database."""

    async def run() -> Pruned:
        total = Pruned()
        keep = int(settings.retention * 1000), int(settings.body_retention * 1000)
        async with _opened(settings) as store:
            more = True
            while more:
                step, more = await prune_step(store, store.clock.now(), *keep)
                total = total.plus(step)
        return total

    return uvloop.run(run())


def _existing(settings: Settings) -> Path:
    file = settings.database_file()
    if not file.exists():
        raise StartError(f"There is no database file {file}. Name it with --database.")
    return file


@asynccontextmanager
async def _opened(settings: Settings) -> "AsyncIterator[AnyStore]":
    if settings.embedded:
        _existing(settings)
    store = store_of(settings, delivers=False)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
