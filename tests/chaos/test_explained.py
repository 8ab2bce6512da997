"""What the count of chaos takes for a repeat that a fault explains. Times in seconds."""

from tests.chaos.recorder import Success
from tests.chaos.run import explained, overslept

FIRST, AGAIN = (Success(at, "127.0.0.11", arrived=at, signed=at) for at in (100.0, 110.0))
# Signed before its sender was stopped.
IN_HAND = AGAIN._replace(signed=96.5)


def test_without_a_fault_nothing_is_explained() -> None:
    """Whatever was long before, and long after."""
    assert not explained(FIRST, AGAIN, [90.0, 109.0], [], [])


def test_a_sender_that_was_killed_before_the_commit() -> None:
    """Its result was lost."""
    assert explained(FIRST, AGAIN, [101.0], [], [])


def test_a_sender_that_was_killed_once_all_was_committed() -> None:
    """Three seconds later nothing of its results waits any more."""
    assert not explained(FIRST, AGAIN, [103.0], [], [])


def test_a_commit_that_waited_for_a_process_that_stood_still() -> None:
    """It may have had the endpoint's health locked, and the sender was killed meanwhile."""
    assert explained(FIRST, AGAIN, [103.0], [], [(99.0, 101.5)])


def test_nobody_holds_a_commit_up_for_longer_than_postgresql_lets_it() -> None:
    """Three seconds, however long it stands still."""
    assert not explained(FIRST, AGAIN, [106.0], [], [(99.0, 108.0)])


def test_a_stop_alone_explains_nothing() -> None:
    """Somebody else's, with no fault of the sender's."""
    assert not explained(FIRST, AGAIN, [], [], [(99.0, 108.0)])


def test_a_database_that_was_away_for_long() -> None:
    """Leases may have lapsed."""
    assert explained(FIRST, AGAIN, [], [(101.0, 104.0)], [])


def test_a_sender_that_was_stopped_with_the_request_in_hand() -> None:
    """Beyond its lease: another one sent what it sends when it goes on."""
    assert overslept(FIRST, IN_HAND, [(97.0, 109.9)])


def test_a_sender_that_looked_at_the_request_when_it_went_on() -> None:
    """It should have seen that its lease had lapsed."""
    assert not overslept(FIRST, AGAIN, [(97.0, 109.9)])


def test_a_sender_that_had_long_gone_on() -> None:
    """What it had in hand it sent at once."""
    assert not overslept(FIRST, IN_HAND, [(97.0, 105.0)])


def test_a_first_that_came_before_the_lease_had_lapsed() -> None:
    """So it was not sent because the other slept."""
    assert not overslept(FIRST, IN_HAND, [(99.5, 109.9)])
