"""An application's code, once for each driver: make the table, then publish in a transaction.

The lines that publish are those of docs/outbox.md. Each raises what `end` raises, within the transaction.
"""

import ast
import asyncio
import inspect
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import django
import django.db
import psycopg
import sqlalchemy
from django.conf import settings
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from hookferry import outbox

End = Callable[[], None]
Driver = Callable[[str, str, End], None]

PAYLOAD = {"order": 17}

_PAGE = Path(__file__).parents[2].joinpath("docs/outbox.md").read_text("utf-8")
SHOWN = dict(re.findall(r"### ([^\n]+)\n\n```python\n(.*?)```", _PAGE, re.DOTALL))
"""What the page shows for each driver."""


def shown(driver: str, tenant: str, end: End, **names: Any) -> None:
    """Run what the page shows for a driver."""
    exec(SHOWN[driver], _names(tenant, end, names))


async def ashown(driver: str, tenant: str, end: End, **names: Any) -> None:
    """As `shown`, for what awaits."""

    async def save(*_: Any) -> None:
        end()

    code = compile(SHOWN[driver], "docs/outbox.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, {**_names(tenant, end, names), "save": save})
    assert inspect.isawaitable(running)
    await running


def _names(tenant: str, end: End, more: dict[str, Any]) -> dict[str, Any]:
    return {"outbox": outbox, "tenant": tenant, "order": PAYLOAD, "save": lambda *_: end(), **more}


def with_sqlite3(url: str, tenant: str, end: End) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        outbox.create_table(connection)
        shown("sqlite3", tenant, end, connection=connection)


def with_psycopg(url: str, tenant: str, end: End) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        outbox.create_table(connection)
        shown("psycopg", tenant, end, connection=connection)


def with_psycopg_async(url: str, tenant: str, end: End) -> None:
    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await outbox.acreate_table(connection)
            await ashown("psycopg, asynchronous", tenant, end, connection=connection)

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
        async with asyncpg.create_pool(url, min_size=1) as pool:
            async with pool.acquire() as connection:
                await outbox.acreate_table(connection)
            await ashown("asyncpg", tenant, end, pool=pool)

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
        with Session(engine) as session, session.begin():
            outbox.create_table(session)
        shown("SQLAlchemy", tenant, end, engine=engine, Session=Session)
    finally:
        engine.dispose()


def with_a_scoped_session_of_sqlalchemy(url: str, tenant: str, end: End) -> None:
    engine = sqlalchemy.create_engine(for_sqlalchemy(url, "psycopg"))
    session = scoped_session(sessionmaker(engine))
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
        engine = create_async_engine(for_sqlalchemy(url, "asyncpg"))
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
        engine = create_async_engine(for_sqlalchemy(url, "psycopg"))
        try:
            async with AsyncSession(engine) as session, session.begin():
                await outbox.acreate_table(session)
            await ashown("SQLAlchemy, asynchronous", tenant, end, engine=engine, AsyncSession=AsyncSession)
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
        outbox.create_table(django.db.connection)
        shown("Django", tenant, end)
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
