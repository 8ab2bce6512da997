"""Which endpoints an event goes to: pure decisions over an index held in memory."""

from collections.abc import Iterable, Iterator

from hookferry.model import Endpoint, EndpointStatus, Scope

_RECEIVES = (EndpointStatus.ACTIVE, EndpointStatus.PAUSED)

_Place = tuple[str, str, str]
"""An event type, a label and a value; empty texts stand for "any"."""


def in_scope(wanted: Scope, given: Scope | None) -> bool:
    """True if for each label that the endpoint names the two sets meet; other labels do not matter."""
    return all(
        given is not None and not set(values).isdisjoint(given.get(label, ()))
        for label, values in wanted.items()
    )


class TenantIndex:
    """One tenant's endpoints by type and scope, so that a match costs what it finds, not what there is.

    An endpoint with a scope stands under each value of its first label; its other labels are looked at
    when it is found there. The mutable state is the endpoints by id and by place.
    """

    def __init__(self, endpoints: Iterable[Endpoint] = ()) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self._places: dict[_Place, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            self.put(endpoint)

    def put(self, endpoint: Endpoint) -> None:
        """Add an endpoint, or replace the one with its id."""
        self.remove(endpoint.id)
        self.endpoints[endpoint.id] = endpoint
        if endpoint.status in _RECEIVES:
            for place in _places_of(endpoint):
                self._places.setdefault(place, {})[endpoint.id] = endpoint

    def remove(self, id: str) -> None:
        """Forget an endpoint; unknown ids are fine."""
        old = self.endpoints.pop(id, None)
        if old is None:
            return
        for place in _places_of(old):
            found = self._places.get(place)
            if found is not None and found.pop(id, None) is not None and not found:
                del self._places[place]

    def match(self, type: str, scope: Scope | None) -> list[Endpoint]:
        """The endpoints that receive an event of this type and scope."""
        places = self._places
        found = [*places.get(("", "", ""), {}).values(), *places.get((type, "", ""), {}).values()]
        if scope:
            found += self._scoped(type, scope)
        return found

    def _scoped(self, type: str, scope: Scope) -> list[Endpoint]:
        found: dict[str, Endpoint] = {}
        for label, values in scope.items():
            for value in values:
                for wanted in ("", type):
                    found.update(self._places.get((wanted, label, value), {}))
        return [endpoint for endpoint in found.values() if in_scope(endpoint.scope, scope)]


def _places_of(endpoint: Endpoint) -> Iterator[_Place]:
    label = next(iter(endpoint.scope), "")
    for type in endpoint.event_types or ("",):
        for value in endpoint.scope[label] if label else ("",):
            yield type, label, value
