"""When to try again: arithmetic over a schedule, with time and chance passed in."""

from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from hookferry.exchange import Headers

# A date needs 29 characters (RFC 9110, section 5.6.7); a receiver may send a megabyte of digits.
_LONGEST_RETRY_AFTER = 64


class Schedule(msgspec.Struct, frozen=True):
    """The delays between attempts, all in seconds.

    `jitter` is the share that a delay may grow by. `ceiling` bounds what a receiver may ask for.
    No attempt is planned for later than `deadline` after the delivery was made.
    """

    delays: tuple[float, ...]
    jitter: float
    ceiling: float
    deadline: float

    @property
    def attempts(self) -> int:
        """How many attempts there are in all."""
        return len(self.delays) + 1

    def delay(self, number: int, chance: float, asked: float | None = None) -> float:
        """Seconds from failed attempt `number` (from 1, not the last) to the next.

        `chance` in [0, 1) spreads what failed together (FAULTS, 25), and never to earlier than promised.
        What the receiver `asked` for counts between the schedule's delay and the ceiling (FAULTS, 22).
        """
        grown = 1 + self.jitter * chance
        backoff = self.delays[number - 1] * grown
        return backoff if asked is None else max(backoff, min(asked * grown, self.ceiling))


def retry_after(headers: Headers, now: int) -> float | None:
    """Seconds that a receiver asks to wait, from a number or a date (RFC 9110, section 10.2.3).

    None without the header, and for what cannot be read; below zero for a date that has passed.
    """
    found = next((value for name, value in headers if name.lower() == "retry-after"), "").strip()
    if not found or len(found) > _LONGEST_RETRY_AFTER:
        return None
    if found.isascii() and found.isdigit():
        return float(found)
    return _seconds_until(found, now)


def _seconds_until(date: str, now: int) -> float | None:
    try:
        time = parsedate_to_datetime(date)
        # A date without a zone is in UTC: HTTP knows no other.
        return time.replace(tzinfo=time.tzinfo or UTC).timestamp() - now / 1000
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
