"""Settled attempts as they happen, for those who watch."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from hookferry.exchange import Attempt
from hookferry.store.rows import slim
from hookferry.store.values import Settled, Settlement, Watched

# What a reader may lag behind: at 5,000 attempts a second a fifth of one.
_ROOM = 1_000

Tell = Callable[[str, Sequence[Watched], int], None]
"""Told of a tenant's attempts, and how many were left out."""


class Reader:
    """One watcher's place. Its mutable state is what it has not taken yet, and how much it lost.

    From when it has `begun` on, it misses nothing.
    """

    def __init__(self, tenant: str, room: int = _ROOM) -> None:
        self.tenant = tenant
        self.begun = asyncio.Event()
        self._signal = asyncio.Event()
        self.closed = False
        self.room = room
        self._waiting: deque[Watched] = deque(maxlen=room)
        self._dropped = 0

    def put(self, watched: Watched) -> None:
        """Keep an attempt; a reader that is too slow loses its oldest."""
        self._dropped += len(self._waiting) == self.room
        self._waiting.append(watched)
        self._signal.set()

    def miss(self, attempts: int) -> None:
        """So many are not to be had."""
        self._dropped += attempts

    async def take(self, patience: float) -> tuple[list[Watched], int]:
        """All that waits, oldest first, and how many were lost since the last time.

        Nothing, if nothing comes for `patience` seconds or the tail is closed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._signal.wait()
        taken, dropped = list(self._waiting), self._dropped
        self._waiting.clear()
        self._dropped = 0
        self._signal.clear()
        return taken, dropped

    def close(self) -> None:
        """Let the watcher go."""
        self.closed = True
        self.begun.set()
        self._signal.set()


class Tail:
    """Hands attempts to the readers of their tenant: either `on_settled` is told of them, or `poll` looks for
    them, for as long as the tenant has readers.

    Its mutable state is the readers, and the polls that run, by tenant.
    """

    def __init__(self, poll: Callable[[str, Tell], Coroutine[Any, Any, None]] | None = None) -> None:
        self.readers: set[Reader] = set()
        self._poll = poll
        self._polls: dict[str, asyncio.Task[None]] = {}

    def on_settled(self, settled: Sequence[Settled]) -> None:
        """Listens to the store."""
        for one in settled if self.readers else ():
            tenant, attempt = one.settlement.work.delivery.tenant, one.settlement.attempt
            if attempt is not None and not one.stale and self._of(tenant):
                self._show(tenant, [_watched(one.settlement, attempt)], 0)

    def _show(self, tenant: str, found: Sequence[Watched], missed: int) -> None:
        for reader in self._of(tenant):
            reader.begun.set()
            reader.miss(missed)
            for watched in found:
                reader.put(watched)

    def _of(self, tenant: str) -> list[Reader]:
        return [reader for reader in self.readers if reader.tenant == tenant]

    def open(self, tenant: str) -> Reader:
        """A new reader, which must be left again."""
        reader = Reader(tenant)
        self.readers.add(reader)
        if self._poll is None:
            reader.begun.set()
        elif tenant not in self._polls:
            self._polls[tenant] = asyncio.create_task(self._poll(tenant, self._show))
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget a reader; nobody looks any longer for a tenant that nobody watches."""
        self.readers.discard(reader)
        if reader.tenant in self._polls and not self._of(reader.tenant):
            self._polls.pop(reader.tenant).cancel()

    def close(self) -> None:
        """Let all readers go: the process stops."""
        for reader in self.readers:
            reader.close()


def _watched(settlement: Settlement, attempt: Attempt) -> Watched:
    delivery = settlement.work.delivery
    return Watched(
        slim(attempt), delivery.event, delivery.type, settlement.status, settlement.reason, settlement.due_at
    )
