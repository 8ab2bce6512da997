"""Endpoint health: what is known of a receiver, what follows for it, and how much it may be sent now. Pure.

```
CLOSED --it fails--> OPEN --a probe starts--> HALF_OPEN --a few successes--> CLOSED, and a ramp
                      ^                          |
                      |--------it fails----------|   the next probe waits twice as long
```
While the breaker is not closed the endpoint's deliveries wait in the queue, with their due times, and spend
no attempts. Waiting is not failing: only what a receiver did counts. Times are milliseconds since 1970,
durations milliseconds. A time further ahead than it can have been set comes from a clock that has gone back
since: it has come.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from hookferry.exchange import Outcome, Verdict
from hookferry.policy import Policy

# A ramp is over by then, whatever the cap.
_MOST_DOUBLINGS = 20
# The same where a doubling takes a second, as it does unless time is made shorter; milliseconds.
_LONGEST_RAMP = _MOST_DOUBLINGS * 1000

OURS = frozenset({Outcome.UNREADABLE_SECRET, Outcome.UNRENDERABLE})
"""Outcomes that say nothing of the receiver. Every other one counts, a forbidden address and DNS too."""


class Breaker(StrEnum):
    """Whether an endpoint is sent to."""

    CLOSED = "closed"
    """As much as its cap and its ramp allow."""
    OPEN = "open"
    """Nothing, until the next probe is due."""
    HALF_OPEN = "half_open"
    """One probe after the other."""


class Change(StrEnum):
    """What became of an endpoint. OPENED and CLOSED are for logs and metrics, the others are published."""

    OPENED = "opened"
    CLOSED = "closed"
    FAILING = "endpoint.failing"
    """It has had no success for long: a warning that it is going to be disabled."""
    RECOVERED = "endpoint.recovered"
    """It takes deliveries again, after a warning."""
    DISABLED = "endpoint.disabled"
    """It is to be disabled: it has failed for too long, or wants nothing more (410)."""


class State(StrEnum):
    """How an endpoint fares, in a word."""

    HEALTHY = "healthy"
    FAILING = "failing"
    """Its last attempts failed."""
    THROTTLED = "throttled"
    """It has asked to be sent nothing for a while."""
    PARKED = "parked"
    """Its deliveries wait, and probes are sent."""


class Tally(Struct, frozen=True, gc=False):
    """What some attempts of one endpoint gave, in no order: all that one commit settles."""

    successes: int = 0
    failures: int = 0
    throttles: int = 0
    """Answers that ask to be sent less. The receiver lives: they open no breaker, nor are they a success."""
    pause: int = 0
    """The longest that one of them asked to wait."""
    exhausted: int = 0
    """Deliveries that failed for good."""
    gone: bool = False
    """It answered that it wants nothing more."""

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            self.successes + other.successes,
            self.failures + other.failures,
            self.throttles + other.throttles,
            max(self.pause, other.pause),
            self.exhausted + other.exhausted,
            self.gone or other.gone,
        )


def tally(outcome: Outcome, verdict: Verdict, pause: int | None = None) -> Tally:
    """What one attempt counts for. `pause` is set for an answer that throttles, 0 if it names no time."""
    if outcome in OURS:
        return Tally()
    if verdict is Verdict.SUCCEEDED:
        return Tally(successes=1)
    exhausted = int(verdict is Verdict.FAILED)
    if pause is not None:
        return Tally(throttles=1, pause=pause, exhausted=exhausted)
    return Tally(failures=1, exhausted=exhausted, gone=verdict is Verdict.DISABLE)


class Health(Struct, frozen=True):
    """What is known of an endpoint, shared by all machines. One that is well is as this is made: no row.

    A time of 0 has long passed.
    """

    breaker: Breaker = Breaker.CLOSED
    consecutive: int = 0
    """Failures since the last success."""
    failing_since: int | None = None
    """The first failure since the last success: time without traffic is no failure."""
    exhausted: int = 0
    """Deliveries lost since then."""
    warned: int = 0
    """How many of the policy's warnings were given. It stays until the recovery is told."""
    window_at: int = 0
    """A window begins with a failure, so that nothing is written for an endpoint that is well."""
    window_failures: int = 0
    window_successes: int = 0
    opened_at: int | None = None
    step: int = 0
    """How often the wait for a probe was doubled."""
    probe_at: int = 0
    """Unless closed: when the next probe may start; while one is under way, when that one is given up."""
    recovered: int = 0
    """Probes that succeeded since the last failure."""
    closed_at: int = 0
    throttled_until: int = 0
    ramp_at: int = 0
    """When the ramp began."""

    @classmethod
    def enabled(cls, now: int) -> "Health":
        """Of an endpoint that was just enabled or resumed: nothing is held against it, and it gets a ramp."""
        return cls(ramp_at=now)


def allowance(health: Health, now: int, cap: int, policy: Policy) -> int:
    """How many requests may be in flight, over all machines. Never more than `cap`.

    With a breaker that is not closed the answer is 0 or 1, and the one has to be won by `probe`.
    """
    if parked_until(health, now, policy) is not None:
        return 0
    if _broken(health, policy):
        return min(1, cap)
    # A ramp that is yet to begin is of a clock that has gone back: it counts from the other side.
    doublings = abs(now - health.ramp_at) // policy.double
    return min(cap, 1 << min(doublings, _MOST_DOUBLINGS))


def parked_until(health: Health, now: int, policy: Policy) -> int | None:
    """When to look at a parked endpoint again; None for one that may be sent something now."""
    probe_at = health.probe_at if _broken(health, policy) else 0
    if health.throttled_until <= now and probe_at <= now:
        return None
    latest = now + policy.longest_wait
    waits = (health.throttled_until, probe_at)
    return max((wait for wait in waits if now < wait <= latest), default=None)


def state(health: Health, now: int) -> State:
    """How an endpoint fares."""
    if health.breaker is not Breaker.CLOSED:
        return State.PARKED
    if health.throttled_until > now:
        return State.THROTTLED
    return State.HEALTHY if health.failing_since is None else State.FAILING


def rests(health: Health, now: int, policy: Policy) -> bool:
    """True if nothing may be sent now but a probe that was won."""
    return _broken(health, policy) or parked_until(health, now, policy) is not None


def is_unhindered(health: Health, now: int) -> bool:
    """True if it may be sent as much as any other, whatever the policy. Quick, for it is asked of many."""
    return (
        health.breaker is Breaker.CLOSED
        and health.throttled_until <= now
        and now - health.ramp_at >= _LONGEST_RAMP
    )


def is_well(health: Health, now: int, policy: Policy) -> bool:
    """True if all that is known is over, so that it is as good as no row."""
    return (
        health.breaker is Breaker.CLOSED
        and health.failing_since is None
        and not health.warned
        and abs(now - health.window_at) >= policy.window
        and abs(now - health.closed_at) // policy.calm > health.step
        and abs(now - health.ramp_at) // policy.double >= _MOST_DOUBLINGS
        and parked_until(health, now, policy) is None
    )


def probe(health: Health, now: int, policy: Policy) -> Health | None:
    """Start a probe: the health to write before it is sent, None if it is not time for one or none is needed.

    Of all machines the one that wrote it sends. If nothing is heard of it, another starts after a while.
    """
    if not _broken(health, policy) or parked_until(health, now, policy) is not None:
        return None
    recovered = 0 if health.breaker is Breaker.OPEN else health.recovered
    return replace(health, breaker=Breaker.HALF_OPEN, recovered=recovered, probe_at=now + policy.patience)


def after(
    health: Health, seen: Tally, now: int, policy: Policy, chance: float
) -> tuple[Health, tuple[Change, ...]]:
    """The health once these attempts are settled, and what to tell. `chance` in [0, 1) is for jitter.

    Equal to what it was, with nothing to tell, for an endpoint that is well and stays so.
    """
    health = _rested(_counted(health, seen, now, policy), seen, now, policy, chance)
    health, moved = _switched(health, seen, now, policy, chance)
    health, told = _told(health, seen, now, policy)
    return health, moved + told


def _broken(health: Health, policy: Policy) -> bool:
    return policy.breaker and health.breaker is not Breaker.CLOSED


def _counted(health: Health, seen: Tally, now: int, policy: Policy) -> Health:
    """The order within a tally is unknown: a success stands for the last of it, in the receiver's favour."""
    if health.window_failures and 0 <= now - health.window_at < policy.window:
        health = replace(
            health,
            window_failures=health.window_failures + seen.failures,
            window_successes=health.window_successes + seen.successes,
        )
    elif seen.failures:
        health = replace(
            health, window_at=now, window_failures=seen.failures, window_successes=seen.successes
        )
    if seen.successes:
        return replace(health, consecutive=0, failing_since=None, exhausted=0)
    if not (seen.failures or seen.throttles):
        return health
    return replace(
        health,
        consecutive=health.consecutive + seen.failures,
        failing_since=now if health.failing_since is None else health.failing_since,
        exhausted=health.exhausted + seen.exhausted,
    )


def _rested(health: Health, seen: Tally, now: int, policy: Policy, chance: float) -> Health:
    """Throttled: nothing for a while, a ramp after it. A shorter rest does not end a longer one."""
    if not seen.throttles:
        return health
    until = now + policy.pause(seen.pause, chance)
    if now < health.throttled_until <= now + policy.longest_wait:
        until = max(until, health.throttled_until)
    return replace(health, throttled_until=until, ramp_at=until)


def _switched(
    health: Health, seen: Tally, now: int, policy: Policy, chance: float
) -> tuple[Health, tuple[Change, ...]]:
    """The breaker. While it is open only requests of before come in: they move nothing."""
    if not policy.breaker:
        return health, ()
    if health.breaker is Breaker.CLOSED and seen.failures and _fails(health, policy):
        step = health.step + 1 - max(0, now - health.closed_at) // policy.calm
        return replace(_open(health, step, now, policy, chance), opened_at=now), (Change.OPENED,)
    if health.breaker is not Breaker.HALF_OPEN:
        return health, ()
    if seen.failures:
        return _open(health, health.step + 1, now, policy, chance), ()
    if not (seen.successes or seen.throttles):
        return health, ()
    health = replace(health, recovered=health.recovered + seen.successes, probe_at=now)
    if health.recovered < policy.successes:
        return health, ()
    return _close(health, now, policy), (Change.CLOSED,)


def _fails(health: Health, policy: Policy) -> bool:
    attempts = health.window_failures + health.window_successes
    enough = health.consecutive >= policy.consecutive or attempts >= policy.sample
    return enough and health.window_failures >= policy.share * attempts


def _open(health: Health, step: int, now: int, policy: Policy, chance: float) -> Health:
    step = max(0, min(step, policy.most_steps))
    return replace(
        health,
        breaker=Breaker.OPEN,
        step=step,
        probe_at=now + policy.interval(step, chance),
        recovered=0,
    )


def _close(health: Health, now: int, policy: Policy) -> Health:
    """Closed, with nothing against it but that it was open a short while ago."""
    return Health(
        warned=health.warned,
        step=health.step,
        closed_at=now,
        throttled_until=health.throttled_until,
        ramp_at=max(now, health.throttled_until),
    )


def _told(health: Health, seen: Tally, now: int, policy: Policy) -> tuple[Health, tuple[Change, ...]]:
    if seen.gone or (policy.disabling and _is_lost(health, now, policy)):
        return health, (Change.DISABLED,)
    if seen.successes and health.warned and not _broken(health, policy):
        return replace(health, warned=0), (Change.RECOVERED,)
    if health.failing_since is None:
        return health, ()
    failing_for = now - health.failing_since
    due = sum(failing_for >= wait for wait in policy.warn_after)
    if due <= health.warned:
        return health, ()
    return replace(health, warned=due), (Change.FAILING,)


def _is_lost(health: Health, now: int, policy: Policy) -> bool:
    """Never without a warning before, though the first results in days may come all at once."""
    return (
        health.failing_since is not None
        and health.warned > 0
        and now - health.failing_since >= policy.disable_after
        and health.exhausted >= policy.disable_exhausted
    )
