"""Lanes: an endpoint's own queue inside a worker, and whose turn it is. No I/O and no clock."""

from collections import deque

from hookferry.model import Work


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
        self.waiting: deque[Work] = deque()
        self.in_flight = 0
        self.reserved = 0
        self.backlog = 0
        self.queued = False

    @property
    def held(self) -> int:
        """How many deliveries have room here."""
        return self.reserved + len(self.waiting) + self.in_flight

    @property
    def idle(self) -> bool:
        """True if nothing is here, so that the lane can be forgotten."""
        return not (self.held or self.backlog)


class Rota:
    """Whose turn it is: round robin over tenants, then over each one's lanes, so that neither a tenant
    with many endpoints nor an endpoint with much work takes more than its turn.

    Its mutable state is the ring of tenants and each one's ring of lanes that may start a request.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._tenants: deque[str] = deque()
        self._lanes: dict[str, deque[Lane]] = {}

    def __bool__(self) -> bool:
        return bool(self._tenants)

    def add(self, lane: Lane) -> None:
        """Let a lane take part if it has work and is under the cap of requests in flight."""
        if lane.queued or not lane.waiting or lane.in_flight >= self._cap:
            return
        lane.queued = True
        lanes = self._lanes.get(lane.tenant)
        if lanes is None:
            self._lanes[lane.tenant] = deque((lane,))
            self._tenants.append(lane.tenant)
        else:
            lanes.append(lane)

    def take(self) -> tuple[Lane, Work]:
        """The next delivery to start, counted as in flight. Raises IndexError if there is none."""
        tenant = self._tenants.popleft()
        lanes = self._lanes[tenant]
        lane = lanes.popleft()
        lane.queued = False
        work = lane.waiting.popleft()
        lane.in_flight += 1
        if lanes:
            self._tenants.append(tenant)
        else:
            del self._lanes[tenant]
        self.add(lane)
        return lane, work
