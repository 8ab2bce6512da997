"""Leases that nobody may know of: those of a commit whose answer was lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hookferry.clock import Clock
from hookferry.store.postgres.connection import LATE, UNHEARD

# Milliseconds after which a commit whose answer was lost is no longer looked for.
_LATEST = 3_600_000


class Lost(NamedTuple):
    """When to free what such a commit has leased, and how long after the last time that is."""

    at: int
    after: int


class Leases:
    """The names that a worker's commits lease under, each its own, so that one can be freed by its name.

    Its mutable state is how many there were, and which of them were lost.
    """

    def __init__(self, clock: Clock) -> None:
        self.lost: dict[str, Lost] = {}
        self._clock = clock
        self._count = 0

    @contextmanager
    def of(self, worker: str) -> Iterator[str]:
        """A name for what one commit leases. It is lost where no answer comes."""
        self._count += 1
        lease = f"{worker}.{self._count}"
        try:
            yield lease
        except UNHEARD:
            self.lost[lease] = Lost(self._clock.now() + LATE, LATE)
            raise

    def due(self, now: int) -> list[str]:
        """Those to free now."""
        return [name for name, lost in self.lost.items() if lost.at <= now]

    def freed(self, names: list[str], now: int) -> None:
        """They were freed. A commit that hangs in the database may come about much later: ever less often."""
        for name in names:
            after = 2 * self.lost.pop(name).after
            if after <= _LATEST:
                self.lost[name] = Lost(now + after, after)
