"""What holds for every contract that comes with Hookferry."""

import jsonschema_rs
import msgspec
import pytest

from hookferry.contracts import builtin
from hookferry.contracts.load import builtin_names
from hookferry.model import EventType, Scope, Secret
from tests.contracts.examples import endpoint, event, render

NAMES = builtin_names()
# Some contracts need a label.
SCOPE: Scope = {"dc_ids": ("1",)}
TYPES = [
    pytest.param(name, type, id=f"{name}:{type.name}")
    for name in NAMES
    for type in builtin(name).catalogue.values()
]


@pytest.mark.parametrize("name", NAMES)
def test_loads(name: str) -> None:
    """It loads, agrees with its vectors and bears the name of its file."""
    assert builtin(name).name == name


@pytest.mark.parametrize(("name", "type"), TYPES)
def test_documented(name: str, type: EventType) -> None:
    """Each event type has a title, a description, an example and a schema."""
    assert all((type.title, type.description, type.example, type.schema))


@pytest.mark.parametrize(("name", "type"), TYPES)
def test_schema(name: str, type: EventType) -> None:
    """Each schema is one, by its own metaschema."""
    jsonschema_rs.meta.validate(msgspec.json.decode(type.schema or b""))


@pytest.mark.parametrize(("name", "type"), TYPES)
def test_example(name: str, type: EventType) -> None:
    """Each example is valid under its schema."""
    jsonschema_rs.validate(msgspec.json.decode(type.schema or b""), msgspec.json.decode(type.example or b""))


@pytest.mark.parametrize(("name", "type"), TYPES)
def test_renders(name: str, type: EventType) -> None:
    """Each example can be sent."""
    contract = builtin(name)
    to = endpoint(Secret(contract.new_secret(bytes(range(32)))))
    assert render(contract, event(bytes(type.example or b""), type.name, scope=SCOPE), to).body
