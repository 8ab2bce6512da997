"""What the API shows of an explanation."""

from typing import Annotated, Self

from msgspec import Meta

from hookferry.api.answers import Answer, Time, iso_or_none
from hookferry.service import explanations
from hookferry.service.explanations import Why


class Reason(Answer, frozen=True):
    """One reason why an event went to an endpoint, or why not."""

    code: Why
    text: Annotated[str, Meta(description="A sentence for people; it may change.")]
    at: Annotated[Time | None, Meta(description="Since when, or when.")]
    delivery: str | None
    attempts: int | None


class Explanation(Answer, frozen=True):
    """Why an event went to an endpoint, or why not."""

    event: str
    endpoint: str
    delivered: Annotated[bool, Meta(description="The receiver took it.")]
    reasons: Annotated[list[Reason], Meta(description="One at least.")]

    @classmethod
    def of(cls, found: explanations.Explanation) -> Self:
        reasons = [
            Reason(
                code=one.code,
                text=one.text,
                at=iso_or_none(one.at),
                delivery=one.delivery,
                attempts=one.attempts,
            )
            for one in found.reasons
        ]
        return cls(event=found.event, endpoint=found.endpoint, delivered=found.delivered, reasons=reasons)
