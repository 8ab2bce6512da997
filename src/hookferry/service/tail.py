"""Settled attempts as they happen, for those who watch."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from hookferry.model import Attempt
from hookferry.store.values import Settled, Settlement

# What a reader may lag behind: at 5,000 attempts a second a fifth of one.
_ROOM = 1_000


class Reader:
    """One watcher's place. Its mutable state is what it has not taken yet, and how much it lost."""

    def __init__(self, tenant: str, room: int = _ROOM) -> None:
        self.tenant = tenant
        self._signal = asyncio.Event()
        self.closed = False
        self.room = room
        self._waiting: deque[Settlement] = deque(maxlen=room)
        self._dropped = 0

    def put(self, settlement: Settlement) -> None:
        """Keep a settlement; a reader that is too slow loses its oldest."""
        self._dropped += len(self._waiting) == self.room
        self._waiting.append(settlement)
        self._signal.set()

    async def take(self, patience: float) -> tuple[list[Settlement], int]:
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
        self._signal.set()


class Tail:
    """Hands settlements to the readers of their tenant. Its mutable state is the readers."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()

    def on_settled(self, settled: Sequence[Settled]) -> None:
        """Listens to the store."""
        for one in settled if self.readers else ():
            tenant, attempt = one.settlement.work.delivery.tenant, one.settlement.attempt
            readers = [reader for reader in self.readers if reader.tenant == tenant]
            if readers and attempt is not None and not one.stale:
                slim = _slim(one.settlement, attempt)
                for reader in readers:
                    reader.put(slim)

    def open(self, tenant: str) -> Reader:
        """A new reader, which must be left again."""
        reader = Reader(tenant)
        self.readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""
        self.readers.discard(reader)

    def close(self) -> None:
        """Let all readers go: the process stops."""
        for reader in self.readers:
            reader.close()


def _slim(settlement: Settlement, attempt: Attempt) -> Settlement:
    """Without payload, bodies and headers: nobody is shown them, and who is slow would hold on to them."""
    replace = msgspec.structs.replace
    request, result, work = attempt.request, attempt.result, settlement.work
    attempt = replace(
        attempt,
        request=request and replace(request, headers=(), body=b""),
        result=replace(result, response=result.response and replace(result.response, headers=(), body=b"")),
    )
    work = replace(work, event=replace(work.event, payload=None, changes=None))
    return replace(settlement, attempt=attempt, work=work)
