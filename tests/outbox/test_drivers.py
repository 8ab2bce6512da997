"""Each driver: a commit publishes exactly one event, a rollback none."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy

from hookferry import outbox
from tests.outbox.application import Application, Tenant
from tests.outbox.drivers import ON_POSTGRESQL, ON_SQLITE, PAYLOAD, Driver

DRIVERS = [
    *(pytest.param("on_sqlite", driver, id=f"{driver.__name__}-sqlite") for driver in ON_SQLITE),
    *(pytest.param("on_postgresql", driver, id=f"{driver.__name__}-postgresql") for driver in ON_POSTGRESQL),
]

every_driver = pytest.mark.parametrize(("database", "driver"), DRIVERS)


class Rollback(Exception):
    """The application changes its mind."""


def change_of_mind() -> None:
    raise Rollback


@pytest.fixture
def application(request: pytest.FixtureRequest, database: str) -> Application:
    """A database without the table: each driver makes it."""
    found: Application = request.getfixturevalue(database)
    found.run("drop table hookferry_outbox")
    return found


@every_driver
def test_commit(application: Application, driver: Driver, tenant: Tenant) -> None:
    """What is committed is published exactly once."""
    driver(application.url, tenant.id, lambda: None)
    tenant.relay(application)
    tenant.relay(application)
    assert tenant.payloads() == [PAYLOAD]


@every_driver
def test_rollback(application: Application, driver: Driver, tenant: Tenant) -> None:
    """What is rolled back is never published."""
    with pytest.raises(Rollback):
        driver(application.url, tenant.id, change_of_mind)
    tenant.relay(application)
    assert tenant.events() == []


def test_no_commit(on_sqlite: Application) -> None:
    """To publish does not commit."""
    with closing(sqlite3.connect(on_sqlite.url.removeprefix("sqlite:///"))) as connection:
        outbox.publish(connection, "acme", "a.b", 1)
        assert connection.in_transaction


class OwnConnection(sqlite3.Connection):
    """A connection of the application's own making."""


def test_a_class_of_its_own(on_sqlite: Application) -> None:
    """A class that inherits from a driver's is as good."""
    path = on_sqlite.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, factory=OwnConnection)) as connection, connection:
        outbox.publish(connection, "acme", "a.b", 1)
    assert on_sqlite.waiting == 1


@pytest.mark.parametrize("connection", [object(), None, "sqlite:///app.db"])
@pytest.mark.parametrize("call", [lambda one: outbox.publish(one, "a", "b", 1), outbox.create_table])
def test_no_connection(call: Callable[[Any], object], connection: object) -> None:
    """What is no connection is a TypeError that says what is one."""
    with pytest.raises(TypeError, match=r"none of .*sqlite3\.Connection"):
        call(connection)


def test_a_synchronous_function_with_an_asynchronous_connection(postgres_url: str) -> None:
    """`publish` with an asynchronous connection says which function to await; nothing is left unawaited."""

    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
            with pytest.raises(TypeError, match="such as `apublish`"):
                outbox.publish(connection, "acme", "a.b", 1)

    asyncio.run(run())


def test_an_asynchronous_function_with_a_synchronous_connection() -> None:
    """`apublish` with a synchronous connection says which function to call."""
    with (
        closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(TypeError, match="such as `publish`"),
    ):
        asyncio.run(outbox.apublish(connection, "acme", "a.b", 1))


def test_a_pool_is_no_connection(postgres_url: str) -> None:
    """A pool would write outside of the transaction, so that it is refused."""

    async def run() -> None:
        async with asyncpg.create_pool(postgres_url, min_size=1) as pool:
            with pytest.raises(TypeError, match=r"asyncpg\.Pool is none of"):
                await outbox.apublish(pool, "acme", "a.b", 1)

    asyncio.run(run())


def test_a_table_for_another_database() -> None:
    """There is a table for two kinds of database, and an error for the others."""
    engine = sqlalchemy.create_mock_engine("mysql://", lambda *_: None)
    with pytest.raises(ValueError, match="not for 'mysql'"):
        outbox.schema(engine.dialect.name)


def test_the_transaction_goes_on_after_an_error(on_postgresql: Application) -> None:
    """What is no JSON is refused before the database hears of it."""
    with on_postgresql.transaction() as connection:
        with pytest.raises(TypeError):
            outbox.publish(connection, "acme", "a.b", {1, 2})
        outbox.publish(connection, "acme", "a.b", [1, 2])
    assert on_postgresql.waiting == 1
