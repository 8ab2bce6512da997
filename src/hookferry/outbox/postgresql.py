"""The outbox of an application on PostgreSQL. Any number of relays share it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import asyncpg

from hookferry.errors import ConfigError, Unreachable
from hookferry.outbox.table import Done, Failed, Publish, Row
from hookferry.store.queries import load

_SQL = load("hookferry.outbox", "postgresql")

# Seconds. A statement takes milliseconds; a database that is gone without a word is noticed after these.
_PATIENCE = 30.0

_HOPELESS = (
    asyncpg.SyntaxOrAccessError,  # no such table or column, no right to it
    asyncpg.InvalidAuthorizationSpecificationError,  # the password too
    asyncpg.InvalidCatalogNameError,
)
_FOR_NOW = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a statement meets that begins while its connection is cut
    OSError,
)


class PostgresTable:
    """See `Table`. A row is claimed by its lock: not by how far numbers went, which loses late commits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: asyncpg.Connection | None = None

    async def take(self, publish: Publish, limit: int, without: Collection[str]) -> Done:
        with self._reached():
            connection = await self._connection()
            async with connection.transaction(isolation="read_committed"):
                await connection.execute(_SQL["prepare"])
                rows = [Row(*row) for row in await connection.fetch(_SQL["claim"], limit, list(without))]
                if not rows:
                    return Done()
                done = await publish(rows)
                await connection.execute(_SQL["delete"], done.published)
                if done.failed:
                    await connection.execute(_SQL["fail"], list(done.failed), list(done.failed.values()))
        return done

    async def failed(self, limit: int) -> list[Failed]:
        with self._reached():
            connection = await self._connection()
            return [Failed(*row) for row in await connection.fetch(_SQL["failed"], limit)]

    async def retry(self, id: str | None) -> int:
        with self._reached():
            connection = await self._connection()
            tag = await connection.execute(_SQL["retry"], id)
        return int(tag.rpartition(" ")[2])

    async def close(self) -> None:
        if self._open is not None:
            await self._open.close()

    async def _connection(self) -> asyncpg.Connection:
        if self._open is None or self._open.is_closed():
            # Nothing stays prepared, so that it works through a pooler.
            self._open = await asyncpg.connect(
                self._url, timeout=_PATIENCE, command_timeout=_PATIENCE, statement_cache_size=0
            )
        return self._open

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except _HOPELESS as error:
            hint = " `hookferry outbox schema` prints the table." if "hookferry_outbox" in str(error) else ""
            raise ConfigError(f"The application's database refuses: {error}.{hint}") from None
        except _FOR_NOW as error:
            if self._open is not None:
                self._open.terminate()
            raise Unreachable(f"The application's database does not answer: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
