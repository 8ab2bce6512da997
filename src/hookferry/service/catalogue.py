"""The catalogue of event types: what can be subscribed to."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hookferry.contracts import Contract
from hookferry.errors import NotFound
from hookferry.model import EventType
from hookferry.service import rules
from hookferry.service.forms import EventTypeChange, NewEventType
from hookferry.service.operational import TYPES
from hookferry.store.base import Store
from hookferry.store.directory import Directory


def is_known(type: str, contract: Contract, directory: Directory) -> bool:
    """True for a type that the contract or the deployment has in its catalogue, or if any may be used."""
    return contract.subscription.unknown_types or type in contract.catalogue or type in directory.event_types


class Catalogue:
    """The deployment's event types. They describe; `standard` delivers types outside of it too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> Sequence[EventType]:
        """By name."""
        return sorted(self._store.directory.event_types.values(), key=lambda type: type.name)

    def offered(self, contract: Contract) -> Sequence[EventType]:
        """What tenants of a contract can subscribe to: its event types, then the deployment's other ones.

        The contract's stand in the order of its file, the others by name.
        """
        return [
            *contract.catalogue.values(),
            *(type for type in self.list() if type.name not in contract.catalogue),
        ]

    def subscribable(self, contract: Contract) -> Sequence[EventType]:
        """The same with the operational events, where a contract allows other types than its own."""
        offered = self.offered(contract)
        names = {type.name for type in offered}
        ours = TYPES if contract.subscription.unknown_types else ()
        return [*offered, *(type for type in ours if type.name not in names)]

    def get(self, name: str) -> EventType:
        """Raises NotFound."""
        found = self._store.directory.event_types.get(name)
        if found is None:
            raise NotFound(f"There is no event type {name!r}.")
        return found

    async def create(self, wanted: NewEventType) -> EventType:
        """Raises Conflict if the name is taken, or Invalid with the field that is wrong."""
        type = EventType(name=rules.check_event_type(wanted.name, "name"), **_checked(wanted))
        await self._store.add_event_type(type)
        return type

    async def change(self, name: str, wanted: EventTypeChange) -> EventType:
        """Change what is given and leave the rest. Raises NotFound, Invalid."""
        given = _checked(wanted)
        self.get(name)
        return await self._store.change_event_type(name, lambda old: msgspec.structs.replace(old, **given))

    async def delete(self, name: str) -> None:
        """Take it out of the catalogue; endpoints that name it keep receiving it. Raises NotFound."""
        self.get(name)
        await self._store.delete_event_type(name)


def _checked(wanted: NewEventType | EventTypeChange) -> dict[str, Any]:
    given = wanted.given()
    given.pop("name", None)
    rules.check_text("title", given.get("title", ""))
    rules.check_prose("description", given.get("description", ""))
    for field in ("schema", "example"):
        if field in given:
            given[field] = rules.check_json(field, given[field])
    return given
