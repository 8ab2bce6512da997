"""The `[[event-type]]` tables of a contract file."""

from collections.abc import Mapping

import msgspec

from hookferry.contracts import values
from hookferry.contracts.body import Writer, read_object
from hookferry.contracts.source import Table
from hookferry.model import EventType


class Types(msgspec.Struct, frozen=True):
    """A contract's event types by name, their other names, and the bodies that some have of their own."""

    types: Mapping[str, EventType]
    aliases: Mapping[str, str]
    bodies: Mapping[str, Writer]


def catalogue(root: Table) -> Types:
    """The catalogue of a contract. Raises ContractError for a name that is taken."""
    types: dict[str, EventType] = {}
    aliases: dict[str, str] = {}
    bodies: dict[str, Writer] = {}
    read = root.tables("event-type", _event_type)
    for index, (type, others, body) in enumerate(read):
        for name in (type.name, *others):
            if name in types or name in aliases:
                root.refuse(("event-type", index, "name"), f'"{name}" is the name of an event type above')
        types[type.name] = type
        aliases |= dict.fromkeys(others, type.name)
        if body is not None:
            bodies[type.name] = body
    return Types(types, aliases, bodies)


def _event_type(table: Table) -> tuple[EventType, tuple[str, ...], Writer | None]:
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
    aliases = table.take_or("aliases", values.texts, ())
    return type, aliases, table.table_or("body", read_object, None)


def _names(table: Table) -> dict[str, str]:
    return {place: table.take(place, values.event_type) for place in table.keys}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(values.json(value))
