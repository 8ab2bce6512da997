"""A token bucket, for rates: of an endpoint's requests, of a tenant's events. Pure."""

from msgspec import Struct
from msgspec.structs import replace

# Nanoseconds, so that the time of one token is a whole number to four digits at 100,000 a second.
_SECOND = 1_000_000_000
_MILLI = 1_000_000


class Bucket(Struct, frozen=True):
    """At most `burst` tokens at once and `rate` a second in the long run. A new one is full.

    With a `debt`, one token is enough to be given many at once: so many more are lent, and the next has to
    wait for these too.
    `full_at` is when it is full again, in nanoseconds since 1970: all that there is to keep, one whole
    number of 64 bits, so that rounding never adds up and a row could hold it for many machines.
    """

    rate: float
    burst: int
    full_at: int = 0
    debt: int = 0

    def take(self, tokens: int, now: int) -> tuple["Bucket", int]:
        """Take tokens at `now` (milliseconds since 1970): the bucket then, and a wait of 0.

        With too few in it nothing is taken, and the wait says after how many milliseconds it has enough. More
        tokens than it has and can lend count as all of that, so that everybody's turn comes.
        """
        each, time = max(1, round(_SECOND / self.rate)), now * _MILLI
        most = time + (self.burst + self.debt) * each
        # Later than that only if the clock has gone back since.
        empty_until = min(max(self.full_at, time), most)
        needed = 1 if self.debt else min(tokens, self.burst)
        missing = empty_until + needed * each - (time + self.burst * each)
        if missing > 0:
            return replace(self, full_at=empty_until), -(-missing // _MILLI)
        return replace(self, full_at=min(empty_until + tokens * each, most)), 0
