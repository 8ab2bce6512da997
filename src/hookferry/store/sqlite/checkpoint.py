"""The log's pages move into the database in a thread of their own, once a second.

Left to the writer, a commit in every few hundred moves them: it then takes 10 to 50 ms, and all that
waits behind it too. The writer still does so when the log has grown to 64 MB, which is when it can start
over; nearly all pages have moved by then.
"""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

_EVERY = 1.0


class Checkpointer:
    """Moves pages until it is closed. `connection` is its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, "hookferry-checkpoint")
        self._over = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop after the move at hand."""
        self._over.set()
        await self._task
        self._thread.shutdown()
        self._connection.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await self._over.wait()
            # What fails here fails at the next commit as well, and is told there.
            with suppress(sqlite3.Error):
                await loop.run_in_executor(
                    self._thread, self._connection.execute, "pragma wal_checkpoint(passive)"
                )
