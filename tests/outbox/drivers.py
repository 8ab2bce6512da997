"""An application's code, once for each driver: make the table, then publish in a transaction.

Each raises what `end` raises, within the transaction. docs/outbox.md shows the same lines.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import asyncpg
import django
import django.db
import psycopg
import sqlalchemy
import sqlalchemy.ext.asyncio
import sqlalchemy.orm
from django.conf import settings
from django.db import transaction

from hookferry import outbox

End = Callable[[], None]
Driver = Callable[[str, str, End], None]

PAYLOAD = {"order": 17}


def with_sqlite3(url: str, tenant: str, end: End) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        outbox.create_table(connection)
        with connection:
            outbox.publish(connection, tenant, "order.created", PAYLOAD)
            end()


def with_psycopg(url: str, tenant: str, end: End) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        outbox.create_table(connection)
        with connection.transaction():
            outbox.publish(connection, tenant, "order.created", PAYLOAD)
            end()


def with_psycopg_async(url: str, tenant: str, end: End) -> None:
    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await outbox.acreate_table(connection)
            async with connection.transaction():
                await outbox.apublish(connection, tenant, "order.created", PAYLOAD)
                end()

    asyncio.run(run())


def with_asyncpg(url: str, tenant: str, end: End) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await outbox.acreate_table(connection)
            async with connection.transaction():
                await outbox.apublish(connection, tenant, "order.created", PAYLOAD)
                end()
        finally:
            await connection.close()

    asyncio.run(run())


def with_a_pool_of_asyncpg(url: str, tenant: str, end: End) -> None:
    async def run() -> None:
        async with asyncpg.create_pool(url, min_size=1) as pool, pool.acquire() as connection:
            await outbox.acreate_table(connection)
            async with connection.transaction():
                await outbox.apublish(connection, tenant, "order.created", PAYLOAD)
                end()

    asyncio.run(run())


def with_a_connection_of_sqlalchemy(url: str, tenant: str, end: End) -> None:
    engine = sqlalchemy.create_engine(for_sqlalchemy(url, "psycopg"))
    try:
        with engine.begin() as connection:
            outbox.create_table(connection)
        with engine.begin() as connection:
            outbox.publish(connection, tenant, "order.created", PAYLOAD)
            end()
    finally:
        engine.dispose()


def with_a_session_of_sqlalchemy(url: str, tenant: str, end: End) -> None:
    engine = sqlalchemy.create_engine(for_sqlalchemy(url, "psycopg"))
    try:
        with sqlalchemy.orm.Session(engine) as session, session.begin():
            outbox.create_table(session)
        with sqlalchemy.orm.Session(engine) as session, session.begin():
            outbox.publish(session, tenant, "order.created", PAYLOAD)
            end()
    finally:
        engine.dispose()


def with_a_scoped_session_of_sqlalchemy(url: str, tenant: str, end: End) -> None:
    engine = sqlalchemy.create_engine(for_sqlalchemy(url, "psycopg"))
    session = sqlalchemy.orm.scoped_session(sqlalchemy.orm.sessionmaker(engine))
    try:
        with session.begin():
            outbox.create_table(session)
        with session.begin():
            outbox.publish(session, tenant, "order.created", PAYLOAD)
            end()
    finally:
        session.remove()
        engine.dispose()


def with_an_async_connection_of_sqlalchemy(url: str, tenant: str, end: End) -> None:
    async def run() -> None:
        engine = sqlalchemy.ext.asyncio.create_async_engine(for_sqlalchemy(url, "asyncpg"))
        try:
            async with engine.begin() as connection:
                await outbox.acreate_table(connection)
            async with engine.begin() as connection:
                await outbox.apublish(connection, tenant, "order.created", PAYLOAD)
                end()
        finally:
            await engine.dispose()

    asyncio.run(run())


def with_an_async_session_of_sqlalchemy(url: str, tenant: str, end: End) -> None:
    async def run() -> None:
        engine = sqlalchemy.ext.asyncio.create_async_engine(for_sqlalchemy(url, "psycopg"))
        try:
            async with sqlalchemy.ext.asyncio.AsyncSession(engine) as session, session.begin():
                await outbox.acreate_table(session)
            async with sqlalchemy.ext.asyncio.AsyncSession(engine) as session, session.begin():
                await outbox.apublish(session, tenant, "order.created", PAYLOAD)
                end()
        finally:
            await engine.dispose()

    asyncio.run(run())


def for_sqlalchemy(url: str, driver: str) -> str:
    """The URL as SQLAlchemy has it."""
    return url.replace("postgresql://", f"postgresql+{driver}://")


def with_django(url: str, tenant: str, end: End) -> None:
    if not settings.configured:
        settings.configure(LOGGING_CONFIG=None)
        django.setup()
    connections: Any = django.db.connections
    connections.settings = connections.configure_settings({"default": for_django(url)})
    connections["default"] = connections.create_connection("default")
    try:
        with transaction.atomic():
            outbox.create_table(django.db.connection)
        with transaction.atomic():
            outbox.publish(django.db.connection, tenant, "order.created", PAYLOAD)
            end()
    finally:
        django.db.connection.close()


def for_django(url: str) -> dict[str, Any]:
    """The URL as Django's settings have it."""
    if url.startswith("sqlite"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:///")}
    parts = sqlalchemy.make_url(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.database,
        "USER": parts.username,
        "PASSWORD": parts.password,
        "HOST": parts.host,
        "PORT": parts.port,
    }


ON_SQLITE: list[Driver] = [
    with_sqlite3,
    with_a_connection_of_sqlalchemy,
    with_a_session_of_sqlalchemy,
    with_a_scoped_session_of_sqlalchemy,
    with_django,
]
ON_POSTGRESQL: list[Driver] = [
    with_psycopg,
    with_psycopg_async,
    with_asyncpg,
    with_a_pool_of_asyncpg,
    with_a_connection_of_sqlalchemy,
    with_a_session_of_sqlalchemy,
    with_a_scoped_session_of_sqlalchemy,
    with_an_async_connection_of_sqlalchemy,
    with_an_async_session_of_sqlalchemy,
    with_django,
]
