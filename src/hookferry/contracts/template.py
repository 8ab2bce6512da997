"""Texts with placeholders, checked and compiled at load into plain functions."""

import re
from collections.abc import Callable, Collection

import msgspec

from hookferry.contracts.placeholders import (
    BODY,
    HEADER,
    IN_PLACE,
    IN_SCOPE,
    JSON,
    MAY_BE_NOTHING,
    PLACEHOLDERS,
    Facts,
    Getter,
    getter,
)
from hookferry.contracts.source import meant
from hookferry.errors import Invalid

_BRACES = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Slot(msgspec.Struct, frozen=True):
    """One placeholder of a template, by its name."""

    name: str
    optional: bool

    @property
    def get(self) -> Getter:
        """The function that finds its value."""
        return getter(self.name)


Template = tuple[str | Slot, ...]
"""Literal texts and placeholders, in order; no literal is empty."""


def parse(text: str, allowed: Collection[str]) -> Template:
    """A template that uses only allowed placeholders. Raises ValueError with what was probably meant."""
    parts: list[str | Slot] = []
    for index, part in enumerate(_BRACES.split(text)):
        if index % 2:
            parts.append(_slot(part, allowed))
        elif "{" in part or "}" in part:
            raise ValueError(f"a brace without its partner in {text!r}")
        elif part:
            parts.append(part)
    return tuple(parts)


def _slot(text: str, allowed: Collection[str]) -> Slot:
    name = text.removesuffix("?")
    formats = sorted(known for known in allowed if known.startswith(f"{name}:"))
    if formats and name not in allowed:
        shapes = [known.rpartition(":")[2] for known in formats]
        raise ValueError(f"the placeholder {{{text}}} needs a format: {name}:{' or '.join(shapes)}")
    if name not in allowed and not _of_a_family(name, allowed):
        problem = "cannot stand here" if name in PLACEHOLDERS or _of_a_family(name, BODY) else "is unknown"
        raise ValueError(f"the placeholder {{{text}}} {problem}; {meant(name, sorted(allowed))}")
    return Slot(name, name != text)


def _of_a_family(name: str, allowed: Collection[str]) -> bool:
    """True for `{scope.LABEL}`, where a scope may stand, and `{event.type:PLACE}`."""
    for family, member in ((IN_SCOPE, "scope"), (IN_PLACE, "event.type")):
        if name.startswith(family) and member in allowed:
            return bool(_WORD.fullmatch(name.removeprefix(family)))
    return False


def text(template: Template) -> Callable[[Facts], str]:
    """The function that fills a template with text. Raises ValueError for an optional placeholder."""
    first, *rest = template or ("",)
    write = _begun(first)
    # A chain of small functions: for two placeholders it takes 0.4 us, a format and a list of values 0.65.
    for part in rest:
        write = _continued(write, part)
    return write


def _begun(part: str | Slot) -> Callable[[Facts], str]:
    if isinstance(part, str):
        return lambda facts: part
    get = _needed(part)
    return lambda facts: str(get(facts))


def _continued(before: Callable[[Facts], str], part: str | Slot) -> Callable[[Facts], str]:
    if isinstance(part, str):
        return lambda facts: before(facts) + part
    get = _needed(part)
    return lambda facts: before(facts) + str(get(facts))


def _needed(slot: Slot) -> Getter:
    if slot.optional:
        raise ValueError("`?` works only where the placeholder is the whole value")
    if slot.name in MAY_BE_NOTHING:
        raise ValueError(f"{{{slot.name}}} may be nothing: let {{{slot.name}?}} be the whole value")
    get = slot.get
    if slot.name in JSON:
        return lambda facts: _decoded(get(facts))
    if slot.name.startswith(IN_SCOPE):
        return lambda facts: _present(get(facts), slot.name)
    return get


def _decoded(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else "null"


def _present(value: object, name: str) -> str:
    if value is None:
        raise Invalid(f"the event's scope lacks the label {name.removeprefix(IN_SCOPE)}", field=name)
    return str(value)


class Header(msgspec.Struct, frozen=True):
    """A header's name and value, which is empty where the header is left out.

    `carries` names the placeholder that is its whole value, if one is.
    """

    name: str
    write: Callable[[Facts], str]
    carries: str | None


def header(name: str, value: object) -> Header:
    """A header from a contract file. Raises ValueError."""
    template = parse(visible(value), HEADER)
    alone = template[0] if len(template) == 1 else None
    if not isinstance(alone, Slot):
        return Header(name, text(template), None)
    if not alone.optional:
        return Header(name, text(template), alone.name)
    get = alone.get
    return Header(name, lambda facts: "" if (found := get(facts)) is None else str(found), None)


def visible(value: object) -> str:
    """A text that may be a header's value. Raises ValueError."""
    found = printable(value)
    if found != found.strip():
        raise ValueError("expected a text of visible ASCII characters, without blanks around it")
    return found


def printable(value: object) -> str:
    """A text that may stand within a header's value. Raises ValueError."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError("expected a text of visible ASCII characters")
    return value
