"""A clock that tests move."""

import asyncio


class ManualClock:
    """Stands still until `advance`; those who wait wake when their time has come."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self._now = now
        self._moved = asyncio.Event()

    def now(self) -> int:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move time, back as well."""
        self._now += int(seconds * 1000)
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, signal: asyncio.Event, until: int) -> None:
        while not signal.is_set() and self._now < until:
            waits = [asyncio.ensure_future(signal.wait()), asyncio.ensure_future(self._moved.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
