"""Starts that cannot be: one line that says what to do, the right exit code, no traceback."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from hookferry.clock import SystemClock
from hookferry.ids import IdMaker
from hookferry.store.sqlite import SqliteStore
from hookferry.store.vault import Vault, key_from_text
from tests.cli.world import run
from tests.e2e.customer import running
from tests.support.process import ADMIN_KEY, ServerProcess

SECRET_KEY = "a secret key of forty characters, or so."
FILE = "hookferry.db"
TEXT = b"Hello, world!\n" * 1000


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    said: str


def serve(*args: str, **env: str | None) -> Ended:
    """Run `serve` as a process that is expected to end by itself; None takes a variable away."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOOKFERRY_")}
    given = {"HOOKFERRY_ADMIN_KEY": ADMIN_KEY, "HOOKFERRY_SECRET_KEY": SECRET_KEY, **env}
    done = subprocess.run(
        [sys.executable, "-m", "hookferry", "serve", "--port", "0", *args],
        env={**clean, **{name: value for name, value in given.items() if value is not None}},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return Ended(done.returncode, done.stderr)


def hookferry(*args: str, **env: str | None) -> Ended:
    """Run a command in this process: one that opens the database, or ends before a server would start."""
    done = run(*args, **{"HOOKFERRY_ADMIN_KEY": ADMIN_KEY, "HOOKFERRY_SECRET_KEY": SECRET_KEY, **env})
    return Ended(done.exit_code, done.stderr)


def check(ended: Ended, code: int, *words: str) -> None:
    """One line on standard error, these words in it, and the exit code."""
    assert (ended.code, ended.said.count("\n"), ended.said[:7]) == (code, 1, "Error: "), ended.said
    assert [word for word in words if word not in ended.said] == [], ended.said


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def database(folder: Path) -> Path:
    """A database of ours."""
    clock = SystemClock()
    ids = IdMaker(clock.now, lambda bits: 0)
    store = SqliteStore(folder / FILE, clock, ids, Vault(key_from_text(SECRET_KEY)))
    await store.open()
    await store.close()
    return folder / FILE


@contextmanager
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


def test_a_port_in_use() -> None:
    """The port, and the flag that chooses another."""
    with taken_port() as port:
        check(serve("--port", port), 1, port, "--port")


def test_a_port_in_use_leaves_nothing_behind(folder: Path) -> None:
    """Nothing is made when the port is taken."""
    with taken_port() as port:
        serve("--port", port)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "ü" * 70])
def test_a_host_that_is_not_here(host: str) -> None:
    """An address that this machine does not have."""
    check(serve("--host", host), 1, host, "--host")


async def test_owned(folder: Path) -> None:
    """A file that another process owns, whose number is said."""
    async with running(ServerProcess(folder)) as server:
        assert server.process is not None
        check(serve(HOOKFERRY_SECRET_KEY=None), 1, FILE, str(server.process.pid))


def test_no_database(folder: Path) -> None:
    """A file that is no database is named."""
    (folder / FILE).write_bytes(TEXT)
    check(serve(), 1, FILE, "not a SQLite database")


@pytest.mark.parametrize("command", ["migrate", "prune"])
@pytest.mark.parametrize("content", [TEXT, b"\0" * 100, b"SQLite format 3\0"], ids=["text", "zeros", "head"])
def test_no_database_for_commands(folder: Path, command: str, content: bytes) -> None:
    """The commands that open the database say so as well."""
    (folder / FILE).write_bytes(content)
    check(hookferry(command), 1, FILE, "not a SQLite database")


def test_no_database_is_kept(folder: Path) -> None:
    """A file that is no database stays as it is."""
    (folder / FILE).write_bytes(TEXT)
    hookferry("migrate")
    assert (folder / FILE).read_bytes() == TEXT


def test_another_programs_database(folder: Path) -> None:
    """A database of another program is not taken for ours."""
    with closing(sqlite3.connect(folder / FILE)) as other:
        other.execute("create table events (day text)")
    check(hookferry("migrate"), 1, "another program")


@pytest.mark.parametrize("page", [0, 1, 2, 5, 9])
@pytest.mark.parametrize("with_what", [b"\xff", b"\0", b"garbage "])
def test_a_damaged_database(database: Path, page: int, with_what: bytes) -> None:
    """A page that was overwritten is found, or is none that a start needs."""
    content = bytearray(database.read_bytes())
    start = max(page * 4096, 100)
    end = (page + 1) * 4096
    content[start:end] = (with_what * 4096)[: end - start]
    database.write_bytes(content)
    ended = hookferry("migrate")
    if ended.code:
        check(ended, 1, "damaged", "backup")


@pytest.mark.parametrize("size", [4096, 20_000])
def test_a_database_cut_short(database: Path, size: int) -> None:
    """A file that lost its end is damaged."""
    os.truncate(database, size)
    check(hookferry("migrate"), 1, "damaged", "backup")


def test_a_server_finds_the_damage(database: Path) -> None:
    """A server does not start on a damaged file."""
    os.truncate(database, 20_000)
    check(serve(), 1, "damaged", "backup")


def test_a_newer_database(database: Path) -> None:
    """A database of a newer version says so."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("insert into migrations values (9999, '9999_later.sql', 'x')")
    check(hookferry("migrate"), 1, "newer")


@pytest.mark.parametrize("place", ["gone/x.db", "/dev/null/x.db"])
@pytest.mark.parametrize("secret_key", [None, SECRET_KEY], ids=["key file", "key"])
def test_a_folder_that_cannot_be_used(place: str, secret_key: str | None) -> None:
    """A folder that is not there, or that is none."""
    check(serve("--database", f"sqlite:///{place}", HOOKFERRY_SECRET_KEY=secret_key), 1, place)


def test_a_folder_as_a_file(folder: Path) -> None:
    """A folder in the place of the file."""
    (folder / FILE).mkdir()
    check(hookferry("migrate"), 1, FILE)


@pytest.mark.parametrize("command", ["migrate", "prune"])
def test_no_file(command: str) -> None:
    """The commands that open the database do not make one."""
    check(hookferry(command), 1, FILE, "--database")


def test_no_admin_key() -> None:
    """There is no default key."""
    check(serve(HOOKFERRY_ADMIN_KEY=None), 1, "HOOKFERRY_ADMIN_KEY", "--dev")


@pytest.mark.parametrize("variable", ["HOOKFERRY_ADMIN_KEY", "HOOKFERRY_SECRET_KEY"])
@pytest.mark.parametrize("value", ["", "short", "x" * 31])
def test_weak_keys(variable: str, value: str) -> None:
    """A key that can be guessed is refused, and is not repeated."""
    check(hookferry("serve", **{variable: value}), 2, variable, "openssl rand -hex 32")


def test_another_secret_key(database: Path) -> None:
    """A key that does not open the database."""
    check(serve(HOOKFERRY_SECRET_KEY=SECRET_KEY[::-1]), 1, "HOOKFERRY_SECRET_KEY")


def test_a_lost_key_file(database: Path) -> None:
    """A database that was made with a key is not opened with a new key file."""
    check(serve(HOOKFERRY_SECRET_KEY=None), 1, "HOOKFERRY_SECRET_KEY")


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 40])
def test_a_damaged_key_file(folder: Path, content: bytes) -> None:
    """A key file that holds no key is named."""
    (folder / FILE).touch()
    (folder / f"{FILE}.key").write_bytes(content)
    check(hookferry("migrate", HOOKFERRY_SECRET_KEY=None), 1, f"{FILE}.key")


def test_an_unknown_variable() -> None:
    """A misspelt variable."""
    check(
        hookferry("serve", HOOKFERRY_ALOW_NET="10.0.0.0/8"),
        2,
        "HOOKFERRY_ALOW_NET",
        "mean HOOKFERRY_ALLOW_NET?",
    )


def test_an_unknown_setting(folder: Path) -> None:
    """A misspelt name in the file."""
    (folder / "hookferry.toml").write_text('databse = "sqlite:///x.db"\n')
    check(hookferry("serve"), 2, "databse", "hookferry.toml", "mean database?")


@pytest.mark.parametrize("text", ["port = ", "port = 1\nport = 2\n", "\xff"])
def test_a_file_that_is_no_toml(folder: Path, text: str) -> None:
    """A file that cannot be read is named."""
    (folder / "hookferry.toml").write_text(text, "latin-1")
    check(hookferry("serve"), 2, "hookferry.toml")


def test_an_unknown_flag() -> None:
    """A misspelt flag is a usage error."""
    ended = hookferry("serve", "--databse", "x")
    assert (ended.code, "--database" in ended.said) == (2, True)


def test_time_scale() -> None:
    """Fast motion is for development only."""
    check(hookferry("serve", "--time-scale", "10"), 2, "time_scale", "--dev")
