"""What follows from an attempt: a pure decision over its result."""

import msgspec

from hookferry.contracts.retry import Schedule, retry_after
from hookferry.exchange import Judgement, Outcome, Response, Result, Verdict

_TOO_MANY = 429


class Rules(msgspec.Struct, frozen=True):
    """Which statuses and outcomes mean what. Whatever is in no set is a failure that is tried again."""

    success: frozenset[int]
    disable: frozenset[int]
    throttle: frozenset[int]
    """Statuses whose `Retry-After` is heeded."""
    stop: frozenset[Outcome]
    """Outcomes that another attempt cannot mend."""
    schedule: Schedule
    stop_statuses: frozenset[int] = frozenset()
    """Statuses that another attempt cannot mend."""


def judge(rules: Rules, result: Result, number: int, age: float, chance: float, now: int) -> Judgement:
    """The verdict after attempt `number` (from 1) of a delivery that is `age` seconds old.

    `chance` in [0, 1) is for jitter, `now` (milliseconds) for dates in `Retry-After`.
    Only a whole answer counts: one that was cut short is a failure, whatever its status.
    """
    answer = result.response if result.outcome is Outcome.RESPONSE else None
    if answer is None:
        if result.outcome in rules.stop:
            return Judgement(Verdict.FAILED, f"{result.outcome}: another attempt cannot mend it")
        return _again(rules.schedule, str(result.outcome), None, number, age, chance)
    said = f"answered {answer.status}"
    if answer.status in rules.success:
        return Judgement(Verdict.SUCCEEDED, said)
    if answer.status in rules.disable:
        return Judgement(Verdict.DISABLE, f"{said}: it wants nothing more")
    if answer.status in rules.stop_statuses:
        return Judgement(Verdict.FAILED, f"{said}: another attempt cannot mend it")
    asked = _asked(rules, answer, now)
    judged = _again(rules.schedule, said, asked, number, age, chance)
    return msgspec.structs.replace(judged, pause=_pause(rules, answer, asked))


def _asked(rules: Rules, answer: Response, now: int) -> float | None:
    return retry_after(answer.headers, now) if answer.status in rules.throttle else None


def _pause(rules: Rules, answer: Response, asked: float | None) -> float | None:
    """How long the whole endpoint is to rest. Without a time only 429 asks for it: 503 may mean "broken"."""
    if asked is not None:
        return max(0.0, min(asked, rules.schedule.ceiling))
    return 0.0 if answer.status in rules.throttle and answer.status == _TOO_MANY else None


def _again(
    schedule: Schedule, said: str, asked: float | None, number: int, age: float, chance: float
) -> Judgement:
    if number >= schedule.attempts:
        return Judgement(Verdict.FAILED, f"{said}; all {schedule.attempts} attempts are used up")
    delay = schedule.delay(number, chance, asked)
    if age + delay > schedule.deadline:
        return Judgement(Verdict.FAILED, f"{said}; its time is used up")
    return Judgement(Verdict.RETRY, said if asked is None else f"{said}, with Retry-After", delay)
