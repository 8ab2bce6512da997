"""Whether events can be stored now."""

import asyncio

from hookferry.clock import Clock
from hookferry.errors import Unavailable
from hookferry.store.base import Store

# Milliseconds that an answer holds: anybody may ask, and each write would take its share of the disk.
_HOLDS = 1_000


class Readiness:
    """Finds out by writing, at most once a second; those who ask meanwhile share the answer.

    Its mutable state is the last write and when it began.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._began = 0
        self._write: asyncio.Task[str | None] | None = None

    async def check(self) -> str | None:
        """None if events can be stored, else the reason why not."""
        now = self._clock.now()
        held = 0 <= now - self._began < _HOLDS
        if self._write is None or (self._write.done() and not held):
            self._began = now
            self._write = asyncio.create_task(self._try())
        # Who asked and went away takes the answer from nobody.
        return await asyncio.shield(self._write)

    async def _try(self) -> str | None:
        try:
            await self._store.probe()
        except Unavailable as error:
            return error.message
        return None
