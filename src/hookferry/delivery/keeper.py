"""The keeper: what has to be done from time to time, whoever publishes or receives."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from hookferry.clock import Clock
from hookferry.errors import Unavailable
from hookferry.logs import described
from hookferry.store.base import Store
from hookferry.store.values import Pruned

_log = structlog.get_logger("hookferry.keeper")

# A worker's deliveries are taken over so long after its lease at most.
_RESCUE_EVERY = 1_000
_RECONCILE_EVERY = 5_000
_PRUNE_EVERY = 60_000
_NOTE_EVERY = 30_000
_REPLAY_EVERY = 1_000
# A pass over much that is old and still waits (some 10 ms for each step) takes its time.
_LOOK_ON = 1_000
# Rows in one go: a commit that deletes more would keep publishers waiting (some 10 ms for these).
_ROWS = 2_000


class Keeper:
    """Renews this worker's lease, rescues other workers' deliveries, reconciles, prunes, notes keys' uses,
    moves replays on.

    Durations in seconds. Its mutable state is when each duty is next due.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lease: float,
        retention: float,
        body_retention: float,
        wake: Callable[[], None],
        note_uses: Callable[[], Awaitable[None]],
        replay: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._lease = int(lease * 1000)
        self._retention = int(retention * 1000)
        self._body_retention = int(body_retention * 1000)
        self._wake = wake
        self._note_uses = note_uses
        self._replay = replay
        self._stop = asyncio.Event()
        self._due: dict[Callable[[], Awaitable[None]], int] = {}

    async def run(self) -> None:
        """Do each duty when it is due, until `stop`.

        The sign of life waits for no other duty: one may wait for the locks of a process that was stopped
        within a transaction, and everybody's leases would lapse.
        """
        await asyncio.gather(
            self._keep({self._heartbeat: self._lease // 3}),
            self._keep(
                {
                    self._rescue: _RESCUE_EVERY,
                    self._reconcile: _RECONCILE_EVERY,
                    self._prune: _PRUNE_EVERY,
                    self._note_uses: _NOTE_EVERY,
                    self._replay: _REPLAY_EVERY,
                }
            ),
        )

    async def _keep(self, duties: Mapping[Callable[[], Awaitable[None]], int]) -> None:
        while not self._stop.is_set():
            now = self._clock.now()
            for duty, every in duties.items():
                # A clock that went back must not put a duty off for as long.
                if not now < self._due.get(duty, 0) <= now + every:
                    self._due[duty] = now + every
                    await self._try(duty)
            await self._clock.wait(self._stop, min(self._due[duty] for duty in duties))

    def stop(self) -> None:
        """End `run` after the duties at hand."""
        self._stop.set()

    async def _try(self, duty: Callable[[], Awaitable[None]]) -> None:
        try:
            await duty()
        except Unavailable as error:
            _log.warning("duty put off", duty=duty.__name__.strip("_"), reason=error.message)
        except Exception as error:
            _log.error("duty failed", duty=duty.__name__.strip("_"), **described(error))

    async def _heartbeat(self) -> None:
        now = self._clock.now()
        await self._store.heartbeat(now, now + self._lease)

    async def _rescue(self) -> None:
        if rescued := await self._store.rescue(self._clock.now()):
            _log.warning("rescued deliveries that no worker knows of any more", deliveries=rescued)
            self._wake()

    async def _reconcile(self) -> None:
        if await self._store.reconcile(None, self._clock.now(), _ROWS):
            # The rest at once, but behind what waits to be written.
            self._due[self._reconcile] = 0
            self._wake()

    async def _prune(self) -> None:
        now = self._clock.now()
        pruned, more = await prune_step(self._store, now, self._retention, self._body_retention)
        if more:
            self._due[self._prune] = now + _LOOK_ON if pruned == Pruned() else 0


async def prune_step(store: Store, now: int, retention: int, body_retention: int) -> tuple[Pruned, bool]:
    """One step of retention (both in milliseconds): how much went, and whether to call it again."""
    return await store.prune(now - retention, now - body_retention, now, _ROWS)
