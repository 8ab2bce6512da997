"""Settled attempts of a tenant as the history has them, for those who watch: other processes settle too."""

import asyncio
from collections.abc import Sequence, Set

import structlog

from hookferry.clock import Clock
from hookferry.errors import Unavailable
from hookferry.ids import floor
from hookferry.logs import described
from hookferry.service.tail import Tell
from hookferry.store.base import Store
from hookferry.store.values import Watched

_log = structlog.get_logger("hookferry.polling")

# Milliseconds from one look to the next. A slow one is followed by a pause that is so many times as long.
_EVERY = 250
_PAUSE = 4
# Milliseconds for which an attempt is looked for: commits do not come in the order of ids, and clocks differ
# a little.
_LOOK_BACK = 5_000
# What is read in one look, and told.
_PAGE = 1_000


class Poll:
    """Looks into the history of a tenant for attempts that it has not told of.

    Its mutable state is whose turn it is: of all that watch one looks at a time, so that they do not fill the
    connections of those who read the history.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turn = asyncio.Lock()

    async def run(self, tenant: str, tell: Tell) -> None:
        """Look again and again, until cancelled. The first look, and one that fails, tell of nothing."""
        look = _Look(self._store, tenant, self._clock.now() - _LOOK_BACK)
        while True:
            async with self._turn:
                began = self._clock.now()
                found, missed = await look.take(began)
                ended = self._clock.now()
            tell(tenant, found, missed)
            again = max(began + _EVERY, ended + _PAUSE * (ended - began))
            await self._clock.wait(asyncio.Event(), again)


class _Look:
    """Where a tenant's looks go on. Its mutable state is since when attempts are looked for, which of these
    are known (None before the first look), and the endpoints."""

    def __init__(self, store: Store, tenant: str, since: int) -> None:
        self._store = store
        self._tenant = tenant
        self._since = since
        self._known: Set[str] | None = None
        # Those that were deleted meanwhile, too: what was on its way to them is still settled.
        self._endpoints: set[str] = set()

    async def take(self, now: int) -> tuple[Sequence[Watched], int]:
        """What is new, and how many more are."""
        self._endpoints.update(endpoint.id for endpoint in self._store.directory.endpoints(self._tenant))
        try:
            return await self._look(now)
        except Exception as error:
            if not isinstance(error, Unavailable):
                _log.error("a look for attempts failed", tenant=self._tenant, **described(error))
            # Once there is an answer it goes back to where the last one was, or this one if it is the first.
            if self._known is None:
                self._known, self._since = frozenset(), now
            return [], 0

    async def _look(self, now: int) -> tuple[Sequence[Watched], int]:
        known, first = self._known or frozenset(), self._known is None
        ids, found = await self._store.settled_since(
            self._tenant, self._endpoints, self._since, known, 0 if first else _PAGE
        )
        self._since = max(self._since, now - _LOOK_BACK)
        oldest = floor("att", self._since)
        self._known = {id for id in ids | known if id >= oldest}
        return found, 0 if first else len(ids - known) - len(found)
