"""A connection that reads, with a thread of its own."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from hookferry.store.sqlite.writer import unavailable

T = TypeVar("T")


class Reader:
    """Runs functions on its connection, one after the other, away from the event loop."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, f"hookferry-{name}")

    async def run(self, function: Callable[..., T], *given: Any) -> T:
        """The function's answer. Raises Unavailable if the database cannot be read."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, function, self._connection, *given)
        except sqlite3.Error as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """End after the function at hand."""
        self._thread.shutdown()
        self._connection.close()
