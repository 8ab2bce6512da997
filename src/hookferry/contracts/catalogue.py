"""The `[[event-type]]` tables of a contract file."""

from collections.abc import Collection, Mapping

import msgspec

from hookferry.contracts import values
from hookferry.contracts.body import Body, read_body
from hookferry.contracts.source import Table
from hookferry.model import EventType


class Types(msgspec.Struct, frozen=True):
    """A contract's event types by name, their other names, and the bodies that some have of their own."""

    types: Mapping[str, EventType]
    aliases: Mapping[str, str]
    bodies: Mapping[str, Body]


def catalogue(root: Table, allowed: Collection[str]) -> Types:
    """The catalogue of a contract; `allowed` are the placeholders of a body. Raises ContractError."""
    types: dict[str, EventType] = {}
    aliases: dict[str, str] = {}
    bodies: dict[str, Body] = {}
    read = root.tables("event-type", lambda table: _event_type(table, allowed))
    for index, (type, others, body) in enumerate(read):
        for name in (type.name, *others):
            if name in types or name in aliases:
                key = "aliases" if name in others else "name"
                root.refuse(("event-type", index, key), f'the name "{name}" is taken')
            aliases[name] = type.name
        del aliases[type.name]
        types[type.name] = type
        if body is not None:
            bodies[type.name] = body
    return Types(types, aliases, bodies)


def _event_type(table: Table, allowed: Collection[str]) -> tuple[EventType, tuple[str, ...], Body | None]:
    name = table.take("name", values.event_type)
    type = EventType(
        name=name,
        title=table.take_or("title", values.text, name),
        description=table.take_or("description", values.text, ""),
        schema=table.take_or("schema", _raw, None),
        example=table.take_or("example", _raw, None),
        deprecated=table.take_or("deprecated", values.flag, default=False),
        names=table.table_or("names", _names, {}),
    )
    aliases = table.take_or("aliases", _aliases, ())
    return type, aliases, read_body(table, allowed) if table.holds("body") else None


def _aliases(value: object) -> tuple[str, ...]:
    return tuple(values.event_type(alias) for alias in values.texts(value))


def _names(table: Table) -> dict[str, str]:
    return {place: table.take(place, values.event_type) for place in table.keys}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(values.json(value))
