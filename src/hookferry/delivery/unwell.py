"""Endpoints in trouble, as the dispatcher sees them: what they may be sent now, and which to probe."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hookferry.clock import Clock
from hookferry.health import allowance, is_unhindered, parked_until, rests
from hookferry.model import EndpointStatus, Work
from hookferry.policy import Policy
from hookferry.store.base import Store

# Probes that one round starts at most: each is a transaction.
_PROBES = 16


class Survey(NamedTuple):
    """The endpoints that rest, how much those may be sent that may have less than usual, those whose probe is
    due, and when the next one need not rest any longer."""

    resting: set[str]
    caps: dict[str, int]
    to_probe: list[str]
    look_at: int | None


class Unwell:
    """Reads the health in memory; no state of its own.

    `cap` is for requests in flight to an endpoint over all machines, `policy` gives the numbers of a tenant.
    """

    def __init__(self, store: Store, clock: Clock, policy: Callable[[str], Policy], cap: int) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._cap = cap

    def cap(self, endpoint: str) -> int:
        """How many requests may be in flight from here. 0 while it rests: a probe is not counted."""
        cap = self._cap
        health = self._store.directory.health.get(endpoint)
        if health is not None:
            now, policy = self._clock.now(), self._policy_of(endpoint)
            cap = 0 if rests(health, now, policy) else allowance(health, now, cap, policy)
        return -(-cap // max(1, self._store.live_workers))

    def rests(self, endpoint: str) -> bool:
        """True if nothing may be sent but a probe."""
        health = self._store.directory.health.get(endpoint)
        return health is not None and rests(health, self._clock.now(), self._policy_of(endpoint))

    def survey(self, now: int) -> Survey:
        """Look at all of them: some 15 ms for 10,000, of which half are parked."""
        directory, live = self._store.directory, max(1, self._store.live_workers)
        most = -(-self._cap // live)
        resting, caps, to_probe, look_at = set[str](), dict[str, int](), list[str](), None
        for id, health in directory.health.items():
            if is_unhindered(health, now):
                continue
            endpoint = directory.find_endpoint(id)
            if endpoint is None or endpoint.status is not EndpointStatus.ACTIVE:
                continue
            policy = self._policy(endpoint.tenant)
            until = parked_until(health, now, policy)
            if until is not None:
                resting.add(id)
                look_at = until if look_at is None or until < look_at else look_at
            elif rests(health, now, policy):
                resting.add(id)
                to_probe.append(id)
            elif (cap := -(-allowance(health, now, self._cap, policy) // live)) < most:
                caps[id] = cap
        return Survey(resting, caps, to_probe, look_at)

    async def probes(self, to_probe: Sequence[str], now: int) -> Sequence[Work]:
        """Lease a probe for each of these that has something due, a few at a time."""
        if not to_probe:
            return ()
        due = (await self._store.due_of(to_probe, now))[:_PROBES]
        found = [await self._store.claim_probe(id, now, self._policy_of(id)) for id in due]
        return [work for work in found if work is not None]

    def _policy_of(self, endpoint: str) -> Policy:
        found = self._store.directory.find_endpoint(endpoint)
        return self._policy(found.tenant if found else "")
