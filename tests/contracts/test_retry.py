"""When to try again."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hookferry.contracts.retry import Schedule, retry_after
from tests.contracts.examples import NOW

SECONDS = st.floats(min_value=0.001, max_value=1e6)
CHANCE = st.floats(min_value=0, max_value=1, exclude_max=True)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    delays = sorted(draw(st.lists(SECONDS, min_size=1, max_size=12)))
    return Schedule(tuple(delays), draw(st.floats(0, 1)), draw(SECONDS), draw(SECONDS))


@given(schedule=schedules(), chance=CHANCE, data=st.data())
def test_jitter_stays_in_its_bounds(schedule: Schedule, chance: float, data: st.DataObject) -> None:
    """A delay is never shorter than the schedule's and never longer by more than the jitter's share."""
    number = data.draw(st.integers(1, schedule.attempts - 1))
    planned = schedule.delays[number - 1]

    assert planned <= schedule.delay(number, chance) <= planned * (1 + schedule.jitter)


@given(schedule=schedules(), chances=st.tuples(CHANCE, CHANCE), data=st.data())
def test_more_chance_is_no_shorter(
    schedule: Schedule, chances: tuple[float, float], data: st.DataObject
) -> None:
    """A delay grows with chance."""
    number = data.draw(st.integers(1, schedule.attempts - 1))
    less, more = sorted(chances)

    assert schedule.delay(number, less) <= schedule.delay(number, more)


@given(schedule=schedules(), chance=CHANCE)
def test_later_attempts_wait_no_less(schedule: Schedule, chance: float) -> None:
    """Where the schedule rises, so do the delays with equal chance."""
    delays = [schedule.delay(number, chance) for number in range(1, schedule.attempts)]

    assert delays == sorted(delays)


@given(
    schedule=schedules(),
    chance=CHANCE,
    asked=st.floats(allow_nan=False) | st.just(float("inf")),
    data=st.data(),
)
def test_what_is_asked_is_clamped(
    schedule: Schedule, chance: float, asked: float, data: st.DataObject
) -> None:
    """Whatever a receiver asks for, the delay is between the backoff and the ceiling (FAULTS, 22)."""
    number = data.draw(st.integers(1, schedule.attempts - 1))
    backoff = schedule.delay(number, chance)

    assert backoff <= schedule.delay(number, chance, asked) <= max(backoff, schedule.ceiling)


def test_what_is_asked_is_given() -> None:
    """Between the backoff and the ceiling a receiver waits for as long as it asked to, or a little longer."""
    schedule = Schedule((5.0,), jitter=0.2, ceiling=3600.0, deadline=1e6)

    assert [schedule.delay(1, chance, 600.0) for chance in (0.0, 0.5)] == [600.0, 660.0]


@given(
    value=st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4,9} \d\d:\d\d:\d\d [+-]?\w{3,6}")
)
@example("Fri, 31 Dec 999999 23:59:59 GMT")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("٣")
@example("9" * 64)
@example("9" * 100_000)
def test_garbage_is_ignored(value: str) -> None:
    """No text makes reading it fail."""
    assert isinstance(retry_after((("Retry-After", value),), NOW), float | None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (" 120\t", 120.0),
        ("0", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Tue, 03 Feb 2026 04:05:36 GMT", 29.211),
        ("Tuesday, 03-Feb-26 04:05:36 GMT", 29.211),
        ("Tue Feb  3 04:05:36 2026", 29.211),
        ("Tue, 03 Feb 2026 04:05:06 GMT", -0.789),
    ],
)
def test_retry_after(value: str, expected: float | None) -> None:
    """Seconds and the three kinds of dates are read (RFC 9110, section 5.6.7); a past date is below zero."""
    found = retry_after((("date", "x"), ("retry-AFTER", value)), NOW)

    assert found == (None if expected is None else pytest.approx(expected, abs=1e-3))


@given(wait=st.integers(0, 10**8))
def test_dates_count_from_now(wait: int) -> None:
    """A date so many seconds ahead asks for so many seconds."""
    date = format_datetime(datetime.fromtimestamp(NOW // 1000 + wait, UTC), usegmt=True)

    assert retry_after((("retry-after", date),), NOW // 1000 * 1000) == wait


def test_first_retry_after_counts() -> None:
    """Of several headers the first counts."""
    assert retry_after((("retry-after", "1"), ("retry-after", "2")), NOW) == 1
