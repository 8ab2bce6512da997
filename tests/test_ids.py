"""Ids: sortable, prefixed, with their time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry import ids
from hookferry.ids import IdMaker

TIMES = st.integers(min_value=0, max_value=2**47)


@given(st.lists(TIMES, min_size=2, max_size=50), st.integers(min_value=0, max_value=2**62 - 1))
def test_ids_rise_whatever_the_clock_does(times: list[int], chance: int) -> None:
    """Strictly, forward or back."""
    now = iter(times)
    maker = IdMaker(lambda: next(now), lambda bits: chance)
    made = [maker.new("evt") for _ in times]
    assert made == sorted(set(made))


@given(TIMES)
def test_an_id_tells_its_time(time: int) -> None:
    """To the millisecond."""
    assert ids.time_of(IdMaker(lambda: time, lambda bits: 7).new("dlv")) == time


@given(TIMES)
def test_the_floor_of_a_time_is_below_its_ids(time: int) -> None:
    """A bound for ranges."""
    assert ids.floor("evt", time) <= IdMaker(lambda: time, lambda bits: 0).new("evt")


def test_what_is_no_id_has_no_time() -> None:
    """It is refused."""
    with pytest.raises(ValueError, match="not an id"):
        ids.time_of("evt_12")


def test_processes_make_ids_of_their_own() -> None:
    """In the same millisecond too."""
    made = [IdMaker.seeded(lambda: 1).new("evt") for _ in range(2)]
    assert made[0] != made[1]
