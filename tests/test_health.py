"""Endpoint health: the breaker, the ramp, throttling, warnings, disabling."""

from functools import reduce
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hookferry.exchange import Outcome, Verdict
from hookferry.health import (
    OURS,
    Breaker,
    Change,
    Health,
    Tally,
    after,
    allowance,
    parked_until,
    probe,
    tally,
)
from hookferry.policy import Policy

NOW = 1_800_000_000_000
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
POLICY = Policy()
WITHOUT_BREAKER = Policy(breaker=False)
CAP = 32

CHANCE = st.floats(min_value=0, max_value=1, exclude_max=True)
TALLIES = st.builds(
    Tally,
    successes=st.integers(0, 3),
    failures=st.integers(0, 20),
    throttles=st.integers(0, 2),
    pause=st.integers(-10, 2 * DAY),
    exhausted=st.integers(0, 4),
)
STEPS = st.lists(
    st.tuples(TALLIES, st.integers(-HOUR, HOUR) | st.integers(0, 20 * SECOND), CHANCE), max_size=40
)
SUCCESS, FAILURE = Tally(successes=1), Tally(failures=1)


def _settle(health: Health, *seen: Tally, now: int = NOW, policy: Policy = POLICY) -> Health:
    for one in seen:
        health, _ = after(health, one, now, policy, 0)
    return health


def _changes(health: Health, seen: Tally, now: int = NOW, policy: Policy = POLICY) -> tuple[Change, ...]:
    return after(health, seen, now, policy, 0)[1]


def _probed(health: Health, now: int) -> Health:
    """The health with a probe on its way, which has to be due."""
    started = probe(health, now, POLICY)
    assert started is not None
    return started


def _lived(steps: list[tuple[Tally, int, float]], policy: Policy = POLICY) -> tuple[Health, int]:
    """Any life of an endpoint, and its last moment: probes start as soon as they may, the clock jumps."""
    health, now = Health(), NOW
    for seen, later, chance in steps:
        now += later
        health = probe(health, now, policy) or health
        health, _ = after(health, seen, now, policy, chance)
    return health, now


def _next_turn(health: Health, now: int) -> int:
    """After two waits: one for a rest, one for a probe."""
    for _ in range(2):
        now = parked_until(health, now, POLICY) or now
    return now


OPEN = _settle(Health(), Tally(failures=10))
FIRST_PROBE = NOW + 5 * SECOND
CLOSED = _settle(_probed(OPEN, FIRST_PROBE), Tally(successes=3), now=FIRST_PROBE)


# What counts


@pytest.mark.parametrize("outcome", sorted(OURS))
def test_a_fault_of_ours_is_none_of_the_receivers(outcome: Outcome) -> None:
    """A secret that we cannot read says nothing of who would have got it."""
    assert tally(outcome, Verdict.FAILED) == Tally()


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - OURS))
def test_every_other_outcome_counts(outcome: Outcome) -> None:
    """A forbidden address and a name that is not found too."""
    assert tally(outcome, Verdict.RETRY) == Tally(failures=1)


def test_a_lost_delivery_counts_as_exhausted() -> None:
    """And its last attempt as a failure."""
    assert tally(Outcome.RESPONSE, Verdict.FAILED) == Tally(failures=1, exhausted=1)


def test_a_throttling_answer_is_no_failure() -> None:
    """The receiver lives and says what it wants."""
    assert tally(Outcome.RESPONSE, Verdict.RETRY, 7000) == Tally(throttles=1, pause=7000)


@given(st.lists(TALLIES, max_size=6), st.randoms(use_true_random=False))
def test_tallies_add_up_in_any_order(tallies: list[Tally], random: Random) -> None:
    """What one commit settles has no order."""
    shuffled = random.sample(tallies, len(tallies))

    assert reduce(Tally.plus, tallies, Tally()) == reduce(Tally.plus, shuffled, Tally())


# While all is well


def test_successes_of_a_well_endpoint_write_nothing() -> None:
    """The happy path of everybody costs no row."""
    assert after(Health(), Tally(successes=500), NOW, POLICY, 0) == (Health(), ())


def test_successes_after_a_bad_time_write_nothing() -> None:
    """Once its window is over, an endpoint that recovered costs nothing either."""
    assert after(CLOSED, Tally(successes=500), NOW + HOUR, POLICY, 0) == (CLOSED, ())


def test_nothing_seen_changes_nothing() -> None:
    """A delivery that was given back is no result."""
    assert after(OPEN, Tally(), NOW + MINUTE, POLICY, 0) == (OPEN, ())


def test_a_well_endpoint_has_its_cap() -> None:
    """From the first request on."""
    assert allowance(Health(), NOW, CAP, POLICY) == CAP


# Opening


def test_failures_in_a_row_open_the_breaker() -> None:
    """However they come in: one by one, or in one commit."""
    assert [_settle(Health(), *[FAILURE] * 10).breaker, OPEN.breaker] == [Breaker.OPEN] * 2


def test_a_few_failures_do_not() -> None:
    """Nine are bad luck."""
    assert _settle(Health(), *[FAILURE] * 9).breaker is Breaker.CLOSED


def test_opening_is_told_once() -> None:
    """Late results of an open one change nothing."""
    assert [_changes(Health(), Tally(failures=10)), _changes(OPEN, Tally(failures=10))] == [
        (Change.OPENED,),
        (),
    ]


def test_mostly_failing_opens_it_too() -> None:
    """With a success now and then it never fails ten times in a row."""
    assert _settle(Health(), *[Tally(failures=8, successes=1)] * 5).breaker is Breaker.OPEN


def test_the_share_is_of_a_minute() -> None:
    """What failed before counts no more."""
    health = Health()
    for number in range(20):
        health = _settle(health, Tally(failures=8, successes=1), now=NOW + number * 20 * SECOND)

    assert health.breaker is Breaker.CLOSED


@given(st.integers(0, 5000), st.booleans())
def test_taking_turns_never_opens_it(pause: int, together: bool) -> None:
    """200, 500, 200, 500: everything is delivered with two attempts, so it is left alone (FAULTS, 26)."""
    health, now = Health(), NOW
    for _ in range(300):
        for seen in [Tally(successes=1, failures=1)] if together else [FAILURE, SUCCESS]:
            health = _settle(health, seen, now=now)
            now += pause

    assert health.breaker is Breaker.CLOSED


def test_throttling_does_not_open_it() -> None:
    """A receiver that asks for less is there."""
    assert _settle(Health(), *[Tally(throttles=10)] * 10).breaker is Breaker.CLOSED


def test_a_contract_may_have_no_breaker() -> None:
    """One that promises when each attempt is made."""  # OT-19, OT-20
    assert _changes(Health(), Tally(failures=99), policy=WITHOUT_BREAKER) == ()


def test_a_breaker_that_is_no_longer_wanted_parks_nothing() -> None:
    """The tenant's contract was changed while it was open."""
    assert allowance(OPEN, NOW, CAP, WITHOUT_BREAKER) == CAP


def test_it_says_since_when_it_is_open() -> None:
    """However many probes have failed since."""
    assert _settle(_probed(OPEN, FIRST_PROBE), FAILURE, now=FIRST_PROBE).opened_at == NOW


# Probing


def test_an_open_one_is_parked() -> None:
    """Nothing is sent until the first probe."""
    assert (allowance(OPEN, NOW, CAP, POLICY), parked_until(OPEN, NOW, POLICY)) == (0, FIRST_PROBE)


def test_a_probe_is_one_request() -> None:
    """Once it is due."""
    assert allowance(OPEN, FIRST_PROBE, CAP, POLICY) == 1


def test_one_probe_at_a_time() -> None:
    """Whoever started it has the only one, over all machines."""
    assert probe(_probed(OPEN, FIRST_PROBE), FIRST_PROBE, POLICY) is None


def test_a_probe_of_which_nothing_is_heard_is_given_up() -> None:
    """Its machine died: another one starts."""
    health = _probed(OPEN, FIRST_PROBE)

    assert allowance(health, FIRST_PROBE + POLICY.patience, CAP, POLICY) == 1


def test_no_probe_of_what_is_closed() -> None:
    """It needs none."""
    assert probe(Health(), NOW, POLICY) is None


def test_probes_wait_twice_as_long_each_time() -> None:
    """Up to five minutes."""
    health, now, waits = OPEN, NOW, []
    for _ in range(9):
        waits.append((health.probe_at - now) // SECOND)
        now = health.probe_at
        health = _settle(_probed(health, now), FAILURE, now=now)

    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_probes_are_spread_by_chance() -> None:
    """By a fifth: the endpoints of a host went down together, and are not asked together."""
    health, _ = after(Health(), Tally(failures=10), NOW, POLICY, 0.5)

    assert health.probe_at == NOW + 5500


def test_late_failures_do_not_put_the_probe_off() -> None:
    """What was on its way when it opened comes in until its time-out."""
    assert _settle(OPEN, FAILURE, now=NOW + SECOND).probe_at == FIRST_PROBE


def test_a_probe_that_succeeds_is_followed_at_once() -> None:
    """By the next."""
    health = _settle(_probed(OPEN, FIRST_PROBE), SUCCESS, now=FIRST_PROBE)

    assert probe(health, FIRST_PROBE, POLICY) is not None


@given(STEPS)
def test_no_endpoint_is_parked_for_ever(steps: list[tuple[Tally, int, float]]) -> None:
    """Whatever happened, also to the clock: after two waits at most something may be sent (FAULTS, 12)."""
    health, now = _lived(steps)

    assert allowance(health, _next_turn(health, now), CAP, POLICY) >= 1


@given(STEPS, st.integers(-DAY, DAY))
def test_parked_is_never_for_long(steps: list[tuple[Tally, int, float]], jump: int) -> None:
    """It is until some time ahead, and not far ahead."""
    health, now = _lived(steps)
    until = parked_until(health, now + jump, POLICY)

    assert until is None or now + jump < until <= now + jump + POLICY.longest_wait


@given(STEPS, st.integers(-DAY, DAY), st.integers(0, 500))
def test_an_allowance_is_between_nothing_and_the_cap(
    steps: list[tuple[Tally, int, float]], jump: int, cap: int
) -> None:
    """Whatever happened."""
    health, now = _lived(steps)

    assert 0 <= allowance(health, now + jump, cap, POLICY) <= cap


@given(STEPS, st.integers(-DAY, DAY))
def test_parked_means_nothing_is_sent(steps: list[tuple[Tally, int, float]], jump: int) -> None:
    """And what is not parked may be sent something."""
    health, now = _lived(steps)
    parked = parked_until(health, now + jump, POLICY) is not None

    assert (allowance(health, now + jump, CAP, POLICY) == 0) is parked


# Closing


def test_three_successes_close_it() -> None:
    """One may be luck."""
    health, now = OPEN, FIRST_PROBE
    seen = []
    for _ in range(3):
        health = _settle(_probed(health, now), SUCCESS, now=now)
        seen.append(health.breaker)

    assert seen == [Breaker.HALF_OPEN, Breaker.HALF_OPEN, Breaker.CLOSED]


def test_a_failure_between_them_opens_it_again() -> None:
    """And the successes count from the start."""
    health = _settle(_probed(OPEN, FIRST_PROBE), Tally(successes=2), FAILURE, now=FIRST_PROBE)

    assert (health.breaker, health.recovered) == (Breaker.OPEN, 0)


@given(STEPS)
def test_successes_close_it_in_the_end(steps: list[tuple[Tally, int, float]]) -> None:
    """From wherever it is, by as many probes as it takes."""
    health, now = _lived(steps)
    for _ in range(POLICY.successes):
        now = _next_turn(health, now)
        health = _settle(probe(health, now, POLICY) or health, SUCCESS, now=now)

    assert health.breaker is Breaker.CLOSED


def test_the_ramp_doubles() -> None:
    """20,000 that are due at once come as the receiver can show that it takes them (FAULTS, 25)."""
    allowed = [allowance(CLOSED, FIRST_PROBE + seconds * SECOND, CAP, POLICY) for seconds in range(7)]

    assert allowed == [1, 2, 4, 8, 16, 32, 32]


def test_enabling_begins_with_a_ramp() -> None:
    """Everything that was held is due at once."""
    assert allowance(Health.enabled(NOW), NOW, CAP, POLICY) == 1


def test_opening_again_soon_waits_longer() -> None:
    """One that fails as soon as it is loaded changes state less and less often (FAULTS, 26)."""
    again = _settle(CLOSED, Tally(failures=10), now=FIRST_PROBE + SECOND)

    assert again.probe_at == FIRST_PROBE + SECOND + 10 * SECOND


def test_opening_again_later_does_not() -> None:
    """Another day, another trouble."""
    again = _settle(CLOSED, Tally(failures=10), now=NOW + DAY)

    assert again.probe_at == NOW + DAY + 5 * SECOND


def test_an_hour_of_calm_forgets_a_night() -> None:
    """However often a probe failed, the longest wait is one doubling after the other away from the first."""
    health = replace(CLOSED, step=POLICY.most_steps)
    long_down = _settle(replace(_probed(OPEN, FIRST_PROBE), step=POLICY.most_steps), FAILURE, now=FIRST_PROBE)
    again = _settle(health, Tally(failures=10), now=FIRST_PROBE + 70 * MINUTE)

    assert (long_down.step, again.step) == (6, 0)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 100), CHANCE)
def test_the_wait_for_a_probe_has_bounds(first: int, times: int, failed: int, chance: float) -> None:
    """However often it failed, and whatever the numbers."""
    policy = replace(POLICY, probe_first=first, probe_longest=first * times)
    health = Health()
    for _ in range(failed + 1):
        health, _ = after(replace(health, breaker=Breaker.HALF_OPEN), FAILURE, NOW, policy, chance)

    assert first <= health.probe_at - NOW <= first * times * 1.2


@given(st.lists(st.integers(0, 1000) | st.integers(0, 30 * MINUTE), max_size=100))
def test_it_opens_less_and_less_often(pauses: list[int]) -> None:
    """The worst that a receiver can do: it fails when it is closed, and succeeds when it is probed.

    Seven times at first, then at most once in five minutes, and once more for each ten minutes.
    """
    health, now = Health(), NOW
    for opened, pause in enumerate(pauses, start=1):
        now += pause
        health = _settle(health, Tally(failures=40), now=now)
        assert opened <= 7 + (now - NOW) / POLICY.probe_longest + (now - NOW) / POLICY.calm
        now = health.probe_at
        health = _settle(_probed(health, now), Tally(successes=3), now=now)


# Throttling


def test_a_throttled_endpoint_rests() -> None:
    """As long as it asked for (FAULTS, 22)."""
    health = _settle(Health(), Tally(throttles=1, pause=7 * SECOND))

    assert [allowance(health, NOW + wait * SECOND, CAP, POLICY) for wait in (0, 6, 7)] == [0, 0, 1]


@pytest.mark.parametrize(("asked", "rest"), [(-5, SECOND), (0, SECOND), (10**15, HOUR)])
def test_what_it_asks_for_has_bounds(asked: int, rest: int) -> None:
    """Negative, nothing, huge (FAULTS, 22)."""
    assert _settle(Health(), Tally(throttles=1, pause=asked)).throttled_until == NOW + rest


def test_a_shorter_rest_does_not_end_a_longer_one() -> None:
    """Answers overtake each other."""
    health = _settle(Health(), Tally(throttles=1, pause=MINUTE), Tally(throttles=1, pause=SECOND))

    assert health.throttled_until == NOW + MINUTE


def test_a_success_does_not_end_a_rest() -> None:
    """It was on its way before."""
    health = _settle(Health(), Tally(throttles=1, pause=MINUTE), SUCCESS)

    assert parked_until(health, NOW, POLICY) == NOW + MINUTE


def test_closing_does_not_end_a_rest() -> None:
    """One probe succeeded, another was told to wait."""
    health = _settle(
        _probed(OPEN, FIRST_PROBE), Tally(successes=3, throttles=1, pause=MINUTE), now=FIRST_PROBE
    )

    assert (health.breaker, parked_until(health, FIRST_PROBE, POLICY)) == (
        Breaker.CLOSED,
        FIRST_PROBE + MINUTE,
    )


def test_a_throttled_probe_waits_and_goes_on() -> None:
    """The receiver is there: no longer waits, and no success either."""
    health = _settle(_probed(OPEN, FIRST_PROBE), Tally(throttles=1, pause=MINUTE), now=FIRST_PROBE)

    assert [probe(health, FIRST_PROBE + wait, POLICY) is None for wait in (0, MINUTE)] == [True, False]


# Warnings and disabling


def _failed(days: float, exhausted: int, warned: int = 3) -> Health:
    return Health(failing_since=NOW - int(days * DAY), exhausted=exhausted, warned=warned)


def test_warnings_come_in_time() -> None:
    """After an hour, a day and three days without a success, each once."""
    health, told = Health(), []
    for hour in range(4 * 24):
        health, changes = after(health, FAILURE, NOW + hour * HOUR, POLICY, 0)
        told += [hour for change in changes if change is Change.FAILING]

    assert told == [1, 24, 72]


def test_warnings_that_were_missed_are_one() -> None:
    """Nothing was sent for days: one is enough to say so."""
    health, changes = after(_failed(4, 0, warned=0), FAILURE, NOW, POLICY, 0)

    assert (health.warned, changes) == (3, (Change.FAILING,))


def test_time_without_traffic_is_no_failure() -> None:
    """The first failure begins it, however long ago the last success was."""
    assert _settle(Health(), FAILURE, now=NOW).failing_since == NOW


def test_time_and_count_together_disable() -> None:
    """Five days, and the tenth lost delivery."""
    assert _changes(_failed(5, 9), Tally(failures=1, exhausted=1)) == (Change.DISABLED,)


def test_disabling_comes_after_a_warning() -> None:
    """Even if the first results in days come all at once."""
    assert _changes(_failed(5, 10, warned=0), FAILURE) == (Change.FAILING,)


@given(days=st.floats(0, 10), lost=st.integers(0, 30), seen=TALLIES)
def test_nothing_but_both_disables(days: float, lost: int, seen: Tally) -> None:
    """Neither long failing of one delivery, nor many lost in a day."""
    health, changes = after(_failed(days, lost), seen, NOW, POLICY, 0)
    failing_for = 0 if health.failing_since is None else NOW - health.failing_since

    assert (Change.DISABLED in changes) is (failing_for >= 5 * DAY and health.exhausted >= 10)


def test_a_success_begins_anew() -> None:
    """Everything that was held against it is forgotten."""
    health = _settle(_failed(4.9, 100), SUCCESS)

    assert (health.failing_since, health.exhausted, health.consecutive) == (None, 0, 0)


def test_gone_disables_at_once() -> None:
    """410, where the contract heeds it (FAULTS, 22)."""
    assert _changes(Health(), tally(Outcome.RESPONSE, Verdict.DISABLE)) == (Change.DISABLED,)


def test_a_contract_may_never_disable_by_time() -> None:
    """It promises to go on."""  # OT-19, OT-20
    assert _changes(_failed(50, 500), FAILURE, policy=replace(POLICY, disabling=False)) == ()


def test_a_recovery_is_told_after_a_warning() -> None:
    """Whoever was told of the trouble is told of its end."""
    assert _changes(_failed(2, 3, warned=2), SUCCESS) == (Change.RECOVERED,)


def test_a_recovery_without_a_warning_is_not_told() -> None:
    """A short trouble is nobody's business but the log's."""
    assert _changes(_probed(OPEN, FIRST_PROBE), Tally(successes=3), FIRST_PROBE) == (Change.CLOSED,)


def test_a_recovery_is_told_once_the_breaker_is_closed() -> None:
    """A first success is not yet one."""
    health = replace(_probed(OPEN, FIRST_PROBE), warned=1)
    told = []
    for _ in range(3):
        health, changes = after(health, SUCCESS, FIRST_PROBE, POLICY, 0)
        told.append(changes)

    assert told == [(), (), (Change.CLOSED, Change.RECOVERED)]


def test_a_dead_endpoint_is_disabled_after_five_days() -> None:
    """By its probes alone, though they make few attempts: each takes the retry with the most behind it."""
    schedule = [5 * SECOND, 5 * MINUTE, *(int(hours * HOUR) for hours in (0.5, 2, 5, 10, 14, 20, 24))]
    retries, health, now, changes = [(0, NOW)] * 128, OPEN, NOW, tuple[Change, ...]()
    while Change.DISABLED not in changes:
        now = parked_until(health, now, POLICY) or now
        attempts, due = max(retry for retry in retries if retry[1] <= now)
        retries.remove((attempts, due))
        exhausted = attempts == len(schedule)
        retries.append((0, now) if exhausted else (attempts + 1, now + schedule[attempts]))
        seen = Tally(failures=1, exhausted=exhausted)
        health, changes = after(_probed(health, now), seen, now, POLICY, 0.5)

    assert 5 * DAY <= now - NOW < 5 * DAY + HOUR


# Development


def test_fast_motion_shortens_waits() -> None:
    """And neither the window nor the time that a request may take."""
    fast = POLICY.scaled(60)

    assert (fast.probe_first, fast.disable_after, fast.window, fast.patience) == (
        83,
        2 * HOUR,
        POLICY.window,
        POLICY.patience,
    )


@given(st.floats(1, 1e9))
def test_the_fastest_motion_still_waits(scale: float) -> None:
    """A millisecond, so that nothing is divided by nothing."""
    assert POLICY.scaled(scale).double >= 1
