"""The catalogue of a contract: names, other names, bodies of their own, and rules that name types."""

import pytest

from hookferry.errors import Invalid
from tests.contracts.examples import event, file, made, refusal, render

TYPES = """
[[event-type]]
name = "order.created"
title = "Order created"
description = "An order is there."
schema = '{"type":"object"}'
example = '{"total":12}'
names = { header = "created" }
aliases = ["orderCreated", "new"]

[event-type.body]
order = "{payload}"

[[event-type]]
name = "order.gone"
deprecated = true
body = "{payload}"
"""


def test_entry() -> None:
    """An entry has what its table says."""
    entry = made(TYPES).catalogue["order.created"]

    assert (entry.title, entry.description) == ("Order created", "An order is there.")
    assert (bytes(entry.schema or b""), bytes(entry.example or b"")) == (
        b'{"type":"object"}',
        b'{"total":12}',
    )


def test_what_an_entry_leaves_out() -> None:
    """An entry without a title is called by its name; it is deprecated only if it says so."""
    entry = made(TYPES).catalogue["order.gone"]

    assert (entry.title, entry.deprecated, entry.schema, entry.example) == ("order.gone", True, None, None)


@pytest.mark.parametrize("name", ["order.created", "orderCreated", "new"])
def test_aliases(name: str) -> None:
    """Each name of a type leads to the catalogue's."""
    assert made(TYPES).canonical(name) == "order.created"


@pytest.mark.parametrize(
    ("type", "expected"),
    [
        ("order.created", b'{"order":{"total":12}}'),
        ("order.gone", b'{"total":12}'),
        ("other", b'{"data":{"total":12}}'),
    ],
)
def test_bodies(type: str, expected: bytes) -> None:
    """A type with a body of its own has that one, all others the contract's."""
    assert render(made(TYPES), event(type=type)).body == expected


def test_fallible_body_of_one_type() -> None:
    """What the body of one type cannot carry is refused for that type alone."""
    contract = made('[[event-type]]\nname = "flat"\nbody = { "..." = "{payload}" }')
    contract.check(event(b"[]"))

    with pytest.raises(Invalid) as refused:
        contract.check(event(b"[]", type="flat"))
    assert refused.value.field == "payload"


def test_name_in_a_header() -> None:
    """A header has the name that the catalogue gives a type there."""
    contract = made(TYPES, headers='X-Event = "{event.type:header}"')

    assert render(contract).headers == (("X-Event", "created"),)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('name = "order.gone"', 'event-type.name: the name "order.gone" is taken'),
        ('name = "new"', 'event-type.name: the name "new" is taken'),
        ('name = "x"\naliases = ["new"]', 'event-type.aliases: the name "new" is taken'),
        ('name = "x"\naliases = ["order.gone"]', 'event-type.aliases: the name "order.gone" is taken'),
        ('name = "x"\naliases = ["x"]', 'event-type.aliases: the name "x" is taken'),
        ('name = "x"\naliases = ["y", "y"]', "event-type.aliases: a text stands there twice"),
        ('name = "x"\naliases = ["\\n"]', "event-type.aliases: '\\n' is no event type: 1 to 128 letters"),
        ('name = "x\\r\\ny"', "event-type.name: 'x\\r\\ny' is no event type: 1 to 128 letters"),
        ('name = "x "', "event-type.name: 'x ' is no event type: 1 to 128 letters"),
        ('name = "x"\nnames = { header = "ü" }', "event-type.names.header: 'ü' is no event type: 1 to 128"),
        ('name = "x"\nexample = "{"', "event-type.example: expected a JSON text"),
        ('name = "x"\nbody = { a = "{payloud}" }', "event-type.body.a: the placeholder {payloud} is unknown"),
        ('name = "x"\nalias = ["y"]', "event-type.alias: unknown key; did you mean aliases?"),
    ],
)  # fmt: skip
def test_refusals(lines: str, problem: str) -> None:
    """A name that is taken or none, and other mistakes, are refused with their line."""
    text = file(TYPES) + "[[event-type]]\n" + lines
    line = text.count("\n") + 1

    assert refusal(text).startswith(f"acme.toml:{line}: {problem}")


DERIVE = """
[[derive]]
applied = "hold.applied"
lifted = "hold.lifted"
first = "cargo.held"
last = "cargo.released"
subject = "cargo_id"
member = "hold_id"
"""


def catalogue(*names: str) -> str:
    return "".join(f'[[event-type]]\nname = "{name}"\n' for name in names)


def closed(more: str) -> str:
    """A contract that knows the types of its catalogue alone."""
    return file(more).replace('schemes = ["https"]', 'schemes = ["https"]\nunknown-types = false')


def test_derivation() -> None:
    """A derivation that names types of the catalogue is read."""
    types = catalogue("hold.applied", "hold.lifted", "cargo.held", "cargo.released")

    assert made(DERIVE + types).derivations[0].subject == "cargo_id"


def test_derivation_of_an_unknown_type() -> None:
    """A derivation that names a type which the catalogue lacks is refused with its line."""
    text = closed(DERIVE + catalogue("hold.applied", "hold.lifted", "cargo.held", "cargo.relaesed"))
    line = text.splitlines().index('last = "cargo.released"') + 1

    assert refusal(text) == (
        f'acme.toml:{line}: derive.last: unknown event type "cargo.released"; did you mean cargo.relaesed?'
    )


def test_derivation_of_itself() -> None:
    """A derivation needs four types that differ."""
    text = file(DERIVE.replace("cargo.released", "hold.lifted"))

    assert "derive: applied, lifted, first and last must be four event types" in refusal(text)


def test_unknown_default() -> None:
    """A default event type that the catalogue lacks is refused."""
    events = '\n[subscription.events]\ndefault = ["a.c"]\n'

    assert 'unknown event type "a.c"; did you mean a.b?' in refusal(closed(events + catalogue("a.b")))


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ("minimum = 2\nmaximum = 1", "subscription.events.maximum: less than the minimum"),
        ('default = ["a", "b"]\nmaximum = 1', "subscription.events.default: 2 event types; at most 1"),
        ('default = ["a"]\nempty = "all"', "subscription.events.empty: it says all, and there is a default"),
    ],
)
def test_contradictions(events: str, problem: str) -> None:
    """Rules that contradict each other are refused."""
    assert problem in refusal(file(f"[subscription.events]\n{events}"))
