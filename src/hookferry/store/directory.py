"""The configuration in memory: tenants and what is theirs, event types, texts of contracts.

The store changes it after each commit, on the event loop. Everybody else only reads, so that matching
and authentication never touch the database.
"""

from collections.abc import Sequence

import msgspec

from hookferry.errors import NotFound
from hookferry.health import Health
from hookferry.matching import TenantIndex
from hookferry.model import (
    Alert,
    ContractText,
    Endpoint,
    EndpointStatus,
    EventType,
    Key,
    Member,
    Permission,
    Role,
    Scope,
    Tenant,
)


class Directory:
    """Its mutable state is the configuration as last committed."""

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.keys: dict[str, Key] = {}
        self.roles: dict[str, Role] = {}
        self.members: dict[str, Member] = {}
        self.event_types: dict[str, EventType] = {}
        self.contract_texts: dict[str, ContractText] = {}
        self.health: dict[str, Health] = {}
        """Of endpoints in trouble, by id: the others are well."""
        self.rate_limits: dict[str, float] = {}
        """Of active endpoints that have one, by id: what stands aside for the others needs no token."""
        self._endpoints: dict[str, Endpoint] = {}
        self._by_tenant: dict[str, TenantIndex[Endpoint]] = {}
        self._alerts: dict[str, TenantIndex[Alert]] = {}
        self._by_digest: dict[bytes, Key] = {}

    def become(self, other: "Directory") -> None:
        """Take over another's whole state."""
        vars(self).update(vars(other))

    def tenant(self, id: str) -> Tenant:
        """Raises NotFound."""
        found = self.tenants.get(id)
        if found is None:
            raise NotFound(f"There is no tenant {id!r}.")
        return found

    def endpoint(self, tenant: str, id: str) -> Endpoint:
        """A tenant's endpoint that is not deleted. Raises NotFound."""
        found = self._endpoints.get(id)
        if found is None or found.tenant != tenant or found.status is EndpointStatus.DELETED:
            raise NotFound(f"There is no endpoint {id!r} in this tenant.")
        return found

    def find_endpoint(self, id: str) -> Endpoint | None:
        """An endpoint by id alone, deleted ones too: for the engine, which has the tenant from the queue."""
        return self._endpoints.get(id)

    def endpoints(self, tenant: str) -> Sequence[Endpoint]:
        """A tenant's endpoints that are not deleted, newest first."""
        index = self._by_tenant.get(tenant)
        return sorted(index.all.values(), key=lambda e: e.id, reverse=True) if index else []

    def match(self, tenant: str, type: str, scope: Scope | None) -> list[Endpoint]:
        """The endpoints that an event goes to, paused ones too."""
        index = self._by_tenant.get(tenant)
        return index.match(type, scope) if index else []

    def alert(self, tenant: str, id: str) -> Alert:
        """Raises NotFound."""
        index = self._alerts.get(tenant)
        found = index.all.get(id) if index else None
        if found is None:
            raise NotFound(f"There is no alert {id!r} in this tenant.")
        return found

    def alerts(self, tenant: str) -> Sequence[Alert]:
        """A tenant's alerts, newest first."""
        index = self._alerts.get(tenant)
        return sorted(index.all.values(), key=lambda alert: alert.id, reverse=True) if index else []

    def has_alerts(self, tenant: str) -> bool:
        """Whether a tenant has any."""
        return tenant in self._alerts

    def alerted(self, tenant: str, type: str, scope: Scope | None) -> list[Alert]:
        """The alerts that an event sets off."""
        index = self._alerts.get(tenant)
        return index.match(type, scope) if index else []

    def named(self, alert: Alert) -> list[Endpoint]:
        """The endpoints that an alert goes to, paused ones too."""
        endpoints = self._by_tenant[alert.tenant].all if alert.endpoints else {}
        return [endpoints[id] for id in alert.endpoints if endpoints[id].matches]

    def key(self, digest: bytes) -> Key | None:
        """A key by the SHA-256 of its text."""
        return self._by_digest.get(digest)

    def permissions(self, key: Key) -> frozenset[Permission]:
        """What a key may do now: its own permissions, or for a member's key those of the member's role."""
        return (
            key.permissions if key.member is None else self.roles[self.members[key.member].role].permissions
        )

    def role(self, tenant: str, id: str) -> Role:
        """A tenant's role. Raises NotFound."""
        found = self.roles.get(id)
        if found is None or found.tenant != tenant:
            raise NotFound(f"There is no role {id!r} in this tenant.")
        return found

    def member(self, tenant: str, id: str) -> Member:
        """One of a tenant's members. Raises NotFound."""
        found = self.members.get(id)
        if found is None or found.tenant != tenant:
            raise NotFound(f"There is no member {id!r} in this tenant.")
        return found

    def put_tenant(self, tenant: Tenant) -> None:
        self.tenants[tenant.id] = tenant

    def drop_tenant(self, id: str, now: int) -> None:
        """Forget a tenant with its keys, members and roles; its endpoints stay, deleted."""
        self.tenants.pop(id, None)
        for endpoint in self.endpoints(id):
            self.put_endpoint(
                msgspec.structs.replace(endpoint, status=EndpointStatus.DELETED, updated_at=now)
            )
        self._alerts.pop(id, None)
        for key in [key for key in self.keys.values() if key.tenant == id]:
            self.drop_key(key.id)
        for member in [member for member in self.members.values() if member.tenant == id]:
            self.drop_member(member.id)
        for role in [role for role in self.roles.values() if role.tenant == id]:
            self.drop_role(role.id)

    def put_endpoint(self, endpoint: Endpoint) -> None:
        self._endpoints[endpoint.id] = endpoint
        if endpoint.rate_limit is None or endpoint.status is not EndpointStatus.ACTIVE:
            self.rate_limits.pop(endpoint.id, None)
        else:
            self.rate_limits[endpoint.id] = endpoint.rate_limit
        index = self._by_tenant.setdefault(endpoint.tenant, TenantIndex())
        if endpoint.status is EndpointStatus.DELETED:
            index.remove(endpoint.id)
            self.health.pop(endpoint.id, None)
            self._take_from_alerts(endpoint)
        else:
            index.put(endpoint)

    def _take_from_alerts(self, endpoint: Endpoint) -> None:
        for alert in self.alerts(endpoint.tenant):
            if endpoint.id in alert.endpoints:
                left = tuple(id for id in alert.endpoints if id != endpoint.id)
                self.put_alert(msgspec.structs.replace(alert, endpoints=left))

    def put_health(self, endpoint: str, health: Health | None) -> None:
        """None for one that is well."""
        if health is None:
            self.health.pop(endpoint, None)
        else:
            self.health[endpoint] = health

    def put_alert(self, alert: Alert) -> None:
        self._alerts.setdefault(alert.tenant, TenantIndex()).put(alert)

    def drop_alert(self, tenant: str, id: str) -> None:
        index = self._alerts.get(tenant)
        if index is not None:
            index.remove(id)
            if not index.all:
                del self._alerts[tenant]

    def put_key(self, key: Key) -> None:
        self.keys[key.id] = key
        self._by_digest[key.digest] = key

    def drop_key(self, id: str) -> None:
        key = self.keys.pop(id, None)
        if key is not None:
            self._by_digest.pop(key.digest, None)

    def put_role(self, role: Role) -> None:
        self.roles[role.id] = role

    def drop_role(self, id: str) -> None:
        self.roles.pop(id, None)

    def put_member(self, member: Member) -> None:
        self.members[member.id] = member

    def drop_member(self, id: str) -> None:
        """Forget a member with its keys."""
        self.members.pop(id, None)
        for key in [key for key in self.keys.values() if key.member == id]:
            self.drop_key(key.id)

    def put_event_type(self, type: EventType) -> None:
        self.event_types[type.name] = type

    def drop_event_type(self, name: str) -> None:
        self.event_types.pop(name, None)

    def put_contract(self, text: ContractText) -> None:
        self.contract_texts[text.version] = text

    def drop_contract(self, name: str) -> None:
        """Forget all of its versions."""
        for text in [text for text in self.contract_texts.values() if text.name == name]:
            del self.contract_texts[text.version]
