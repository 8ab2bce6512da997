"""A contract's page for those who receive its webhooks, in Markdown."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any

import msgspec

from hookferry.contracts import Contract
from hookferry.contracts.content import SEEN
from hookferry.contracts.placeholders import BODY, HEADER
from hookferry.contracts.preview import example_secret, preview
from hookferry.contracts.template import Slot, parse
from hookferry.errors import Invalid
from hookferry.exchange import Request
from hookferry.guides import words
from hookferry.guides.recipe import TOLERANCE, Recipe, recipe
from hookferry.guides.snippets import LANGUAGES, templates, written
from hookferry.model import EventType
from hookferry.urls import parse as parse_url

_NOW = 1_770_091_506_789
"""When the example is sent: 2026-02-03T04:05:06.789Z."""

_UNSAID = {"header": "", "key": "", "value": "{signature}", "lead": "", "join": ""}
"""What a signature's table in a file may leave out."""

_INDENT = 2
_COMPACT = -1


def page(
    contract: Contract, text: str, on_wire: Callable[[Request], Request], more: str | None = None
) -> str:
    """The page of a contract, `text` its file.

    `on_wire` adds the headers of the connection to the example; `more` is a page to link to.
    """
    root = tomllib.loads(text)
    steps, reason = _recipe(contract, text)
    example = _example(contract, on_wire)
    found = templates().get_template("page.md.j2")
    made = found.render(
        contract=contract,
        more=more,
        example=example,
        recipe=steps,
        reason=reason,
        tolerance=words.span(TOLERANCE),
        body=_body(root["body"]),
        bodies={one["name"]: _body(one["body"]) for one in root.get("event-type", ()) if "body" in one},
        serializer={"style": "raw", "ascii": False} | root.get("serializer", {}),
        query=_query(root),
        headers=list(_headers(contract, root, example)),
        signatures=[_UNSAID | table for table in root.get("signature", ())],
        content=_content,
        lead=_lead,
        code=words.code,
        attempts=list(_attempts(contract)),
        span=words.span,
        statuses=words.statuses,
        listed=words.listed,
        snippets={name: written(steps, name) for name in LANGUAGES} if steps else {},
        languages=LANGUAGES,
        types=[_type(contract, type) for type in contract.catalogue.values()],
    )
    return made.strip() + "\n"


class Example(msgspec.Struct, frozen=True):
    """A request as it is sent, and what it was signed with."""

    type: str
    secret: str
    public: str | None
    start: str
    headers: dict[str, str]
    body: str


def _recipe(contract: Contract, text: str) -> tuple[Recipe | None, str]:
    try:
        return recipe(contract, text), ""
    except Invalid as error:
        return None, error.message


def _example(contract: Contract, on_wire: Callable[[Request], Request]) -> Example | None:
    """The request of the catalogue's first example, or of a test; None if nothing can be made up."""
    type, payload = contract.test_event
    first = next((one for one in contract.catalogue.values() if one.example), None)
    if first is not None and first.example is not None:
        type, payload = first.name, bytes(first.example)
    try:
        secret = example_secret(contract)
        request = on_wire(preview(contract, type, msgspec.json.format(payload, indent=_COMPACT), _NOW))
    except Invalid:
        return None
    return Example(
        type,
        secret,
        contract.public_key(secret),
        f"{request.method} {parse_url(request.url).target} HTTP/1.1",
        {name: _lasting(contract, name, value) for name, value in request.headers},
        request.body.decode(),
    )


def _lasting(contract: Contract, name: str, value: str) -> str:
    """A header's value, unless it is a signature that is another one each time."""
    return "..." if contract.random and name in {one.name for one in contract.signatures} else value


def _body(body: Any) -> str | list[tuple[str, str]]:
    """What a whole body is in a word or two, or its members."""
    if isinstance(body, dict):
        return list(words.members(body, BODY))
    if isinstance(body, list):
        return "an array: " + words.listed([words.template(one, BODY) for one in body], "and")
    return words.template(body, BODY)


def _headers(
    contract: Contract, root: Mapping[str, Any], example: Example | None
) -> Iterator[tuple[str, str, str]]:
    """The contract's headers: name, value in the example, what it stands for."""
    shown = example.headers if example else {}
    for name, value in root["headers"].items():
        yield name, shown.get(name, ""), words.template(value, HEADER)
    for header in contract.signatures:
        yield header.name, shown.get(header.name, ""), "see [the signature](#signature)"


def _query(root: Mapping[str, Any]) -> dict[str, str]:
    allowed = {*HEADER, *SEEN}
    query = root.get("request", {}).get("query", {})
    return {name: words.template(value, allowed) for name, value in query.items()}


def _content(contract: Contract, signature: Mapping[str, Any]) -> list[str]:
    """What is signed, piece by piece, and where a receiver finds it."""
    return [
        _piece(contract, part) if isinstance(part, Slot) else words.code(part)
        for part in parse(signature["content"], {*HEADER, "endpoint.url", *SEEN})
    ]


def _piece(contract: Contract, part: Slot) -> str:
    header = contract.verifier.carriers.get(part.name)
    if part.name in SEEN or part.name == "endpoint.url":
        return words.placeholder(part.name)
    return f"the value of `{header}`" if header else f"the `{{{part.name}}}` in front of it"


def _lead(signature: Mapping[str, Any]) -> str:
    """What the placeholders in front of signatures stand for."""
    slots = [part for part in parse(signature["lead"], HEADER) if isinstance(part, Slot)]
    return "; ".join(f"`{{{slot.name}}}` is {words.placeholder(slot.name)}" for slot in slots)


def _attempts(contract: Contract) -> Iterator[tuple[int, str, str]]:
    """Each retry: its number, how long after the one before, how long after the first."""
    delays = contract.rules.schedule.delays
    for number, (delay, whole) in enumerate(zip(delays, accumulate(delays), strict=True), 2):
        yield number, words.span(delay), words.span(whole)


def _type(contract: Contract, type: EventType) -> dict[str, Any]:
    return {
        "type": type,
        "names": [type.name, *(alias for alias, name in contract.aliases.items() if name == type.name)],
        "schema": _pretty(type.schema),
        "example": _pretty(type.example),
    }


def _pretty(text: msgspec.Raw | None) -> str:
    return msgspec.json.format(bytes(text), indent=_INDENT).decode() if text else ""
