"""Settled attempts of a tenant as the history has them, for those who watch: other processes settle too."""

import asyncio
from collections.abc import Set

import structlog

from hookferry.clock import Clock
from hookferry.errors import Unavailable
from hookferry.ids import floor
from hookferry.logs import described
from hookferry.service.tail import Tell
from hookferry.store.base import Store

_log = structlog.get_logger("hookferry.polling")

# Milliseconds from one look to the next.
_EVERY = 250
# Milliseconds for which an attempt is looked for: commits do not come in the order of ids, and clocks differ
# a little.
_LOOK_BACK = 5_000
# What is read in one look, and told.
_PAGE = 1_000


class Poll:
    """Looks into the history of a tenant for attempts that it has not told of. No state of its own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self, tenant: str, tell: Tell) -> None:
        """Look again and again, until cancelled. The first look, and one that fails, tell of nothing."""
        since = self._clock.now() - _LOOK_BACK
        known: Set[str] | None = None
        # Those that were deleted meanwhile, too: what was on its way to them is still settled.
        endpoints: set[str] = set()
        while True:
            now = self._clock.now()
            endpoints.update(endpoint.id for endpoint in self._store.directory.endpoints(tenant))
            try:
                ids, found = await self._store.settled_since(
                    tenant, endpoints, since, known or frozenset(), 0 if known is None else _PAGE
                )
            except Unavailable:
                # Once there is an answer it goes back to where the last one was.
                tell(tenant, [], 0)
            except Exception as error:
                _log.error("a look for attempts failed", tenant=tenant, **described(error))
                tell(tenant, [], 0)
            else:
                missed = 0 if known is None else len(ids - known) - len(found)
                tell(tenant, found, missed)
                since = max(since, now - _LOOK_BACK)
                first = floor("att", since)
                known = {id for id in ids | (known or frozenset()) if id >= first}
            await self._clock.wait(asyncio.Event(), now + _EVERY)
