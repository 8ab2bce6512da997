"""Token buckets."""

from hypothesis import given
from hypothesis import strategies as st

from hookferry.bucket import Bucket

NOW = 1_800_000_000_000
RATES = st.floats(min_value=0.01, max_value=100_000)
BURSTS = st.integers(1, 1000)
ASKED = st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 50)), max_size=60)


def _waits(bucket: Bucket, count: int, now: int = NOW) -> list[int]:
    waits = []
    for _ in range(count):
        bucket, wait = bucket.take(1, now)
        waits.append(wait)
    return waits


def test_a_new_bucket_is_full() -> None:
    """It gives its burst at once, and then says how long the next one takes."""
    assert _waits(Bucket(10, 3), 4) == [0, 0, 0, 100]


def test_a_refusal_takes_nothing() -> None:
    """Asking again and again does not put the next token off."""
    bucket, _ = Bucket(10, 1).take(1, NOW)

    assert bucket.take(1, NOW + 50) == (bucket, 50)


def test_more_than_it_holds_is_all_that_it_holds() -> None:
    """So that everybody's turn comes."""
    assert Bucket(10, 3).take(50, NOW)[1] == 0


def test_a_full_one_lends() -> None:
    """Many at once are given whole, and whoever comes next waits until all of them are there."""
    bucket, wait = Bucket(10, 3, debt=100).take(50, NOW)

    assert (wait, bucket.take(1, NOW)[1]) == (0, 4_800)


def test_one_token_is_enough_to_borrow() -> None:
    """Many at once need not wait for a moment in which nobody else takes any."""
    bucket, _ = Bucket(10, 3, debt=100).take(2, NOW)
    bucket, wait = bucket.take(50, NOW)

    assert (wait, bucket.take(1, NOW)[1]) == (0, 5_000)


def test_one_that_owes_does_not_lend() -> None:
    """Debts are not heaped up."""
    bucket, _ = Bucket(10, 3, debt=100).take(4, NOW)

    assert bucket.take(50, NOW)[1] == 200


def test_a_debt_is_never_more_than_it_lends() -> None:
    """Whoever asks for more than that with one token left gets what it can lend."""
    bucket, _ = Bucket(10, 3, debt=100).take(2, NOW)
    bucket, _ = bucket.take(103, NOW)

    assert bucket.take(1, NOW)[1] == 10_100


def test_many_at_once_beside_single_ones_are_not_starved() -> None:
    """Singles are half of the rate; a batch of two seconds' worth each second has its turn."""
    bucket, batches = Bucket(50, 50, debt=1000), 0
    for tick in range(120 * 25):
        bucket, _ = bucket.take(1, NOW + tick * 40)
        if tick % 25 == 0:
            bucket, wait = bucket.take(100, NOW + tick * 40)
            batches += not wait

    assert batches >= 30


def test_a_clock_that_goes_back_empties_it_at_most() -> None:
    """An hour's jump costs no hour (FAULTS, 12)."""
    bucket, _ = Bucket(10, 3).take(3, NOW)

    assert bucket.take(1, NOW - 3_600_000)[1] == 100


def test_after_a_clock_has_gone_back_the_wait_ends() -> None:
    """Whoever was told to wait has waited then."""
    bucket, _ = Bucket(10, 3).take(3, NOW)
    bucket, wait = bucket.take(1, NOW - 3_600_000)

    assert bucket.take(1, NOW - 3_600_000 + wait)[1] == 0


@given(rate=RATES, burst=BURSTS, asked=ASKED)
def test_in_the_long_run_what_was_lent_is_paid(rate: float, burst: int, asked: list[tuple[int, int]]) -> None:
    """The burst and what it lends, and then the rate."""
    bucket, now, given_out = Bucket(rate, burst, debt=50), NOW, 0
    for later, tokens in asked:
        now += later
        bucket, wait = bucket.take(tokens, now)
        given_out += 0 if wait else tokens

    assert given_out <= burst + 50 + rate * (now - NOW) / 1000 * 1.001


@given(rate=RATES, burst=BURSTS, asked=ASKED)
def test_it_never_gives_more_than_it_may(rate: float, burst: int, asked: list[tuple[int, int]]) -> None:
    """The burst, and then the rate: over any time from a full bucket on."""
    bucket, now, given_out = Bucket(rate, burst), NOW, 0
    for later, tokens in asked:
        now += later
        bucket, wait = bucket.take(tokens, now)
        given_out += 0 if wait else min(tokens, burst)

    assert given_out <= burst + rate * (now - NOW) / 1000 * 1.001


@given(rate=RATES, burst=BURSTS, asked=ASKED, tokens=st.integers(1, 2000))
def test_a_wait_is_long_enough(rate: float, burst: int, asked: list[tuple[int, int]], tokens: int) -> None:
    """Whoever comes back then gets what they asked for."""
    bucket, now = Bucket(rate, burst), NOW
    for later, some in asked:
        now += later
        bucket, _ = bucket.take(some, now)
    _, wait = bucket.take(tokens, now)

    assert bucket.take(tokens, now + wait)[1] == 0


@given(rate=RATES, burst=BURSTS, asked=ASKED, tokens=st.integers(1, 2000))
def test_a_wait_is_no_longer_than_needed(
    rate: float, burst: int, asked: list[tuple[int, int]], tokens: int
) -> None:
    """A millisecond earlier there would not be enough."""
    bucket, now = Bucket(rate, burst), NOW
    for later, some in asked:
        now += later
        bucket, _ = bucket.take(some, now)
    _, wait = bucket.take(tokens, now)

    assert wait == 0 or bucket.take(tokens, now + wait - 1)[1] > 0
