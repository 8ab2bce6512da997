"""Which endpoints an event goes to: pure decisions over an index held in memory."""

from collections.abc import Iterable

from hookferry.model import Endpoint, EndpointStatus, Scope

_RECEIVES = (EndpointStatus.ACTIVE, EndpointStatus.PAUSED)


def in_scope(wanted: Scope, given: Scope | None) -> bool:
    """True if for each label that the endpoint names the two sets meet; other labels do not matter."""
    return all(given is not None and not set(values).isdisjoint(given.get(label, ())) for label, values in wanted.items())


class TenantIndex:
    """One tenant's endpoints by event type, so that a match costs what it finds, not what there is.

    Its mutable state is the endpoints by id and two views of them.
    """

    def __init__(self, endpoints: Iterable[Endpoint] = ()) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self._all: dict[str, Endpoint] = {}
        self._by_type: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            self.put(endpoint)

    def put(self, endpoint: Endpoint) -> None:
        """Add an endpoint, or replace the one with its id."""
        self.remove(endpoint.id)
        self.endpoints[endpoint.id] = endpoint
        if endpoint.status not in _RECEIVES:
            return
        if not endpoint.event_types:
            self._all[endpoint.id] = endpoint
        for type in endpoint.event_types:
            self._by_type.setdefault(type, {})[endpoint.id] = endpoint

    def remove(self, id: str) -> None:
        """Forget an endpoint; unknown ids are fine."""
        old = self.endpoints.pop(id, None)
        if old is None:
            return
        self._all.pop(id, None)
        for type in old.event_types:
            found = self._by_type.get(type)
            if found is not None and found.pop(id, None) is not None and not found:
                del self._by_type[type]

    def match(self, type: str, scope: Scope | None) -> list[Endpoint]:
        """The endpoints that receive an event of this type and scope."""
        found = [*self._all.values(), *self._by_type.get(type, {}).values()]
        return [endpoint for endpoint in found if not endpoint.scope or in_scope(endpoint.scope, scope)]
