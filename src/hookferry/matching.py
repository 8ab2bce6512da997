"""Which endpoints an event goes to, and which alerts it sets off: pure decisions over an index in memory."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from hookferry.model import OPERATIONAL, Alert, Endpoint, Scope

S = TypeVar("S", bound=Endpoint | Alert)

_Place = tuple[str, str, str]
"""An event type, a label and a value; empty texts stand for "any"."""


def in_scope(wanted: Scope, given: Scope | None) -> bool:
    """True if for each label that is wanted the two sets meet; other labels do not matter."""
    return all(
        given is not None and not set(values).isdisjoint(given.get(label, ()))
        for label, values in wanted.items()
    )


class TenantIndex(Generic[S]):
    """One tenant's endpoints or alerts by type and scope: a match costs what it finds, not what there is.

    One with a scope stands under each value of its first label; its other labels are looked at when it is
    found there. The mutable state is all of them by id, and those that match anything by place.
    """

    def __init__(self, ones: Iterable[S] = ()) -> None:
        self.all: dict[str, S] = {}
        self._places: dict[_Place, dict[str, S]] = {}
        for one in ones:
            self.put(one)

    def put(self, one: S) -> None:
        """Add one, or replace that with its id."""
        self.remove(one.id)
        self.all[one.id] = one
        if one.matches:
            for place in _places_of(one):
                self._places.setdefault(place, {})[one.id] = one

    def remove(self, id: str) -> None:
        """Forget one; unknown ids are fine."""
        old = self.all.pop(id, None)
        if old is None:
            return
        for place in _places_of(old):
            found = self._places.get(place)
            if found is not None and found.pop(id, None) is not None and not found:
                del self._places[place]

    def match(self, type: str, scope: Scope | None) -> list[S]:
        """Those that an event of this type and scope concerns."""
        places = self._places
        # Whoever takes all takes all that is published, not what we say of endpoints.
        types = (type,) if type in OPERATIONAL else ("", type)
        found = [one for wanted in types for one in places.get((wanted, "", ""), {}).values()]
        if scope:
            found += self._scoped(types, scope)
        return found

    def _scoped(self, types: tuple[str, ...], scope: Scope) -> list[S]:
        found: dict[str, S] = {}
        for label, values in scope.items():
            for value in values:
                for wanted in types:
                    found.update(self._places.get((wanted, label, value), {}))
        return [one for one in found.values() if in_scope(one.scope, scope)]


def _places_of(one: Endpoint | Alert) -> Iterator[_Place]:
    label = next(iter(one.scope), "")
    for type in one.event_types or ("",):
        for value in one.scope[label] if label else ("",):
            yield type, label, value
