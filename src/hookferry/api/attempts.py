"""What the API shows of attempts: in lists, byte for byte, and in the tail, as one wide record."""

from base64 import b64encode
from typing import Annotated, Self

from msgspec import Meta

from hookferry import exchange
from hookferry.api.answers import Answer, Status, Time, iso_or_none, status_of
from hookferry.exchange import Headers, Outcome
from hookferry.store.values import Watched
from hookferry.times import iso

_Headers = Annotated[
    dict[str, str], Meta(description="In the order of the wire; values of a repeated name are joined.")
]
_Body = Annotated[str, Meta(description="As text; bytes that are not UTF-8 show as U+FFFD.")]
_Base64 = Annotated[str | None, Meta(description="The exact bytes, where they are not UTF-8.")]


class Phases(Answer, frozen=True):
    """How long each phase took, in milliseconds; null for one that was not reached or not needed."""

    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    send_ms: float | None
    wait_ms: Annotated[float | None, Meta(description="Until the first byte of the answer.")]
    receive_ms: float | None

    @classmethod
    def of(cls, phases: exchange.Phases) -> Self:
        return cls(
            dns_ms=_ms(phases.dns),
            connect_ms=_ms(phases.connect),
            tls_ms=_ms(phases.tls),
            send_ms=_ms(phases.send),
            wait_ms=_ms(phases.wait),
            receive_ms=_ms(phases.receive),
        )


class AttemptRequest(Answer, frozen=True):
    """What was sent; secrets show as `***`."""

    method: str
    url: str
    headers: _Headers
    body: Annotated[str, Meta(description="As text; empty once retention has taken the payload.")]
    body_base64: _Base64

    @classmethod
    def of(cls, request: exchange.Request) -> Self:
        body, body_base64 = _text(request.body)
        return cls(
            method=request.method,
            url=request.url,
            headers=_joined(request.headers),
            body=body,
            body_base64=body_base64,
        )


class Preview(AttemptRequest, frozen=True):
    """What would be sent."""


class AttemptResponse(Answer, frozen=True):
    """What the receiver answered."""

    headers: _Headers
    body: _Body
    body_base64: _Base64
    truncated: Annotated[bool, Meta(description="There was more than is kept.")]

    @classmethod
    def of(cls, response: exchange.Response) -> Self:
        body, body_base64 = _text(response.body)
        return cls(
            headers=_joined(response.headers),
            body=body,
            body_base64=body_base64,
            truncated=response.truncated,
        )


class Attempt(Answer, frozen=True):
    """One HTTP request of a delivery, with its outcome."""

    id: str
    delivery: str
    endpoint: str
    number: Annotated[int, Meta(description="From 1.")]
    started_at: Time
    duration_ms: float
    outcome: Annotated[Outcome, Meta(description="`response`, or the name of what failed.")]
    status_code: int | None
    detail: Annotated[str | None, Meta(description="A sentence for people.")]
    address: Annotated[str | None, Meta(description="The IP address that was dialled.")]
    phases: Phases
    request: AttemptRequest | None
    response: AttemptResponse | None

    @classmethod
    def of(cls, attempt: exchange.Attempt) -> Self:
        request, result = attempt.request, attempt.result
        response = result.response
        return cls(
            id=attempt.id,
            delivery=attempt.delivery,
            endpoint=attempt.endpoint,
            number=attempt.number,
            started_at=iso(attempt.started_at),
            duration_ms=round(result.duration * 1000, 3),
            outcome=result.outcome,
            status_code=None if response is None else response.status,
            detail=result.detail,
            address=_shown_address(result),
            phases=Phases.of(result.phases),
            request=None if request is None else AttemptRequest.of(request),
            response=None if response is None else AttemptResponse.of(response),
        )


class TailRecord(Answer, frozen=True):
    """One settled attempt, wide: what happened, to what, and what follows."""

    id: str
    event: str
    type: str
    endpoint: str
    delivery: str
    number: int
    started_at: Time
    duration_ms: float
    outcome: Outcome
    status_code: int | None
    detail: str | None
    address: str | None
    url: str | None
    status: Annotated[Status, Meta(description="Of the delivery, after this attempt.")]
    reason: str
    next_attempt_at: Time | None

    @classmethod
    def of(cls, watched: Watched) -> Self:
        attempt, result = watched.attempt, watched.attempt.result
        return cls(
            id=attempt.id,
            event=watched.event,
            type=watched.type,
            endpoint=attempt.endpoint,
            delivery=attempt.delivery,
            number=attempt.number,
            started_at=iso(attempt.started_at),
            duration_ms=round(result.duration * 1000, 3),
            outcome=result.outcome,
            status_code=None if result.response is None else result.response.status,
            detail=result.detail,
            address=_shown_address(result),
            url=None if attempt.request is None else attempt.request.url,
            status=status_of(watched.status),
            reason=watched.reason,
            next_attempt_at=iso_or_none(watched.due_at),
        )


def _shown_address(result: exchange.Result) -> str | None:
    """A forbidden address stays unsaid: an endpoint is no way to look into a network (FAULTS, guard)."""
    return None if result.outcome is Outcome.FORBIDDEN_ADDRESS else result.address


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _text(body: bytes) -> tuple[str, str | None]:
    """A body as text, and in base64 if the text could not say it all."""
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return body.decode(errors="replace"), b64encode(body).decode()


def _joined(headers: Headers) -> dict[str, str]:
    """Headers as an object: a repeated name has its values joined (RFC 9110, section 5.3)."""
    names: dict[str, str] = {}
    joined: dict[str, str] = {}
    for name, value in headers:
        first = names.setdefault(name.lower(), name)
        joined[first] = f"{joined[first]}, {value}" if first in joined else value
    return joined
