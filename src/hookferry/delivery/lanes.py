"""Lanes: an endpoint's own queue inside a worker, and whose turn it is. No I/O and no clock."""

from collections import deque
from collections.abc import Callable
from enum import IntEnum
from math import ceil

from hookferry.model import Work

# Beside fresh work claimed work starts once in so many seconds, and once more for each fresh one; a few at
# once after a pause. An event for 1,000 endpoints leaves the p99 of 200 others a second within 1.3 times so;
# at twice, eight and sixteen times the rate it was 1.9, 4.7 and 7.0.
_EACH = 0.004
_AT_ONCE = 4
# How long what was fresh last makes claimed work slow.
_WHILE = 0.1


class Kind(IntEnum):
    """Where a delivery came from. Each kind has queues of its own, so that neither waits for the other."""

    FRESH = 0
    """Handed over by publish."""
    CLAIMED = 1
    """Read from the database: a retry, a backlog, the many of an event for many endpoints."""


class Lane:
    """What one endpoint has in this worker. Its mutable state is the work that waits and three counts.

    `reserved` counts room that publish took for deliveries that are being stored. `backlog` says that
    older deliveries of this endpoint wait in the database, so that newcomers go there too: 0 for none,
    else a number that grows each time this is noticed.
    """

    __slots__ = ("backlog", "endpoint", "in_flight", "queued", "reserved", "tenant", "waiting")

    def __init__(self, tenant: str, endpoint: str) -> None:
        self.tenant = tenant
        self.endpoint = endpoint
        self.waiting: tuple[deque[Work], deque[Work]] = (deque(), deque())
        self.queued = [False, False]
        self.in_flight = 0
        self.reserved = 0
        self.backlog = 0

    @property
    def in_hand(self) -> int:
        """How many deliveries have room here."""
        fresh, claimed = self.waiting
        return self.reserved + len(fresh) + len(claimed) + self.in_flight

    def remove(self, delivery: str) -> Work | None:
        """Take a delivery out that waits here."""
        for waiting in self.waiting:
            for work in waiting:
                if work.delivery.id == delivery:
                    waiting.remove(work)
                    return work
        return None

    def has_room(self, cap: int, share: float) -> bool:
        """True if a request may start: it may have `share` of its cap in flight, and one always."""
        return self.in_flight < min(cap, max(1, ceil(cap * share)))

    @property
    def idle(self) -> bool:
        """True if nothing is here, so that the lane can be forgotten."""
        return not (self.in_flight or self.reserved or self.backlog or any(self.waiting))


class Rota:
    """Whose turn it is among one kind: round robin over tenants, then over each one's lanes, so that
    neither a tenant with many endpoints nor an endpoint with much work takes more than its turn.

    Its mutable state is the ring of tenants and each one's ring of lanes that may start a request, `ready`
    of them in all. `cap` says how many requests of an endpoint may be in flight now.
    """

    def __init__(self, kind: Kind, cap: Callable[[str], int]) -> None:
        self.ready = 0
        self._kind = kind
        self._cap = cap
        self._tenants: deque[str] = deque()
        self._lanes: dict[str, deque[Lane]] = {}

    def add(self, lane: Lane) -> None:
        """Let a lane take part if it has work and is under the cap of requests in flight."""
        if lane.queued[self._kind] or not lane.waiting[self._kind]:
            return
        if lane.in_flight >= self._cap(lane.endpoint):
            return
        lane.queued[self._kind] = True
        self.ready += 1
        lanes = self._lanes.get(lane.tenant)
        if lanes is None:
            self._lanes[lane.tenant] = deque((lane,))
            self._tenants.append(lane.tenant)
        else:
            lanes.append(lane)

    def take(self, share: float) -> tuple[Lane, Work, Kind] | None:
        """The next delivery to start, counted as in flight; None if that lane has none or is full by now.

        For `share` see `Lane.has_room`.
        """
        tenant = self._tenants.popleft()
        lanes = self._lanes[tenant]
        lane = lanes.popleft()
        lane.queued[self._kind] = False
        self.ready -= 1
        if lanes:
            self._tenants.append(tenant)
        else:
            del self._lanes[tenant]
        if not lane.waiting[self._kind] or not lane.has_room(self._cap(lane.endpoint), share):
            return None
        work = lane.waiting[self._kind].popleft()
        lane.in_flight += 1
        self.add(lane)
        return lane, work, self._kind


class Turns:
    """The rotas of both kinds, in turns. Its mutable state is whose turn is next."""

    def __init__(self, cap: Callable[[str], int]) -> None:
        self._rotas = (Rota(Kind.FRESH, cap), Rota(Kind.CLAIMED, cap))
        self._turn, self._after = self._rotas

    def put(self, lane: Lane, kind: Kind, work: Work) -> None:
        """Let a delivery wait in its lane."""
        lane.waiting[kind].append(work)
        self._rotas[kind].add(lane)

    def add(self, lane: Lane) -> None:
        """A lane has a request less in flight: let it take part again."""
        for waiting, rota in zip(lane.waiting, self._rotas, strict=True):
            if waiting:
                rota.add(lane)

    @property
    def ready(self) -> int:
        """How many lanes may start something."""
        fresh, claimed = self._rotas
        return fresh.ready + claimed.ready

    @property
    def claimed(self) -> int:
        """How many lanes may start claimed work."""
        return self._rotas[Kind.CLAIMED].ready

    def take(self, share: float = 1.0, claimed: bool = True) -> tuple[Lane, Work, Kind] | None:
        """The next delivery to start, if there is one; for `share` see `Rota.take`.

        `claimed` false: only what is fresh.
        """
        fresh, old = self._rotas
        while fresh.ready or (claimed and old.ready):
            rota = self._turn
            self._turn, self._after = self._after, rota
            if rota.ready and (claimed or rota is fresh) and (taken := rota.take(share)) is not None:
                return taken
        return None


class Trickle:
    """How fast claimed work starts beside fresh work: as fast as that, and 250 a second; alone at once.

    One event for 1,000 endpoints otherwise fills the event loop for 200 ms, and what is published
    meanwhile waits at each step of its way. Beside much fresh work half of the process is for what was
    claimed, so that an endpoint which has fallen behind catches up. Times in seconds. Its mutable state is
    when the next may start, and until when it is slow.
    """

    def __init__(self) -> None:
        self._next = 0.0
        self._slow_until = 0.0

    def slow_down(self, now: float) -> None:
        """A fresh delivery has come: a claimed one may start beside it."""
        self._slow_until = now + _WHILE
        self._next -= _EACH

    def slow(self, now: float) -> bool:
        """True if there was fresh work a short while ago."""
        return now < self._slow_until

    def open(self, now: float) -> bool:
        """True if claimed work may start."""
        return self._next <= now or not self.slow(now)

    def let_through(self, now: float) -> None:
        """One was started."""
        self._next = max(self._next, now - _AT_ONCE * _EACH) + _EACH
