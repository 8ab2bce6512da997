"""Sortable, prefixed ids.

An id is a prefix, twelve hex digits of the time in milliseconds and sixteen of a number that starts
at random in each millisecond and counts up, so that ids sort in the order in which they were made and
an id alone tells when (DESIGN, rule 1 of the queue). Two machines meet on one id only if both draw the
same 62-bit number in the same millisecond.
"""

import random
import secrets
from collections.abc import Callable
from typing import Self

_TIME_DIGITS = 12
_LENGTH = _TIME_DIGITS + 16


class IdMaker:
    """Makes ids in strictly rising order, even when the clock goes back.

    `now` gives milliseconds since 1970, `chance` a random integer of that many bits.
    Its mutable state is the last millisecond and the last number given out.
    """

    def __init__(self, now: Callable[[], int], chance: Callable[[int], int]) -> None:
        self._now = now
        self._chance = chance
        self._time = 0
        self._prefix = f"_{0:012x}"
        self._number = 0

    @classmethod
    def seeded(cls, now: Callable[[], int]) -> Self:
        """With chance that the system is asked for once: else 2 µs an event. To be made after a fork."""
        return cls(now, random.Random(secrets.randbits(256)).getrandbits)  # noqa: S311 - unique, not secret

    def new(self, prefix: str) -> str:
        """A new id such as `evt_0193a5c8f1b2...`; `prefix` comes without its underscore."""
        now = self._now()
        if now > self._time:
            self._time = now
            self._prefix = f"_{now:012x}"
            # 62 bits leave room to count up within the millisecond without a carry.
            self._number = self._chance(62)
        else:
            self._number += 1
        return f"{prefix}{self._prefix}{self._number:016x}"


def time_of(id: str) -> int:
    """The time in an id, in milliseconds since 1970. Raises ValueError for what is not an id."""
    digits = id.rpartition("_")[2]
    if len(digits) != _LENGTH:
        raise ValueError(f"not an id: {id!r}")
    return int(digits[:_TIME_DIGITS], 16)


def floor(prefix: str, time: int) -> str:
    """The smallest id of a kind that can carry `time` (milliseconds): a bound for ranges of ids."""
    return f"{prefix}_{max(time, 0):012x}{0:016x}"
