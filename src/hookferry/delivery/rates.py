"""The rates of endpoints: who has used up what it may be sent now, and when it may be sent more."""

from collections.abc import Callable
from math import ceil

from hookferry.bucket import Bucket
from hookferry.store.directory import Directory

_SECOND = 1000
# A rate that was changed, or is shared with more or fewer machines, holds after so many milliseconds.
_LOOK_AGAIN = 1000
# With more buckets than these, those that are full are forgotten: they are as good as new ones.
_MANY = 1024


class Rates:
    """This process's share of each endpoint's rate, as the directory has it; one without costs a look there.

    `live` says how many processes share them, `time` is in seconds, `later` calls something after some;
    `refilled` is told of an endpoint that may be sent more. Its mutable state is when each bucket is full
    again, and the endpoints that wait.
    """

    def __init__(
        self,
        directory: Directory,
        live: Callable[[], int],
        time: Callable[[], float],
        later: Callable[[float, Callable[[str], None], str], object],
        refilled: Callable[[str], None],
    ) -> None:
        self.waiting: set[str] = set()
        """Endpoints that may be sent nothing now."""
        self._directory = directory
        self._live = live
        self._time = time
        self._later = later
        self._refilled = refilled
        self._full_at: dict[str, int] = {}
        self._many = _MANY

    def room(self, endpoint: str, most: int) -> int:
        """How many deliveries may be here for an endpoint, up to `most`: what it is sent in a second."""
        limit = self._directory.rate_limits.get(endpoint)
        return most if limit is None else min(most, ceil(limit / max(1, self._live())))

    def take(self, endpoint: str) -> None:
        """Count a request. Whoever takes the last token makes the endpoint wait for the next."""
        limit = self._directory.rate_limits.get(endpoint)
        if limit is None:
            return
        bucket, _ = self._bucket(endpoint, limit).take(1, self._now())
        self._full_at[endpoint] = bucket.full_at
        if len(self._full_at) > self._many:
            self._forget()
        if endpoint not in self.waiting:
            self._look(endpoint)

    def _look(self, endpoint: str) -> None:
        """Let an endpoint wait until it has a token; go on with one that waited and has."""
        limit, wait = self._directory.rate_limits.get(endpoint), 0
        if limit is not None:
            bucket, wait = self._bucket(endpoint, limit).take(1, self._now())
        if wait:
            self._full_at[endpoint] = bucket.full_at
            self.waiting.add(endpoint)
            self._later(min(wait, _LOOK_AGAIN) / _SECOND, self._look, endpoint)
        elif endpoint in self.waiting:
            self.waiting.discard(endpoint)
            self._refilled(endpoint)

    def _bucket(self, endpoint: str, limit: float) -> Bucket:
        share = limit / max(1, self._live())
        return Bucket(share, max(1, round(share)), self._full_at.get(endpoint, 0))

    def _forget(self) -> None:
        now = self._now() * 1_000_000
        self._full_at = {id: full_at for id, full_at in self._full_at.items() if full_at > now}
        self._many = max(_MANY, 2 * len(self._full_at))

    def _now(self) -> int:
        return round(self._time() * _SECOND)
