"""The relay: takes rows from the application's table to Hookferry, exactly one event for each."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from hookferry.errors import HookferryError, Unavailable, Unreachable
from hookferry.outbox.publishing import Api, publish
from hookferry.outbox.table import Done, Table

# As many as the API takes at once.
_CLAIM = 1000

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_BETWEEN_LINES = 1.0


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row; `chance` from 0 to 1 spreads several relays."""
    return min(_FIRST_WAIT * 2.0 ** min(failures - 1, 10), _LONGEST_WAIT) * (0.5 + chance / 2)


class Relay:
    """Its mutable state: tenants that have to wait and until when, failures in a row, what it has to tell.

    `poll` is in seconds; `tell` prints a line.
    """

    def __init__(self, table: Table, api: Api, poll: float, tell: Callable[[str], None]) -> None:
        self._table = table
        self._publish = partial(publish, api)
        self._poll = poll
        self._tell = tell
        self._held: dict[str, float] = {}
        self._failures = 0
        self._published = 0
        self._failed = 0
        self._told = 0.0

    async def drain(self) -> None:
        """Relay all that waits. Raises the error that stands in the way of the rest."""
        held: HookferryError | None = None
        while (done := await self._take()).claimed:
            if done.trouble is not None:
                raise done.trouble
            held = next(iter(done.held.values()), held)
        self._report()
        if held is not None:
            raise held

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop`. Raises the error that no waiting mends: a key or a table that is wrong."""
        while not stop.is_set():
            wait = await self._turn()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
        self._report()

    async def _turn(self) -> float:
        """Take once; how long to wait then."""
        try:
            done = await self._take()
            if done.trouble is not None:
                raise done.trouble
        except (Unreachable, Unavailable) as error:
            self._failures += 1
            wait = max(backoff(self._failures, random.random()), error.retry_after or 0)  # noqa: S311 - no secret
            self._report()
            self._tell(f"{error.message} Nothing is lost; trying again in {wait:.1f} s.")
            return wait
        self._failures = 0
        if time.monotonic() - self._told >= _BETWEEN_LINES:
            self._report()
        return 0.0 if done.claimed == _CLAIM else self._poll

    async def _take(self) -> Done:
        now = time.monotonic()
        self._held = {tenant: until for tenant, until in self._held.items() if until > now}
        done = await self._table.take(self._publish, _CLAIM, self._held)
        self._published += len(done.published)
        self._failed += len(done.failed)
        for tenant, error in done.held.items():
            wait = error.retry_after or _LONGEST_WAIT
            self._held[tenant] = time.monotonic() + wait
            self._tell(f"Tenant {tenant!r} has to wait {wait:.0f} s: {error.message}")
        return done

    def _report(self) -> None:
        if self._published or self._failed:
            failed = f" {self._failed:,} refused: see `hookferry outbox failed`." if self._failed else ""
            plural = "" if self._published == 1 else "s"
            self._tell(f"{self._published:,} event{plural} relayed.{failed}")
            self._published = self._failed = 0
        self._told = time.monotonic()
