"""A request as bytes: the caller's headers as they are, in their order and case, and a few of our own."""

from functools import lru_cache
from importlib.metadata import version

import msgspec

from hookferry.contracts.values import FRAMING
from hookferry.delivery.failures import Failed
from hookferry.exchange import Outcome, Request
from hookferry.urls import Url, parse

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# The parser of answers cannot be told that an answer to HEAD has no body.
_METHODS = frozenset({"POST", "PUT", "PATCH", "GET", "DELETE"})


def agent() -> str:
    """The User-Agent of a request that names none."""
    return f"Hookferry/{version('hookferry')}"


class Target(msgspec.Struct, frozen=True):
    """What a URL alone decides: where to connect, which connections to share, how the head begins."""

    url: Url
    origin: str
    start: str


def target(url: str) -> Target:
    """Read a URL for sending. Raises Invalid."""
    parsed = parse(url)
    start = f" {parsed.target} HTTP/1.1\r\nHost: {parsed.authority}\r\nAccept-Encoding: identity\r\n"
    return Target(parsed, f"{parsed.scheme}://{parsed.authority}", start)


def wire_headers(request: Request, target: Target, agent: str) -> Request:
    """The request with all headers that `encode` writes, in their order."""
    named = "user-agent" in {name.lower() for name, _ in request.headers}
    headers = (
        ("Host", target.url.authority),
        ("Accept-Encoding", "identity"),
        *request.headers,
        *(() if named else (("User-Agent", agent),)),
        ("Content-Length", str(request.size)),
    )
    return Request(request.method, request.url, headers, request.pieces, request.timeout)


def encode(request: Request, start: str, agent: str) -> bytes:
    """The whole request. `agent` is the User-Agent of a request that names none.

    Raises Failed (UNRENDERABLE) for a method or a header that HTTP does not allow.
    """
    if request.method not in _METHODS:
        raise Failed(Outcome.UNRENDERABLE, "The request's method is not one that can be sent.")
    parts = [request.method, start]
    named = False
    for name, value in request.headers:
        prefix, is_agent = _prefix(name)
        if not (value.isascii() and value.isprintable()):
            raise Failed(Outcome.UNRENDERABLE, f"The value of the header {name} cannot be sent.")
        named = named or is_agent
        parts += (prefix, value, "\r\n")
    if not named:
        parts += ("User-Agent: ", agent, "\r\n")
    parts += ("Content-Length: ", str(request.size), "\r\n\r\n")
    return b"".join(("".join(parts).encode("ascii"), *request.pieces))


@lru_cache(maxsize=1024)
def _prefix(name: str) -> tuple[str, bool]:
    """A checked header name as it stands on the wire, and whether it is that of User-Agent."""
    if not name or not _TOKEN.issuperset(name) or name.lower() in FRAMING:
        raise Failed(Outcome.UNRENDERABLE, f"The header {name!r} cannot be sent.")
    return f"{name}: ", name.lower() == "user-agent"
