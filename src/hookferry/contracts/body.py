"""The body: a JSON object from a template, compiled at load into plain functions."""

from collections.abc import Callable
from math import isfinite

from hookferry.contracts.placeholders import BODY, Facts
from hookferry.contracts.serialize import Serializer
from hookferry.contracts.source import Table
from hookferry.contracts.template import Slot, parse, text

Writer = Callable[[Facts], bytes]
"""Renders a piece of JSON; nothing at all where an optional value is missing."""


def read_object(table: Table, serialize: Serializer) -> Writer:
    """The writer of an object, its keys in the order of the file. Raises ContractError."""
    members = tuple(_read_member(table, key, serialize) for key in table.keys)

    def write(facts: Facts) -> bytes:
        return b"{" + b",".join([piece for member in members if (piece := member(facts))]) + b"}"

    return write


def _read_member(table: Table, key: str, serialize: Serializer) -> Writer:
    name = serialize(key) + b":"
    if table.holds_table(key):
        inner = table.table(key, lambda inside: read_object(inside, serialize))
        return lambda facts: name + inner(facts)
    return table.take(key, lambda value: _member(name, value, serialize))


def _member(name: bytes, value: object, serialize: Serializer) -> Writer:
    if isinstance(value, str):
        template = parse(value, BODY)
        if len(template) == 1 and isinstance(template[0], Slot):
            return _typed(name, template[0], serialize)
        fill = text(template)
        return lambda facts: name + serialize(fill(facts))
    if not isinstance(value, (bool, int, float)) or not isfinite(value):
        raise ValueError("expected a text, a number, true, false or a table")
    literal = name + serialize(value)
    return lambda facts: literal


def _typed(name: bytes, slot: Slot, serialize: Serializer) -> Writer:
    """A value that is one placeholder keeps its JSON type."""
    get = slot.get
    if not slot.optional:
        return lambda facts: name + serialize(get(facts))
    return lambda facts: b"" if (value := get(facts)) is None else name + serialize(value)
