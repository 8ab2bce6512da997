"""Settlements on their way to the disk: none is lost while the database cannot be written."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from hookferry.clock import Clock
from hookferry.errors import Unavailable
from hookferry.logs import described
from hookferry.model import DeliveryStatus
from hookferry.store.values import Settled, Settlement

_log = structlog.get_logger("hookferry.store")

# Seconds that a settlement waits for others: nobody waits for it, and each commit holds up a publish. What a
# crash catches here is sent again. Twice as long as it was, two processes on one PostgreSQL gained 3 %.
_GATHER = 0.01
# Seconds to wait before what could not be committed is tried again.
_AGAIN = 0.5
# Milliseconds until a delivery is sent again whose result was refused.
_REFUSED = 60_000


Committed = Callable[[list[tuple[Settlement, Settled | Exception]]], None]
"""Told the members of one commit with what became of each."""


class Settlements:
    """Has them committed, again and again if need be, and tells `done` what is settled.

    `commit` takes one to the next commit, and calls back once for all of it.

    Its mutable state is how many are `waiting`, and those that have not been handed on to be committed yet.
    """

    def __init__(
        self,
        commit: Callable[[Settlement, Committed], None],
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        done: Callable[[Sequence[Settled]], None],
    ) -> None:
        self.waiting = 0
        self._commit = commit
        self._loop = loop
        self._clock = clock
        self._done = done
        self._gathered: list[Settlement] = []
        self._again: list[Settlement] = []

    def submit(self, settlement: Settlement) -> None:
        """Commit it with whatever else is waiting."""
        self.waiting += 1
        if not self._gathered:
            self._loop.call_later(_GATHER, self._post_gathered)
        self._gathered.append(settlement)

    def flush(self) -> None:
        """Commit what waits now, what could not be committed before too."""
        self._post_gathered()
        self._post_again()

    def _post_gathered(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._post(gathered)

    def _post_again(self) -> None:
        again, self._again = self._again, []
        self._post(again)

    def _post(self, settlements: list[Settlement]) -> None:
        for settlement in settlements:
            self._commit(settlement, self._on_settled)

    def _on_settled(self, results: list[tuple[Settlement, Settled | Exception]]) -> None:
        settled = [result for _, result in results if isinstance(result, Settled)]
        lost = [(member, result) for member, result in results if isinstance(result, Exception)]
        for member, error in lost:
            if not isinstance(error, Unavailable):
                _log.error("a settlement was refused", delivery=member.work.delivery.id, **described(error))
                member = self._without_result(member)
            self._again.append(member)
        if lost:
            self._loop.call_later(_AGAIN, self._post_again)
        self.waiting -= len(settled)
        self._done(settled)

    def _without_result(self, refused: Settlement) -> Settlement:
        """Give a delivery back whose result the database will not have: it is sent again, never stranded."""
        due = self._clock.now() + _REFUSED
        return Settlement(
            refused.work, DeliveryStatus.PENDING, refused.ended_at, due_at=due, reason="refused"
        )
