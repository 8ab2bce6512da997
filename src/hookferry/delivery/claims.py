"""How much to claim at once."""

from typing import NamedTuple

# The next claim is twice as large, up to so many times: each waits for a commit, and of an endpoint that had
# fallen behind its publishers only 600 a second were claimed.
_MOST_TIMES = 4
# Unless the last one had more bytes than these: a claim of the largest payloads must not fill the memory.
_SMALL = 1024 * 1024


class ClaimSize(NamedTuple):
    """How many deliveries a claim may bring: in all, and of one endpoint."""

    limit: int
    per_endpoint: int


FIRST = ClaimSize(128, 64)
"""A few of each endpoint; a lane that cannot take as many sits it out."""


class Claims:
    """Its mutable state is how many times as much as the first the next one brings."""

    def __init__(self) -> None:
        self._times = 1

    def next(self, slow: bool, most: int) -> ClaimSize:
        """The next one's size, `most` of one endpoint. If `slow`, beside fresh work, it begins anew."""
        if slow:
            self._times = 1
        return ClaimSize(FIRST.limit * self._times, min(FIRST.per_endpoint * self._times, most))

    def brought(self, size: int) -> None:
        """The last one had payloads of `size` bytes."""
        self._times = min(2 * self._times, _MOST_TIMES) if size <= _SMALL else 1
