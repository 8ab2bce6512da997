"""Durations and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.units import read_duration, read_size, write_duration, write_size


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("1.5m", 90), ("2 h", 7200), ("7d", 604800)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """A number with a unit is seconds."""
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1w", "1e3s", "٣s", "1s1m", "9" * 30 + "s", "inf"])
def test_other_durations_are_refused(text: str) -> None:
    """What is not one number with one known unit is an error."""
    with pytest.raises(ValueError, match="a duration such as"):
        read_duration(text)


@given(st.integers(1, 10**11).map(lambda number: number / 1000))
def test_a_duration_survives_writing(seconds: float) -> None:
    """Reading what was written gives the same, to the microsecond."""
    assert read_duration(write_duration(seconds)) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("text", ["", "KiB", "-1", "1kb", "0.5", "1.0001KiB"])
def test_other_sizes_are_refused(text: str) -> None:
    """What is not a whole number of bytes is an error."""
    with pytest.raises(ValueError, match="a size such as"):
        read_size(text)


@given(st.integers(0, 10**11))
def test_a_size_survives_writing(size: int) -> None:
    """Reading what was written gives the same number of bytes."""
    assert read_size(write_size(size)) == size
