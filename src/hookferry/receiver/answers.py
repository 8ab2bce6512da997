"""What the receiver answers, and how that looks on the wire."""

from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import msgspec

from hookferry.exchange import Headers

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_WITHOUT_BODY = (204, 304)


class Answer(msgspec.Struct, frozen=True):
    """What to answer, `delay` seconds after the request is complete."""

    status: int = 200
    delay: float = 0.0
    headers: Headers = ()
    body: bytes = b""


def script(target: str) -> tuple[Answer, ...]:
    """What a target asks for in its query: `?status=500,500,200&delay=0.5&retry-after=2`; or nothing.

    `delay` (seconds) goes with every answer, `retry-after` (seconds) with those from 400 up.
    Raises ValueError for what cannot be read.
    """
    query = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
    if query.keys().isdisjoint(("status", "delay", "retry-after")):
        return ()
    delay = float(query.get("delay", 0))
    later = (("Retry-After", str(int(query["retry-after"]))),) if "retry-after" in query else ()
    statuses = [int(status) for status in query.get("status", "200").split(",")]
    if not all(200 <= status <= 599 for status in statuses) or not 0 <= delay <= 3600:
        raise ValueError("statuses go from 200 to 599, delays up to 3600 seconds")
    return tuple(Answer(status, delay, later if status >= 400 else ()) for status in statuses)


@lru_cache(maxsize=256)
def wire(answer: Answer, keep_alive: bool) -> bytes:
    """The answer's bytes. Cached, because a load test asks for the same one each time."""
    lines = [f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, '')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.status not in _WITHOUT_BODY:
        lines.append(f"Content-Length: {len(answer.body)}")
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + answer.body
