"""Starts on PostgreSQL that cannot be: one line that says what to do, exit code 1, and never the password."""

import asyncio
import secrets
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.e2e.machines import command
from tests.support.place import Place
from tests.support.postgres import Databases, PostgresServer

PASSWORD = "canary"


def missing(said: str, *words: str) -> list[str]:
    """Those that are not in it."""
    return [word for word in words if word not in said]


async def refused(folder: Path, url: str, *args: str, **env: str | None) -> str:
    """What a command says, which ends with exit code 1, in one line, without the password."""
    code, said = await command(folder, url, *(args or ("serve", "--port", "0")), **env)
    assert (code, said.count("\n"), said[:7], PASSWORD in said) == (1, 1, "Error: ", False), said
    return said


def run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def role(url: str, attributes: str) -> Iterator[str]:
    """The URL for a new user of the server, with these attributes; its password is known."""
    name = f"hookferry_test_{secrets.token_hex(6)}"
    run(url, f"create role {name} login password '{PASSWORD}' {attributes}")
    parts = urlsplit(url)
    try:
        yield parts._replace(netloc=f"{name}:{PASSWORD}@{parts.hostname}:{parts.port}").geturl()
    finally:
        run(url, f"drop owned by {name}")
        run(url, f"drop role {name}")


async def test_nobody_there(tmp_path: Path, closed_port: int) -> None:
    """The address, and what to look at."""
    url = f"postgresql://app:{PASSWORD}@127.0.0.1:{closed_port}/hookferry"
    said = await refused(tmp_path, url)
    assert missing(said, "postgresql://app@127.0.0.1:", "Does it run") == []


async def test_a_host_that_is_none(tmp_path: Path) -> None:
    """A name that nobody knows."""
    assert "nowhere.invalid" in await refused(tmp_path, f"postgresql://app:{PASSWORD}@nowhere.invalid/x")


@pytest.mark.parametrize("place", ["#x@127.0.0.1/x", "?x@127.0.0.1/x", "/x@127.0.0.1/x", "[x@127.0.0.1/x"])
async def test_a_password_with_special_characters(tmp_path: Path, place: str) -> None:
    """What is not written as it should be is not quoted, and it is said how to write it."""
    assert "%23" in await refused(tmp_path, f"postgresql://app:{PASSWORD}{place}")


async def test_a_wrong_password(tmp_path: Path, durable_postgres: PostgresServer) -> None:
    """Where to mend it."""
    port = urlsplit(durable_postgres.url("postgres")).port
    said = await refused(tmp_path, f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres")
    assert missing(said, "password", "HOOKFERRY_DATABASE") == []


async def test_no_such_database(tmp_path: Path, postgres_server: Databases) -> None:
    """How to make it."""
    assert "createdb" in await refused(tmp_path, postgres_server.url("hookferry_none"))


async def test_another_encoding(tmp_path: Path, postgres_server: Databases) -> None:
    """Payloads and names are of every language."""
    name = f"hookferry_test_{secrets.token_hex(6)}"
    run(
        postgres_server.url("postgres"),
        f"create database {name} encoding 'LATIN1' template template0 locale 'C'",
    )
    said = await refused(tmp_path, postgres_server.url(name))
    postgres_server.drop_database(name)
    assert missing(said, "LATIN1", "UTF8") == []


async def test_pending_migrations(tmp_path: Path, postgres_url: str) -> None:
    """They are applied on purpose, and it says how."""
    assert "hookferry migrate up" in await refused(tmp_path, postgres_url)


@pytest.mark.parametrize("args", [("serve", "--port", "0"), ("migrate", "up"), ("migrate", "status")])
async def test_a_schema_of_the_future(on_postgres: Place, args: tuple[str, ...]) -> None:
    """A database that a newer version has touched."""
    assert on_postgres.url is not None
    run(on_postgres.url, "insert into migrations values (9999, '9999_later.sql', 'x')")
    said = await refused(on_postgres.folder, on_postgres.url, *args)
    assert missing(said, "newer Hookferry", "9999_later") == []


@pytest.mark.parametrize("table", ["tenants", "events", "queue"])
@pytest.mark.parametrize("args", [("serve", "--port", "0"), ("migrate", "up")])
async def test_another_programs_database(
    tmp_path: Path, postgres_url: str, args: tuple[str, ...], table: str
) -> None:
    """Is not taken for ours, whichever of its tables has a name of ours."""
    run(postgres_url, f"create table {table} (day text)")
    assert "another program" in await refused(tmp_path, postgres_url, *args)


async def test_another_programs_migrations(tmp_path: Path, postgres_url: str) -> None:
    """A table of that name is common."""
    run(postgres_url, "create table migrations (id int, migration text, batch int)")
    assert "another program" in await refused(tmp_path, postgres_url, "migrate", "up")


async def test_another_programs_database_stays_as_it_was(tmp_path: Path, postgres_url: str) -> None:
    """No table of ours is left in it."""
    run(postgres_url, "create table events (day text)")
    await refused(tmp_path, postgres_url, "migrate", "up")
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
        )
        assert tables.fetchall() == [("events",)]


async def test_no_secret_key(on_postgres: Place) -> None:
    """All machines need the same one."""
    assert on_postgres.url is not None
    said = await refused(on_postgres.folder, on_postgres.url, HOOKFERRY_SECRET_KEY=None)
    assert missing(said, "HOOKFERRY_SECRET_KEY", "openssl rand -hex 32") == []


async def test_another_secret_key(on_postgres: Place) -> None:
    """Better now than at each delivery."""
    assert on_postgres.url is not None
    server = on_postgres.server()
    await server.start()
    server.stop()
    said = await refused(on_postgres.folder, on_postgres.url, HOOKFERRY_SECRET_KEY="x" * 40)
    assert "encrypted under another key" in said


def make_read_only(url: str) -> None:
    run(url, f"alter database {urlsplit(url).path[1:]} set default_transaction_read_only = on")


@pytest.mark.parametrize("args", [("serve", "--port", "0"), ("prune",)])
async def test_a_read_only_database(on_postgres: Place, args: tuple[str, ...]) -> None:
    """A replica, or one that somebody has set so."""
    assert on_postgres.url is not None
    make_read_only(on_postgres.url)
    assert "read-only" in await refused(on_postgres.folder, on_postgres.url, *args)


async def test_no_migration_of_a_read_only_database(tmp_path: Path, postgres_url: str) -> None:
    """It cannot be brought to a version."""
    make_read_only(postgres_url)
    assert "read-only" in await refused(tmp_path, postgres_url, "migrate", "up")


async def test_no_connection_left(tmp_path: Path, postgres_url: str) -> None:
    """What to raise."""
    with role(postgres_url, "connection limit 0") as url:
        assert "no connection free" in await refused(tmp_path, url)


async def test_a_user_without_rights(tmp_path: Path, postgres_url: str) -> None:
    """It cannot make the tables."""
    with role(postgres_url, "") as url:
        assert "owner" in await refused(tmp_path, url, "migrate", "up")


async def test_an_old_postgresql(tmp_path: Path) -> None:
    """Which one it is, and which is needed."""
    async with pretending("14.20") as url:
        said = await refused(tmp_path, url)
    assert missing(said, "PostgreSQL 14", "15 or newer") == []


async def test_something_else_at_the_port(tmp_path: Path) -> None:
    """What answers is no PostgreSQL."""
    async with pretending(None) as url:
        assert "cannot be used" in await refused(tmp_path, url)


@asynccontextmanager
async def pretending(version: str | None) -> AsyncIterator[str]:
    """Somebody who greets like a PostgreSQL of a version, or like none at all."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        (kind,) = struct.unpack("!i", (await reader.readexactly(length - 4))[:4])
        if kind == 80_877_103:  # asks for TLS first
            writer.write(b"N")
            (length,) = struct.unpack("!i", await reader.readexactly(4))
            await reader.readexactly(length - 4)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" if version is None else _greeting(version))
        await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1") as server:
        yield f"postgresql://app:{PASSWORD}@127.0.0.1:{server.sockets[0].getsockname()[1]}/hookferry"


def _greeting(version: str) -> bytes:
    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!i", len(body) + 4) + body

    said = {"server_version": version, "client_encoding": "UTF8", "server_encoding": "UTF8"}
    parameters = b"".join(message(b"S", f"{name}\0{value}\0".encode()) for name, value in said.items())
    return message(b"R", bytes(4)) + parameters + message(b"K", bytes(8)) + message(b"Z", b"I")
