"""Time, passed in: the engine reads clocks and waits only through here, so that tests can move time."""

import asyncio
import time
from contextlib import suppress
from typing import Protocol


class Clock(Protocol):
    """Wall time, and waiting for it."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...

    async def wait(self, signal: asyncio.Event, until: int) -> None:
        """Return once `signal` is set or `until` (milliseconds since 1970) has come."""
        ...


# A wait never trusts one reading of the wall clock for longer: an hour's jump forward is noticed
# within this many seconds (FAULTS, 12).
_LONGEST_WAIT = 1.0


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    async def wait(self, signal: asyncio.Event, until: int) -> None:
        # The clock may go back meanwhile: no wait takes longer than it seemed at first.
        end = time.monotonic() + (until - self.now()) / 1000
        while not signal.is_set():
            left = min((until - self.now()) / 1000, end - time.monotonic(), _LONGEST_WAIT)
            if left <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await signal.wait()


class DatabaseClock(SystemClock):
    """The database's clock, which all machines share: as last asked, carried on by the monotonic one.

    Its mutable state is how far the database's time is ahead of the monotonic one, in seconds.
    """

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def now(self) -> int:
        return int((time.monotonic() + self._ahead) * 1000)

    def set(self, now: int, asked_at: float) -> None:
        """Take over what the database said (milliseconds) to a question of a monotonic time (seconds).

        The answer is half the way old. Less than that is noise, and is not followed.
        """
        way = time.monotonic() - asked_at
        ahead = now / 1000 - (asked_at + way / 2)
        if abs(ahead - self._ahead) > max(way, 0.005):
            self._ahead = ahead
