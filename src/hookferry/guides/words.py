"""What contracts say in data, said in words."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from hookferry.contracts.template import Slot, parse

_WORDS = {
    "payload": "the event's payload",
    "changes": "what changed: fields, each with its `previous` and `current` value",
    "scope": "the event's labels, each with an array of values",
    "event.type": "the event's type",
    "event.title": "what people call the event's type",
    "event.tenant": "the id of the account that the event is of",
    "endpoint.name": "the endpoint's name",
    "endpoint.url": "the endpoint's URL, as it was registered",
    "attempt.number": "the attempt's number, from 1",
    "attempt.maximum": "how many attempts there are in all",
    "attempt.remaining": "how many attempts may follow",
    "attempt.retry": "how many attempts came before",
    "signature": "the signature",
    "body": "the body",
    "body.sha256": "the body's SHA-256, in hexadecimal digits",
    "body.sha256:base64": "the body's SHA-256, in base64",
    "body.crc32": "the body's CRC-32, as a decimal number",
    "body.form": "the form's names and values, sorted, nothing between them",
    "request.url": "the URL that is called, query and all",
    "request.method": "the method",
}
_IDS = {
    "event.id": "the event's id, the same for every attempt",
    "delivery.id": "the delivery's id, the same for every attempt",
    "endpoint.id": "the endpoint's id",
    "attempt.id": "the attempt's id",
}
_SHAPES = {"": "", "bare": ", without its prefix", "guid": ", as a GUID"}
_TIMES = {
    "event.time": "when the event occurred",
    "delivery.time": "when the delivery was made",
    "attempt.time": "when this attempt was made",
}
_FORMS = {
    "iso": "ISO 8601 in UTC",
    "iso-ms": "ISO 8601 in UTC with milliseconds",
    "iso-offset": "ISO 8601 with the offset of UTC",
    "unix": "in seconds since 1970",
    "unix-ms": "in milliseconds since 1970",
    "unix-text": "in seconds since 1970, as a text",
    "unix-ms-text": "in milliseconds since 1970, as a text",
}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def placeholder(name: str) -> str:
    """What a placeholder stands for."""
    base, _, form = name.partition(":")
    if base in _TIMES:
        return f"{_TIMES[base]}, {_FORMS[form]}"
    if base in _IDS:
        return _IDS[base] + _SHAPES[form]
    if base == "event.type" and form:
        return f"the event's type, as it is called in the place `{form}`"
    if base.startswith("scope."):
        return f"the event's label `{base.removeprefix('scope.')}`"
    return _WORDS[name]


def template(text: str, allowed: Collection[str]) -> str:
    """What a text with placeholders stands for."""
    parts = parse(text, allowed)
    if not any(isinstance(part, Slot) for part in parts):
        return f"always {code(text)}"
    said = ", then ".join(placeholder(part.name) if isinstance(part, Slot) else code(part) for part in parts)
    optional = any(isinstance(part, Slot) and part.optional for part in parts)
    return said + "; left out where there is nothing" * optional


def code(text: str) -> str:
    """A text as Markdown's code: in quotes where its blanks would not be seen."""
    return f"`{text}`" if text == text.strip() and "`" not in text else f'`` "{text}" ``'


def members(body: Any, allowed: Collection[str], path: str = "") -> Iterator[tuple[str, str]]:
    """The members of a body from a contract file, with what each stands for; nested ones with dots."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key == "...":
                yield path + key, "the payload's own members, but for those that stand here too"
            else:
                yield from _member(path + key, value, allowed)
    elif isinstance(body, str):
        yield path, template(body, allowed)
    else:
        yield path, f"always {code(json.dumps(body))}"


def _member(path: str, value: Any, allowed: Collection[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from members(value, allowed, f"{path}.")
    elif isinstance(value, list):
        for inner in value:
            yield from _member(f"{path}[]", inner, allowed)
    else:
        ((_, said),) = members(value, allowed)
        yield path.removesuffix("?"), said + "; the payload's own goes before" * path.endswith("?")


def span(seconds: float) -> str:
    """A duration: `1 h 30 min`."""
    whole, said = round(seconds), list[str]()
    for size, unit in _UNITS:
        count, whole = divmod(whole, size)
        if count:
            said.append(f"{count} {unit}")
    return " ".join(said) or f"{seconds:g} s"


def statuses(found: Collection[int]) -> str:
    """HTTP statuses, neighbours together: `200 to 299, 410`."""
    runs: list[list[int]] = []
    for status in sorted(found):
        if runs and runs[-1][-1] == status - 1:
            runs[-1].append(status)
        else:
            runs.append([status])
    return listed([f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs])


def listed(texts: Sequence[str], last: str = "or") -> str:
    """`a, b or c`."""
    return f" {last} ".join(part for part in (", ".join(texts[:-1]), *texts[-1:]) if part)
