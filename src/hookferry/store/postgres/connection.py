"""Connections to PostgreSQL: what they are set to, and what their failures mean."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from hookferry.errors import HookferryError, NotFound, StartError, Unavailable
from hookferry.kinds import without_password
from hookferry.store.database import RacedError

_OLDEST = 15
# No statement of ours takes as long unless the database, or the way to it, is gone. Seconds.
_STATEMENT = 15.0
_CONNECT = 5.0
# Whatever was begun so many milliseconds ago has most likely ended, on either side.
LATE = 20_000
# Seconds to wait for a connection of the pool.
ACQUIRE = 5.0
# All of our statements look rows up by index. A plan that reads a whole table instead, made while the queue
# was empty and kept when it has a million rows, would be our outage; to plan anew each time costs 0.2 ms.
SETTINGS = {
    "application_name": "hookferry",
    "jit": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
    # A process that is stopped within a transaction loses it: others' results wait for the health of the
    # endpoints that it has locked, and a rescue for its deliveries.
    "idle_in_transaction_session_timeout": "3000",
    "lock_timeout": "10000",
}

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]

# What means that the database or the way to it is gone, and not that it refuses this statement.
_GONE: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InternalClientError,
)
_CAUSES: dict[type[Exception], str] = {
    asyncpg.DiskFullError: "The database's disk is full. Free some space; nothing has to be restarted.",
    asyncpg.ReadOnlySQLTransactionError: "The database is read-only. Is it a replica, or in recovery?",
    asyncpg.TooManyConnectionsError: "The database has no connection free. Raise its max_connections, or the "
    "limit of its user, or run fewer processes.",
    asyncpg.InvalidAuthorizationSpecificationError: "The database refuses our user or password. Mend them in "
    "HOOKFERRY_DATABASE.",
    asyncpg.InvalidCatalogNameError: "The database does not exist. Make it with `createdb --encoding=UTF8`.",
    asyncpg.UndefinedTableError: "The database has no tables of ours. Run `hookferry migrate up`.",
    asyncpg.InsufficientPrivilegeError: "The database's user may not do that. Make it the database's owner.",
    asyncpg.DuplicateTableError: "The database is another program's. Name another one with --database.",
}


AGAIN: tuple[type[BaseException], ...] = (
    RacedError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)

# How often a transaction is done again that met another one.
TRIES = 5
LOCKED = asyncpg.LockNotAvailableError


def unavailable(error: BaseException) -> HookferryError:
    """What a failure means to a caller, and what to do about it."""
    for kind, message in _CAUSES.items():
        if isinstance(error, kind):
            return Unavailable(message, for_all=True)
    if isinstance(error, _GONE):
        return Unavailable("The database cannot be reached; we keep trying.", for_all=True)
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        # Texts that are stored have been looked through: somebody asks for one with NUL in it.
        return NotFound("Nothing has the character NUL in its name.")
    if isinstance(error, (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)):
        return HookferryError(f"The database refused a row: {_said(error)}.")
    return Unavailable(f"The database refused: {_said(error)}.")


def _said(error: BaseException) -> str:
    """Its first line: what follows are details, and they quote values."""
    return str(error).strip().partition("\n")[0].rstrip(".")


# What leaves open whether a commit came about.
UNHEARD: tuple[type[BaseException], ...] = (Unavailable, *_GONE)
FAILURES: tuple[type[BaseException], ...] = (asyncpg.PostgresError, *_GONE)
# A row that is none of ours, too.
STARTING: tuple[type[BaseException], ...] = (*FAILURES, ValueError, TypeError, msgspec.MsgspecError)


@contextmanager
def translated() -> Iterator[None]:
    """Raises Unavailable for what PostgreSQL or the way to it refuses."""
    try:
        yield
    except FAILURES as error:
        raise unavailable(error) from error


async def connect(url: str, pooled: bool = False, most: int = 6) -> "asyncpg.Pool[Any]":
    """Connections to a database. Raises StartError with what is wrong and what to do.

    `most` is how many at a time. `pooled`: a pooler stands before it that shares connections between
    transactions. It keeps neither what a session prepares nor what it sets.
    """
    with starting(url), _sensible():
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=most,
            max_inactive_connection_lifetime=300,
            timeout=_CONNECT,
            command_timeout=_STATEMENT,
            server_settings={} if pooled else SETTINGS,
            statement_cache_size=0 if pooled else 1024,
            # The default one asks the database four things each time: our statements leave nothing behind.
            reset=_nothing,
        )
        async with pool.acquire() as connection:
            await _check(connection)
    return pool


async def connect_once(url: str) -> "asyncpg.Connection[Any]":
    """A connection without limits on how long a statement takes. Raises StartError."""
    with starting(url), _sensible():
        connection = await asyncpg.connect(url, timeout=_CONNECT)
        await _check(connection)
    return connection


@contextmanager
def _sensible() -> Iterator[None]:
    """Raises StartError for an address that cannot be read; it is not quoted, for its password."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, FAILURES):
            raise
        raise StartError(
            "The database's address cannot be read. Write special characters of the password as %23 and the "
            "like, or leave it out and set PGPASSWORD.",
            code="database",
        ) from error


async def _nothing(connection: Any) -> None:
    pass


async def _check(connection: "Connection") -> None:
    version = connection.get_server_version()
    if version.major < _OLDEST:
        raise StartError(
            f"The database is PostgreSQL {version.major}. Hookferry needs {_OLDEST} or newer.",
            code="database_too_old",
        )
    encoding = await connection.fetchval("show server_encoding")
    if encoding != "UTF8":
        raise StartError(f"The database's encoding is {encoding}. Make one with encoding UTF8.")


@contextmanager
def starting(url: str) -> Iterator[None]:
    """While a store opens: what PostgreSQL refuses is a StartError with the database's name."""
    try:
        yield
    except STARTING as error:
        raise StartError(
            f"The database {without_password(url)} cannot be used. {_why(error)}", code="database"
        ) from error
    except Unavailable as error:
        raise StartError(
            f"The database {without_password(url)} cannot be used. {error.message}", code="database"
        ) from error


def _why(error: BaseException) -> str:
    for kind, message in _CAUSES.items():
        if isinstance(error, kind):
            return message
    if isinstance(error, TimeoutError):
        return f"It did not answer within {_CONNECT:g} seconds. Does it run, and may this machine reach it?"
    if isinstance(error, OSError):
        return f"It cannot be reached: {error}. Does it run, and may this machine reach it?"
    if not isinstance(error, FAILURES):
        return "There is a row in it that cannot be read. Restore a backup."
    return f"{_said(error)}."


@asynccontextmanager
async def transaction(pool: "asyncpg.Pool[Any]", **options: Any) -> AsyncIterator["Connection"]:
    """A connection with a transaction. What fails is raised as it is."""
    async with pool.acquire(timeout=ACQUIRE) as connection, connection.transaction(**options):
        yield connection


# Times that a connection is used until it goes back to the pool, which ends it after 50,000 statements: its
# process in the database grows with what it has planned.
_MOST_USES = 10_000


class Kept:
    """A connection of the pool that is kept from one use to the next, by one user at a time.

    To take one and to give it back costs the client 50 µs, as much as the statement's own way. Its mutable
    state is the connection, how often it was used since it was taken, and whether it is or was in use.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._uses = 0
        self._used = self._in_use = False
        self.held: asyncpg.pool.PoolConnectionProxy[Any] | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """It, or another one once it is broken. What fails is raised as it is, and gives it back."""
        self._used = self._in_use = True
        try:
            held = self.held
            if held is None or not _lives(held) or self._uses >= _MOST_USES:
                held = await self._another()
            self._uses += 1
            yield held
        except BaseException:
            await self._give_back()
            raise
        finally:
            self._in_use = False

    async def give_back_unused(self) -> None:
        """Keep it no longer if nobody has used it since the last call: what stands idle for minutes may be
        cut off without a word."""
        used, self._used = self._used, False
        if not (used or self._in_use):
            # The pool ends one that it cannot take back, and nobody else needs to know.
            with suppress(*FAILURES):
                await self._give_back()

    async def _another(self) -> "asyncpg.pool.PoolConnectionProxy[Any]":
        await self._give_back()
        held = self.held = await self._pool.acquire(timeout=ACQUIRE)
        self._uses = 0
        return held

    async def _give_back(self) -> None:
        held, self.held = self.held, None
        if held is not None:
            await self._pool.release(held)


def _lives(held: "asyncpg.pool.PoolConnectionProxy[Any]") -> bool:
    try:
        return not held.is_closed()
    except asyncpg.InterfaceError:
        # The pool takes back by itself one that breaks.
        return False
