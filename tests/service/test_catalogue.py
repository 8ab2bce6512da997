import pytest
from msgspec import Raw

from hookferry.contracts import builtin
from hookferry.errors import Conflict, Invalid, NotFound
from hookferry.service.forms import EventTypeChange, NewEventType
from hookferry.service.services import Services

SCHEMA = Raw(b'{"type": "object"}')


async def test_create(services: Services) -> None:
    """An event type keeps its schema as it was written."""
    await services.catalogue.create(NewEventType(name="a", schema=SCHEMA))
    assert services.catalogue.get("a").schema == SCHEMA


async def test_taken(services: Services) -> None:
    """A name is given once."""
    await services.catalogue.create(NewEventType(name="a"))
    with pytest.raises(Conflict):
        await services.catalogue.create(NewEventType(name="a"))


@pytest.mark.parametrize(
    "wanted",
    [
        NewEventType(name="a b\n"),
        NewEventType(name="a", title="\x00"),
        NewEventType(name="a", description="x" * 4001),
        NewEventType(name="a", schema=Raw(b"[]")),
        NewEventType(name="a", example=Raw(b"[" * 101 + b"]" * 101)),
    ],
)
async def test_refused(services: Services, wanted: NewEventType) -> None:
    """What cannot be kept or shown is refused."""
    with pytest.raises(Invalid):
        await services.catalogue.create(wanted)


async def test_change(services: Services) -> None:
    """A change leaves out what is not given."""
    await services.catalogue.create(NewEventType(name="a", title="A", schema=SCHEMA))
    changed = await services.catalogue.change("a", EventTypeChange(deprecated=True))
    assert (changed.deprecated, changed.title, changed.schema) == (True, "A", SCHEMA)


async def test_delete(services: Services) -> None:
    """A deleted event type is not found."""
    await services.catalogue.create(NewEventType(name="a"))
    await services.catalogue.delete("a")
    with pytest.raises(NotFound):
        services.catalogue.get("a")


async def test_list(services: Services) -> None:
    """Event types are listed by name."""
    for name in ("b", "a"):
        await services.catalogue.create(NewEventType(name=name))
    assert [type.name for type in services.catalogue.list()] == ["a", "b"]


async def test_offered(services: Services) -> None:
    """A tenant is offered its contract's event types in their order, then the deployment's other ones."""
    contract = builtin("opentrack")
    own = list(contract.catalogue.values())
    await services.catalogue.create(NewEventType(name="b"))
    await services.catalogue.create(NewEventType(name="a"))
    await services.catalogue.create(NewEventType(name=own[0].name, title="Another"))
    found = services.catalogue.offered(contract)
    assert (found[: len(own)], [type.name for type in found[len(own) :]]) == (own, ["a", "b"])
