"""What the standard contract concludes from an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts import builtin
from hookferry.exchange import Judgement, Outcome, Response, Result, Verdict
from tests.contracts.examples import NOW, answered

STANDARD = builtin("standard")
STOPS = {Outcome.INVALID_URL, Outcome.UNREADABLE_SECRET, Outcome.UNRENDERABLE}


def judge(result: Result, number: int = 1, age: float = 0, chance: float = 0) -> Judgement:
    return STANDARD.judge(result, number, age, chance, NOW)


def test_statuses() -> None:
    """200 to 299 succeed, 410 disables, everything else is tried again, redirects too."""
    verdicts = {status: judge(answered(status)).verdict for status in range(100, 600)}

    special = dict.fromkeys(range(200, 300), Verdict.SUCCEEDED) | {410: Verdict.DISABLE}
    assert verdicts == dict.fromkeys(range(100, 600), Verdict.RETRY) | special


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.RESPONSE])
def test_outcomes(outcome: Outcome) -> None:
    """What another attempt cannot mend ends the delivery; every other failure is tried again."""
    expected = Verdict.FAILED if outcome in STOPS else Verdict.RETRY

    assert judge(Result(outcome, 0.1)).verdict is expected


@pytest.mark.parametrize("status", [200, 410])
def test_answer_that_was_cut_short(status: int) -> None:
    """An answer that did not come whole is a failure, whatever its status says."""
    cut = Result(Outcome.CONNECTION_CLOSED, 0.1, Response(status, (), b""))

    assert judge(cut).verdict is Verdict.RETRY


def test_schedule_of_standard_webhooks() -> None:
    """Ten attempts, after the delays of the specification's example."""
    delays = [judge(answered(500), number).delay for number in range(1, 11)]

    assert delays == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, None]


def test_last_attempt() -> None:
    """The tenth failure is for good, and says so."""
    assert judge(answered(500), 10) == Judgement(Verdict.FAILED, "answered 500; all 10 attempts are used up")


def test_deadline() -> None:
    """What would be tried again only after the deadline is not."""
    deadline = 90 * 86400

    assert [judge(answered(500), age=age).verdict for age in (deadline - 5, deadline - 4)] == [
        Verdict.RETRY,
        Verdict.FAILED,
    ]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_throttled(status: int) -> None:
    """`Retry-After` is heeded with the statuses that throttle (FAULTS, 22)."""
    assert judge(answered(status, Retry_After="60")).delay == 60


@pytest.mark.parametrize("status", [301, 400, 413, 500])
def test_not_throttled(status: int) -> None:
    """`Retry-After` counts for nothing with other statuses."""
    assert judge(answered(status, Retry_After="60")).delay == 5


@pytest.mark.parametrize(
    ("value", "delay"),
    [("-60", 5), ("0", 5), ("99999999999", 86400), ("soon", 5), ("Tue, 03 Feb 2026 05:05:06 GMT", 3599.211)],
)
def test_odd_retry_after(value: str, delay: float) -> None:
    """Negative, huge and unreadable values are clamped or ignored, dates are counted (FAULTS, 22)."""
    assert judge(answered(503, Retry_After=value)).delay == pytest.approx(delay)


@given(
    outcome=st.sampled_from(Outcome),
    status=st.integers(100, 599),
    number=st.integers(1, 20),
    age=st.floats(0, 1e9),
    chance=st.floats(0, 1, exclude_max=True),
    asked=st.text(),
)
def test_only_a_retry_has_a_delay(
    outcome: Outcome, status: int, number: int, age: float, chance: float, asked: str
) -> None:
    """A verdict comes with a delay above zero exactly if it is to try again."""
    result = Result(outcome, 0.1, Response(status, (("retry-after", asked),), b""))

    judgement = judge(result, number, age, chance)

    assert (judgement.delay is not None and judgement.delay > 0) is (judgement.verdict is Verdict.RETRY)
