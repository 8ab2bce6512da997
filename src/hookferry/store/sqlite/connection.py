"""Opening the database file: owned by one process, migrated, with a key that fits."""

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from hookferry.errors import StartError
from hookferry.store.queries import Plan, migrations
from hookferry.store.sqlite.writer import DAMAGED, unavailable

# One commit in WAL mode with FULL costs one flush of the log; NORMAL would lose acknowledged events
# when the machine loses power. The log's pages move into the database beside the commits (checkpoints.py).
# Only where that falls behind does a commit move them, one that finds the log grown to 64 MB: 20 to 110 ms.
_PRAGMAS = """
pragma journal_mode = wal;
pragma synchronous = full;
pragma busy_timeout = 2000;
pragma temp_store = memory;
pragma cache_size = -16000;
pragma wal_autocheckpoint = 16000;
"""

_MIGRATIONS = "create table if not exists migrations (number integer primary key, name text, checksum text)"


class Owner:
    """The claim of one process on a database file: a lock that dies with it."""

    def __init__(self, path: Path) -> None:
        """Raises StartError if another process owns the file, or it cannot be made."""
        self._path = path.with_name(path.name + ".lock")
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError(
                f"The database file {path} cannot be opened: {error.strerror} ({path.parent})."
            ) from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            process = os.read(self._handle, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            raise StartError(
                f"The database file {path} is owned by another Hookferry process (number {process}). "
                "One process owns a SQLite file: stop that one, or name another file with --database.",
                code="owned",
            ) from error
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process own the file."""
        os.close(self._handle)


@contextmanager
def starting(path: Path) -> Iterator[None]:
    """While a store opens: what SQLite refuses is a StartError with the file's name."""
    try:
        yield
    except sqlite3.Error as error:
        raise StartError(f"The database file {path} cannot be used. {unavailable(error).message}") from error
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        # SQLite found nothing wrong with the page, but no row of ours looks like this.
        raise StartError(f"The database file {path} cannot be used. {DAMAGED}") from error


def connect(path: Path) -> sqlite3.Connection:
    """A connection for one thread. Raises sqlite3.Error for what is no usable database."""
    # Payloads are the customers' business: nobody else on this machine reads them. SQLite gives the
    # log beside the database the same mode. O_EXCL is vital: to close any descriptor of a file that is
    # open elsewhere in the process drops its POSIX locks, and then whoever else reads the database thinks
    # it was the last one and deletes the log under us.
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        connection.executescript(_PRAGMAS)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def planned(path: Path) -> Plan:
    """What a file has and what it needs; nothing is changed. Raises StartError."""
    with starting(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return _plan(connection)
        finally:
            connection.close()


def migrate(connection: sqlite3.Connection) -> list[str]:
    """Apply what is pending, each in one transaction; the names of those.

    Raises StartError, sqlite3.Error.
    """
    pending = _plan(connection).pending
    connection.execute(_MIGRATIONS)
    for migration in pending:
        _apply(connection, *migration, _checksum(migration.text))
    return [migration.name for migration in pending]


def _plan(connection: sqlite3.Connection) -> Plan:
    names = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    if names and "migrations" not in names:
        raise StartError("The database is another program's. Name another file with --database.")
    known = migrations("hookferry.store.sqlite")
    if not names:
        return Plan([], known)
    rows = connection.execute("select number, name, checksum from migrations order by number").fetchall()
    if rows and rows[-1][0] > known[-1].number:
        raise StartError(
            "The database was made by a newer Hookferry. Install that version, or use another file."
        )
    done = {number: checksum for number, _, checksum in rows}
    for migration in known:
        if migration.number in done and done[migration.number] != _checksum(migration.text):
            raise StartError(f"Migration {migration.name} is not the one that this database was made with.")
    return Plan([row[1] for row in rows], [one for one in known if one.number not in done])


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _apply(connection: sqlite3.Connection, number: int, name: str, text: str, checksum: str) -> None:
    # executescript commits what is open first, so that the transaction stands inside the script.
    note = f"insert into migrations values ({number}, '{name}', '{checksum}');"  # noqa: S608 - our own file's name
    try:
        connection.executescript(f"begin immediate; {text}; {note} commit;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
