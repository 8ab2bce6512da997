"""How long the well-known senders try, and what they take for an answer."""

import pytest

from hookferry.contracts import builtin
from hookferry.exchange import Verdict
from tests.contracts.examples import NOW, answered

HOUR = 3600
# Retries, and when the last one begins at the latest: page docs/contracts/known-senders.md.
TRIES = {
    "svix": (7, 34 * HOUR),
    "stripe": (11, 72 * HOUR),
    "github": (0, 0),
    "shopify": (8, 4 * HOUR),
    "slack": (3, HOUR),
    "square": (11, 25 * HOUR),
    "zendesk": (3, HOUR),
    "twilio": (14, 4 * HOUR),
    "sendgrid": (10, 24 * HOUR),
}


def begun(name: str, chance: float) -> list[float]:
    """When each retry begins, in seconds, if all attempts are answered 503."""
    times: list[float] = []
    while True:
        age = times[-1] if times else 0.0
        judged = builtin(name).judge(answered(503), len(times) + 1, age, chance, NOW)
        if judged.verdict is not Verdict.RETRY:
            return times
        times.append(age + (judged.delay or 0))


@pytest.mark.parametrize("name", TRIES)
def test_retries(name: str) -> None:
    """Without jitter there are as many as its page says."""
    assert len(begun(name, 0)) == TRIES[name][0]


@pytest.mark.parametrize("name", TRIES)
@pytest.mark.parametrize("chance", [0, 0.5, 0.999])
def test_time(name: str, chance: float) -> None:
    """Whatever the jitter, the last one begins within the time that its page says."""
    assert sum(begun(name, chance)[-1:]) <= TRIES[name][1]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(302, Verdict.FAILED), (409, Verdict.RETRY), (429, Verdict.RETRY), (500, Verdict.FAILED)],
)
def test_zendesk_retries_some(status: int, verdict: Verdict) -> None:
    """Zendesk tries again after 409, 429 and 503 only."""
    assert builtin("zendesk").judge(answered(status), 1, 0, 0, NOW).verdict is verdict


def test_svix_gone() -> None:
    """A receiver of Svix that answers 410 wants nothing more."""
    assert builtin("svix").judge(answered(410), 1, 0, 0, NOW).verdict is Verdict.DISABLE
