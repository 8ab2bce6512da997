"""Admission: whether a tenant's quotas let it publish. Asked before any event is looked at or stored."""

import asyncio
from math import ceil

import msgspec

from hookferry.bucket import Bucket
from hookferry.clock import Clock
from hookferry.errors import TooMany
from hookferry.model import Tenant
from hookferry.store.base import Store

# As many as a batch has: one that is more than a second's worth is taken, and paid for by a longer wait.
_DEBT = 1_000
# Milliseconds. A clock that is put right often goes back by less, and forgives nobody anything.
_STEP = 5_000
# Milliseconds. What waits is counted at most once in so many, and takes a twentieth of the time at most.
_COUNT_EVERY = 1_000
_COUNT_SHARE = 20
# A count that is older than that is no longer gone by.
_TOO_OLD = 5_000
# Seconds until it is worth trying again, where it depends on receivers.
_BACKLOG_WAIT = 5


class _Count(msgspec.Struct, frozen=True):
    """How many deliveries waited at a time, and when to count again."""

    waiting: int
    at: int
    again_at: int


class Admission:
    """Its mutable state is each tenant's bucket (when it is full again), and what waited when it was counted.

    It is this process's own: each of several lets a tenant publish as many events a second.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._now = 0
        self._full_at: dict[str, int] = {}
        self._counts: dict[str, _Count] = {}
        self._counting: dict[str, asyncio.Task[int]] = {}

    async def admit(self, tenant: Tenant, events: int) -> None:
        """Raises TooMany if a tenant may not publish so many events now."""
        quotas = tenant.quotas
        if quotas.waiting is not None and await self._waiting(tenant.id, quotas.waiting) > quotas.waiting:
            raise _refusal(
                f"More than {quotas.waiting:,} deliveries of this tenant wait, which is its quota `waiting`. "
                "Try again when receivers have taken some, or cancel what need not be sent.",
                "backlog_full",
                _BACKLOG_WAIT,
            )
        rate = quotas.events_per_second
        if rate is not None and (wait := self._take(tenant.id, rate, events)):
            raise _refusal(
                f"This tenant may publish {rate:,g} events a second, which is its quota `events_per_second`. "
                "Publish more slowly.",
                "rate_limited",
                ceil(wait / 1000),
            )

    def _take(self, tenant: str, rate: float, events: int) -> int:
        """How many milliseconds to wait; 0 if they are taken."""
        now = self._clock.now()
        if now < self._now - _STEP or len(self._full_at) > len(self._store.directory.tenants):
            # The clock was wrong by far, or tenants were deleted: begin with full buckets.
            self._full_at.clear()
        self._now = now
        bucket = Bucket(rate, max(1, round(rate)), self._full_at.get(tenant, 0), _DEBT)
        bucket, wait = bucket.take(events, now)
        self._full_at[tenant] = bucket.full_at
        return wait

    async def _waiting(self, tenant: str, quota: int) -> int:
        """About how many of a tenant's deliveries wait. Under way, nobody waits for a count."""
        known, now = self._counts.get(tenant), self._clock.now()
        if known is not None and known.at <= now < known.again_at:
            return known.waiting
        task = self._counting.get(tenant) or self._begin(tenant, quota)
        if known is not None and known.at <= now < known.again_at + _TOO_OLD:
            return known.waiting
        return await asyncio.shield(task)

    def _begin(self, tenant: str, quota: int) -> "asyncio.Task[int]":
        if len(self._counts) > len(self._store.directory.tenants):
            self._counts.clear()
        task = self._counting[tenant] = asyncio.create_task(self._count(tenant, quota))
        task.add_done_callback(lambda task: self._counted(tenant, task))
        return task

    async def _count(self, tenant: str, quota: int) -> int:
        begun = self._clock.now()
        waiting = await self._store.waiting(tenant, quota + 1)
        now = self._clock.now()
        again_at = now + max(_COUNT_EVERY, _COUNT_SHARE * (now - begun))
        self._counts[tenant] = _Count(waiting, now, again_at)
        return waiting

    def _counted(self, tenant: str, task: "asyncio.Task[int]") -> None:
        """A count that failed is nobody's error but theirs who wait for it."""
        del self._counting[tenant]
        if not task.cancelled():
            task.exception()


def _refusal(message: str, code: str, seconds: int) -> TooMany:
    error = TooMany(message, code=code)
    error.retry_after = seconds
    return error
