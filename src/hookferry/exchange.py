"""A request and what came of it: frozen structs and closed sets of words. Imports nothing of ours.

Times are milliseconds since 1970 UTC, durations seconds, unless a name says otherwise. As in `model`,
the garbage collector is told nothing of what is made for each event.
"""

from enum import StrEnum

import msgspec

Headers = tuple[tuple[str, str], ...]
"""Header names and values, in the order and case of the wire."""

Pieces = tuple[bytes, ...]
"""A text in pieces, in order: a body, or what is signed. A payload that stands in it unchanged is one of
them, the event's own bytes. How it is cut means nothing."""


class Outcome(StrEnum):
    """What one attempt gave: an answer, or a named failure. The full list; causes are told apart by name."""

    RESPONSE = "response"
    """A whole HTTP answer; its status code says the rest. Redirects too: they are never followed."""
    INVALID_URL = "invalid_url"
    DNS_NOT_FOUND = "dns_not_found"
    DNS_FAILURE = "dns_failure"
    DNS_TIMEOUT = "dns_timeout"
    FORBIDDEN_ADDRESS = "forbidden_address"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_UNREACHABLE = "connect_unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_EXPIRED = "tls_expired"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_WRONG_HOST = "tls_wrong_host"
    TLS_FAILURE = "tls_failure"
    TLS_TIMEOUT = "tls_timeout"
    SEND_TIMEOUT = "send_timeout"
    RESPONSE_TIMEOUT = "response_timeout"
    """The deadline came while we waited for the status line and headers."""
    BODY_TIMEOUT = "body_timeout"
    CONNECTION_RESET = "connection_reset"
    CONNECTION_CLOSED = "connection_closed"
    """The receiver closed the connection without a whole answer."""
    PROTOCOL_ERROR = "protocol_error"
    HEADERS_TOO_LARGE = "headers_too_large"
    UNREADABLE_SECRET = "unreadable_secret"  # noqa: S105 - a word, not a secret
    """Ours: the endpoint's secret cannot be decrypted. The delivery ends; it can be retried by hand."""
    UNRENDERABLE = "unrenderable"
    """Ours: the contract cannot carry this event. The delivery ends; it can be retried by hand."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """One HTTP request as it goes on the wire. `timeout` covers all phases, in seconds."""

    method: str
    url: str
    headers: Headers
    pieces: Pieces
    timeout: float

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)

    @property
    def size(self) -> int:
        """How many bytes its body has."""
        return sum(map(len, self.pieces))


class Phases(msgspec.Struct, frozen=True, gc=False):
    """How long each phase of an attempt took, in seconds; None for one that was not reached or not needed."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    send: float | None = None
    wait: float | None = None
    """From the last byte sent to the first byte of the answer."""
    receive: float | None = None


class Response(msgspec.Struct, frozen=True, gc=False):
    """What a receiver answered. `body` ends at the cap: then `truncated` is true."""

    status: int
    headers: Headers
    body: bytes
    truncated: bool = False


class Result(msgspec.Struct, frozen=True, gc=False):
    """What the sender brings home: never an exception, always an outcome.

    `response` is set for `Outcome.RESPONSE`, and for failures that came after its status line.
    `detail` is a sentence for people, without secrets. `address` is the IP address that was dialled.
    """

    outcome: Outcome
    duration: float
    response: Response | None = None
    phases: Phases = Phases()
    address: str | None = None
    detail: str | None = None


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One HTTP request of a delivery, with its outcome. Append-only.

    `request` is None for an attempt that ended before a request could be made. Its headers are those that
    were sent, with secret values masked.
    """

    id: str
    delivery: str
    endpoint: str
    number: int
    started_at: int
    request: Request | None
    result: Result


class Verdict(StrEnum):
    """What follows from an attempt."""

    SUCCEEDED = "succeeded"
    RETRY = "retry"
    FAILED = "failed"
    """For good: attempts or time are used up, or the failure is of a kind that a retry cannot mend."""
    DISABLE = "disable"
    """For good, and the endpoint wants nothing more (410)."""


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """A verdict with its reason, and the delay before the next attempt (seconds) where there is one."""

    verdict: Verdict
    reason: str
    delay: float | None = None
    pause: float | None = None
    """Set for an answer that asks to be sent less: for how many seconds, 0 if it does not say."""
