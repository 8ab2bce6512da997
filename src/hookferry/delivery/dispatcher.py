"""The dispatcher: brings due deliveries into lanes and starts them, within every cap.

Its loop claims what waits in the database. What publish hands over (`reserve`, `offer`) is not read there.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import structlog

from hookferry.clock import Clock
from hookferry.delivery.claims import FIRST, Claims, ClaimSize
from hookferry.delivery.in_hand import InHand, size_of
from hookferry.delivery.lanes import Kind, Lane, Trickle, Turns
from hookferry.delivery.rates import Rates
from hookferry.delivery.unwell import Survey, Unwell
from hookferry.errors import Unavailable
from hookferry.logs import described
from hookferry.model import Delivery, Work
from hookferry.policy import Policy
from hookferry.store.base import Store
from hookferry.store.values import Settled

_log = structlog.get_logger("hookferry.dispatcher")

# Room for what is handed over to a lane in memory, beyond it the database keeps it.
_LANE_ROOM = 1024
# Past this many results that wait for their commit, nothing more is sent (rule 4 of the queue).
_MOST_UNSETTLED = 4096
# Starting a request costs about 50 µs: more in one go would make everybody else wait. As many as one commit
# lets in at full load: with 8 the others of a commit waited for their turns, for 1 to 6 % of the throughput,
# and publishers outran an endpoint that answers at once. Its events then wait in the database, and stayed
# there as long as the load went on, for each claim brought no more than had come.
_STARTS_IN_A_ROW = 32
# Polling finds what no signal told of (FAULTS, 11); milliseconds.
_POLL = 1000
# With claimed work for more endpoints than this held back here, no more is claimed: look again after so
# many milliseconds. Each claim of an event for 1,000 endpoints made a fresh event wait for 3 ms.
_CLAIMED_AHEAD = 64
_AHEAD_AGAIN = 20
# Something was due and somebody else took it: look again, but do not spin; milliseconds.
_AFTER_NOTHING = 20


class Dispatcher:
    """Its mutable state is the lanes, the turns, what is in hand (`in_flight` are requests on their way), how
    large claims are, and whether it is stopping.

    `deliver` sends one delivery and settles it; it never raises. `cap` is for requests in flight in
    all, `lane_cap` for each endpoint; `policy` gives the numbers that a tenant's endpoints are judged by.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliver: Callable[[Work], Awaitable[None]],
        give_back: Callable[[Work], None],
        cap: int,
        lane_cap: int,
        policy: Callable[[str], Policy],
    ) -> None:
        self._store = store
        self._clock = clock
        self._deliver = deliver
        self._give_back = give_back
        self._cap = cap
        self._lanes: dict[str, Lane] = {}
        self._lane_cap = lane_cap
        self._unwell = Unwell(store, clock, policy, lane_cap)
        # Asking for the running loop each time costs a system call in Python 3.11 (it checks the process).
        self._loop = loop = asyncio.get_running_loop()
        self._rates = Rates(
            store.directory, lambda: store.live_workers, loop.time, loop.call_later, self._refilled
        )
        self._turns = Turns(self._lane_cap_now)
        self._trickle = Trickle()
        store.listen(self._on_settled)
        store.watch(self.wake, self._let_go)
        self._in_hand = InHand()
        self._claims = Claims()
        self.in_flight = 0
        self._running: set[asyncio.Task[None]] = set()
        self._signal = asyncio.Event()
        self._look_at = 0
        self._starts = 0
        self._pumping = False
        self._trickling = False
        self._stopping = False

    # Hand-over from publish

    def reserve(self, endpoint: str, size: int) -> bool:
        """See `service.publish.HandOver`: no room while older work of the endpoint waits (rule 2)."""
        lane = self._lanes.get(endpoint)
        if lane is None:
            lane = self._lane(endpoint)
        if (
            lane.backlog
            or self._stopping
            or self._unwell.rests(endpoint)
            or not self._store.fresh
            or lane.in_hand >= self._rates.room(endpoint, _LANE_ROOM)
            or not self._in_hand.has_room(size)
            or self._store.unsettled > _MOST_UNSETTLED
        ):
            lane.backlog += 1
            return False
        lane.reserved += 1
        self._in_hand.add(size)
        return True

    def defer(self, endpoint: str) -> None:
        """See `service.publish.HandOver`."""
        lane = self._lanes.get(endpoint) or self._lane(endpoint)
        lane.backlog += 1

    def release(self, endpoint: str, size: int) -> None:
        """See `service.publish.HandOver`."""
        lane = self._lanes[endpoint]
        lane.reserved -= 1
        self._in_hand.remove(size)
        self._forget(lane)

    def offer(self, work: Work) -> None:
        """See `service.publish.HandOver`."""
        lane = self._lanes[work.delivery.endpoint]
        lane.reserved -= 1
        if self._stopping:
            self._in_hand.remove(size_of(work))
            self._give_back(work)
            return
        self._trickle.slow_down(self._loop.time())
        if self._may_start(lane):
            # As most do: to wait for its turn and get it at once took 5 µs more.
            lane.in_flight += 1
            self._start(lane, work)
        else:
            self._turns.put(lane, Kind.FRESH, work)
            self._pump()

    def wake(self) -> None:
        """See `service.publish.HandOver`; also for anything else that may have become due."""
        self._signal.set()

    def drop(self, delivery: Delivery) -> None:
        """Do not send a delivery that was cancelled and is still waiting in its lane."""
        lane = self._lanes.get(delivery.endpoint)
        if lane is not None and (work := lane.remove(delivery.id)) is not None:
            self._in_hand.remove(size_of(work))
            self._forget(lane)

    # Claiming

    async def run(self) -> None:
        """Claim what is due, until `stop`."""
        pause = _POLL
        while not self._stopping:
            self._signal.clear()
            # What is settled while the claim looks may not be in what it sees.
            self._look_at = self._clock.now() + _POLL
            try:
                wait = await self._claim()
                pause = _POLL
            except Unavailable:
                # The store is down: ask less and less often, up to half a minute.
                wait = self._clock.now() + pause
                pause = min(pause * 2, 30 * _POLL)
            except Exception as error:
                # A bug must not end the loop that everybody's retries depend on.
                _log.error("claim failed", **described(error))
                wait = self._clock.now() + 30 * _POLL
            self._look_at = wait
            await self._clock.wait(self._signal, wait)

    async def _claim(self) -> int:
        """Claim once. When to claim again, unless something wakes us: milliseconds since 1970."""
        now = self._clock.now()
        self._pump()
        if self._store.unsettled > _MOST_UNSETTLED or not self._store.fresh:
            return now + _POLL
        unwell = self._unwell.survey(now)
        await self._look_after(unwell, now)
        if self._turns.claimed > _CLAIMED_AHEAD and self._trickle.slow(self._loop.time()):
            return now + _AHEAD_AGAIN
        full = self._full(unwell)
        asked = [lane for lane in self._lanes.values() if lane.endpoint not in full]
        due = await self._store.next_due(full)
        if due is None or due > now:
            self._mark_backlogs([], asked, FIRST)
            return min(time for time in (due, unwell.look_at, now + _POLL) if time is not None)
        # A crowd of hanging endpoints must not fill the memory with what they cannot take.
        size = self._claims.next(self._trickle.slow(self._loop.time()), self._lane_limit())
        works = await self._store.claim(now, size.limit, size.per_endpoint, full)
        for work in works:
            self._take(work)
        self._claims.brought(sum(map(size_of, works)))
        if self._stopping:
            return now
        self._mark_backlogs(works, asked, size)
        self._pump()
        return now if works else now + _AFTER_NOTHING

    async def _look_after(self, unwell: Survey, now: int) -> None:
        """Endpoints that rest give back what waits for them here; those whose time has come are probed."""
        for endpoint in unwell.resting & self._lanes.keys():
            self._empty(self._lanes[endpoint])
        for endpoint in unwell.caps.keys() & self._lanes.keys():
            self._turns.add(self._lanes[endpoint])
        to_probe = [id for id in unwell.to_probe if id not in self._rates.waiting]
        for work in await self._unwell.probes(to_probe, now):
            if self._stopping:
                self._give_back(work)
                continue
            lane = self._lanes.get(work.delivery.endpoint) or self._lane(work.delivery.endpoint)
            self._in_hand.add(size_of(work))
            lane.in_flight += 1
            self._start(lane, work)
        self._pump()

    def _full(self, unwell: Survey) -> set[str]:
        """The endpoints that are not to be claimed for: they rest, or their lanes can take no more."""
        lanes, limit = self._lanes, self._lane_limit()
        ramping = {id for id, cap in unwell.caps.items() if id in lanes and lanes[id].in_hand >= 2 * cap}
        limited = self._store.directory.rate_limits.keys() & lanes.keys()
        full = {id for id in limited if lanes[id].in_hand > self._rates.room(id, limit)}
        if self._in_hand.count > limit:
            full |= {lane.endpoint for lane in lanes.values() if lane.in_hand > limit}
        return full | ramping | unwell.resting

    def _lane_limit(self) -> int:
        """How much a lane may hold and still claim more: with enough in memory in all, what it can send."""
        return self._lane_cap if self._in_hand.crowded else _LANE_ROOM // 2

    def _take(self, work: Work) -> None:
        if self._stopping:
            self._give_back(work)
            return
        lane = self._lanes.get(work.delivery.endpoint) or self._lane(work.delivery.endpoint)
        self._in_hand.add(size_of(work))
        self._turns.put(lane, Kind.CLAIMED, work)

    def _mark_backlogs(self, works: list[Work], asked: list[Lane], size: ClaimSize) -> None:
        """An endpoint that gave all it may give in one claim has more; one that gave less has no more.

        What was stored while the claim ran is not in it, and newcomers overtake that until the next claim.
        Else an endpoint that once fell behind would never be handed anything again under steady load: there
        is always something that has just been stored.
        """
        counts = Counter(work.delivery.endpoint for work in works)
        for endpoint, count in counts.items():
            if count >= self._rates.room(endpoint, size.per_endpoint):
                self._lanes[endpoint].backlog += 1
        if len(works) == size.limit:
            return
        for lane in asked:
            if counts[lane.endpoint] < self._rates.room(lane.endpoint, size.per_endpoint):
                lane.backlog = 0
                self._forget(lane)

    # Sending

    def _pump(self) -> None:
        """Start what may start, a few at a time, with the event loop in between."""
        # Of the three times that a delivery leads here nothing waits in two: asked first, it saves 2 µs.
        if not self._turns.ready or self._blocked():
            return
        while self.in_flight < self._cap and not self._pumping:
            taken = self._turns.take(self._share(), claimed=self._trickle.open(self._loop.time()))
            if taken is None:
                self._pump_later()
                return
            lane, work, kind = taken
            if kind is Kind.CLAIMED:
                self._trickle.let_through(self._loop.time())
            self._start(lane, work)

    def _pump_again(self) -> None:
        self._pumping = False
        self._pump()

    def _blocked(self) -> bool:
        """True if nothing is to be started now."""
        return (
            self._pumping
            or self._stopping
            or self._store.unsettled > _MOST_UNSETTLED
            or not self._store.fresh
        )

    def _share(self) -> float:
        """How much of its cap a lane may have in flight.

        The fuller it is in all, the less: endpoints that hang, however many, never take the last slots from
        those that answer.
        """
        return 1 - self.in_flight / self._cap

    def _may_start(self, lane: Lane) -> bool:
        """True if it is a lane's turn at once, for nobody waits, there or elsewhere."""
        if self._turns.ready or any(lane.waiting) or self.in_flight >= self._cap or self._blocked():
            return False
        return lane.has_room(self._lane_cap_now(lane.endpoint), self._share())

    def _pump_later(self) -> None:
        """Look again for claimed work that is held back now."""
        held_back = self._turns.claimed and not self._trickle.open(self._loop.time())
        if held_back and not self._trickling:
            self._trickling = True
            self._loop.call_later(0.001, self._trickle_on)

    def _trickle_on(self) -> None:
        self._trickling = False
        self._pump()

    def _lane_cap_now(self, endpoint: str) -> int:
        return 0 if endpoint in self._rates.waiting else self._unwell.cap(endpoint)

    def _refilled(self, endpoint: str) -> None:
        """An endpoint's rate lets it be sent more."""
        if (lane := self._lanes.get(endpoint)) is not None:
            self._turns.add(lane)
            self._pump()

    def _start(self, lane: Lane, work: Work) -> None:
        self._rates.take(lane.endpoint)
        task = self._loop.create_task(self._send(lane, work))
        self.in_flight += 1
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        self._starts += 1
        if self._starts >= _STARTS_IN_A_ROW:
            self._starts = 0
            self._pumping = True
            self._loop.call_soon(self._pump_again)

    def _on_settled(self, settled: Sequence[Settled]) -> None:
        """Look at once for what is due earlier, for news, and after an endpoint that rests or was probed."""
        for one in settled:
            due, news = one.settlement.due_at, one.news
            if due is not None and due < self._look_at:
                self._signal.set()
            if news is not None and (news.told or self._unwell.rests(news.endpoint)):
                self._signal.set()
        self._pump()

    async def _send(self, lane: Lane, work: Work) -> None:
        try:
            await self._deliver(work)
        finally:
            self.in_flight -= 1
            lane.in_flight -= 1
            self._in_hand.remove(size_of(work))
            if lane.backlog and lane.in_hand <= self._rates.room(lane.endpoint, self._lane_limit()):
                self._signal.set()
            self._turns.add(lane)
            self._forget(lane)
            self._pump()

    def _lane(self, endpoint: str) -> Lane:
        found = self._store.directory.find_endpoint(endpoint)
        lane = self._lanes[endpoint] = Lane(found.tenant if found else "", endpoint)
        return lane

    def _forget(self, lane: Lane) -> None:
        # A claim may hold on to a lane that was forgotten meanwhile and has a successor.
        if lane.idle and not any(lane.queued) and self._lanes.get(lane.endpoint) is lane:
            del self._lanes[lane.endpoint]

    # Stopping

    def _let_go(self) -> None:
        """Give back what waits here. Whoever claimed it anew meanwhile keeps it."""
        for lane in list(self._lanes.values()):
            self._empty(lane)
            self._forget(lane)

    def _empty(self, lane: Lane) -> None:
        """Give back what waits in a lane."""
        for waiting in lane.waiting:
            while waiting:
                work = waiting.popleft()
                self._in_hand.remove(size_of(work))
                self._give_back(work)

    async def stop(self, grace: float) -> None:
        """Start nothing more, give back what waits, let what is in flight end within `grace` seconds.

        What is cut off then is given back too: a stop costs no attempt (FAULTS, 5).
        """
        self._stopping = True
        self._signal.set()
        self._let_go()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
