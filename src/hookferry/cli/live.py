"""What the live commands print, as a line of JSON or as a text for people."""

from collections.abc import Iterable, Iterator

import click
import msgspec
from msgspec import Raw

from hookferry.cli.output import cell
from hookferry.receiver import Arrival
from hookferry.times import iso

_LONGEST_BODY = 2000


class _Attempt(msgspec.Struct):
    """What `tail` shows of the API's record."""

    started_at: str
    type: str
    endpoint: str
    delivery: str
    number: int
    outcome: str
    duration_ms: float
    status: str
    status_code: int | None = None
    url: str | None = None
    next_attempt_at: str | None = None


class _Dropped(msgspec.Struct):
    count: int


def attempts(lines: Iterable[str]) -> Iterator[tuple[Raw, str]]:
    """The records in a stream of server-sent events (HTML standard, section 9.2), with their texts."""
    event = ""
    for line in lines:
        name, _, value = line.partition(":")
        if value == " connected":
            click.echo("Watching attempts until Ctrl-C.", err=True)
        elif name == "event":
            event = value.strip()
        elif name == "data":
            yield Raw(value.encode()), _dropped(value) if event == "dropped" else _attempt(value)


def _attempt(json: str) -> str:
    attempt = msgspec.json.decode(json, type=_Attempt)
    answer = attempt.status_code or attempt.outcome
    again = f", again at {attempt.next_attempt_at}" if attempt.next_attempt_at else ""
    return cell(
        f"{attempt.started_at}  {attempt.type}  {attempt.url or attempt.endpoint}  attempt {attempt.number}"
        f"  {answer} in {attempt.duration_ms:g} ms  {attempt.status}{again}  {attempt.delivery}"
    )


def _dropped(json: str) -> str:
    return f"({msgspec.json.decode(json, type=_Dropped).count} attempts are left out: too many at once)"


def arrival_json(arrival: Arrival) -> Raw:
    """A request that came to `listen`."""
    return Raw(
        msgspec.json.encode(
            {
                "at": iso(arrival.at),
                "id": arrival.id,
                "attempt": arrival.attempt,
                "path": arrival.target,
                "verified": arrival.verified,
                "problem": arrival.problem,
                "status": arrival.status,
                "headers": dict(arrival.headers),
                "body": arrival.body.decode(errors="replace"),
            }
        )
    )


def arrival_text(arrival: Arrival) -> str:
    """Two lines: what came and how it was answered, and its body."""
    signature = {None: "not checked", True: "verified", False: f"NOT VERIFIED: {arrival.problem}"}
    head = (
        f"{iso(arrival.at)}  {arrival.target}  {arrival.id or 'no id'}  attempt {arrival.attempt}"
        f"  {signature[arrival.verified]}  answered {arrival.status}"
    )
    body = arrival.body.decode(errors="replace")
    return f"{cell(head)}\n  {cell(body[:_LONGEST_BODY])}{'…' if len(body) > _LONGEST_BODY else ''}"
