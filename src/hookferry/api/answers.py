"""What the API shows of the domain's objects. Times are ISO 8601 in UTC, with milliseconds."""

from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta, Raw

from hookferry import contracts, model
from hookferry.health import Health, State
from hookferry.masking import masked
from hookferry.model import DeliveryStatus, EndpointStatus, Permission
from hookferry.times import iso

Time = Annotated[
    str, Meta(extra_json_schema={"format": "date-time", "examples": ["2026-01-31T12:00:00.000Z"]})
]
Status = Literal["pending", "succeeded", "failed", "cancelled"]
"""A delivery's status: LEASED and HELD are `pending` too."""
_FINAL: dict[DeliveryStatus, Status] = {
    DeliveryStatus.SUCCEEDED: "succeeded",
    DeliveryStatus.FAILED: "failed",
    DeliveryStatus.CANCELLED: "cancelled",
}
Json = Annotated[Raw, Meta(description="Any JSON value.")]


def iso_or_none(time: int | None) -> str | None:
    return None if time is None else iso(time)


def status_of(status: DeliveryStatus) -> Status:
    """What callers see of a delivery's status."""
    return _FINAL.get(status, "pending")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer's body."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"  # secrets and bodies stay out of logs and errors


class Quotas(Answer, frozen=True):
    """How much a tenant may use; null: as much as there is."""

    events_per_second: Annotated[float | None, Meta(description="Events that it may publish.")]
    waiting: Annotated[int | None, Meta(description="Its deliveries that are not final yet.")]


class Tenant(Answer, frozen=True):
    """A customer of the product."""

    id: str
    name: str
    contract: str
    contract_version: Annotated[str, Meta(description="The version of the contract that it is pinned to.")]
    features: Annotated[list[str], Meta(description="What the operator has switched on.")]
    quotas: Quotas
    created_at: Time

    @classmethod
    def of(cls, tenant: model.Tenant) -> Self:
        return cls(
            id=tenant.id,
            name=tenant.name,
            contract=tenant.contract,
            contract_version=tenant.contract_version,
            features=sorted(tenant.features),
            quotas=Quotas(**msgspec.structs.asdict(tenant.quotas)),
            created_at=iso(tenant.created_at),
        )


class Role(Answer, frozen=True):
    """A named set of permissions."""

    id: str
    name: str
    permissions: list[Permission]
    created_at: Time

    @classmethod
    def of(cls, role: model.Role) -> Self:
        return cls(
            id=role.id,
            name=role.name,
            permissions=sorted(role.permissions),
            created_at=iso(role.created_at),
        )


class Member(Answer, frozen=True):
    """One of a tenant's people."""

    id: str
    name: str
    email: str | None
    role: Annotated[str, Meta(description="The id of its role.")]
    created_at: Time

    @classmethod
    def of(cls, member: model.Member) -> Self:
        return cls(
            id=member.id,
            name=member.name,
            email=member.email,
            role=member.role,
            created_at=iso(member.created_at),
        )


class Key(Answer, frozen=True):
    """A key without its text."""

    id: str
    prefix: Annotated[str, Meta(description="The first characters of the key, to tell keys apart.")]
    name: str
    tenant: Annotated[str | None, Meta(description="null: the whole deployment.")]
    permissions: Annotated[list[Permission], Meta(description="None for a member's key: its role says.")]
    member: Annotated[str | None, Meta(description="Whose key it is; null: the tenant's own.")]
    created_at: Time
    expires_at: Time | None
    last_used_at: Annotated[Time | None, Meta(description="To half a minute.")]

    @classmethod
    def of(cls, key: model.Key, /, **more: Any) -> Self:
        return cls(
            id=key.id,
            prefix=key.prefix,
            name=key.name,
            tenant=key.tenant,
            permissions=sorted(key.permissions),
            member=key.member,
            created_at=iso(key.created_at),
            expires_at=iso_or_none(key.expires_at),
            last_used_at=iso_or_none(key.last_used_at),
            **more,
        )


class CreatedKey(Key, frozen=True):
    """A key and its text, which is never shown again."""

    key: str


class EndpointHealth(Answer, frozen=True):
    """How an endpoint fares."""

    state: Annotated[
        State,
        Meta(
            description="`failing`: its last attempts failed. `throttled`: it has asked to be sent nothing "
            "for a while. `parked`: its deliveries wait, spend no attempts, and probes are sent."
        ),
    ]
    consecutive_failures: int
    failing_since: Annotated[Time | None, Meta(description="The first failure since the last success.")]
    lost_deliveries: Annotated[int, Meta(description="Those that have failed for good since then.")]
    warnings: Annotated[int, Meta(description="How often `endpoint.failing` was published since then.")]
    next_probe_at: Annotated[Time | None, Meta(description="Of one that is parked.")]
    throttled_until: Time | None

    @classmethod
    def of(cls, health: Health, state: State) -> Self:
        return cls(
            state=state,
            consecutive_failures=health.consecutive,
            failing_since=iso_or_none(health.failing_since),
            lost_deliveries=health.exhausted,
            warnings=health.warned,
            next_probe_at=iso(health.probe_at) if state is State.PARKED else None,
            throttled_until=iso(health.throttled_until) if state is State.THROTTLED else None,
        )


_HEALTHY = EndpointHealth.of(Health(), State.HEALTHY)


class Endpoint(Answer, frozen=True):
    """Where a tenant wants its events."""

    id: str
    url: str
    name: str
    event_types: Annotated[list[str], Meta(description="Empty means all.")]
    scope: dict[str, list[str]]
    headers: Annotated[dict[str, str], Meta(description="Values that may be credentials show as `***`.")]
    status: EndpointStatus
    disabled_reason: str | None
    timeout: Annotated[float | None, Meta(description="In seconds; null: the contract's.")]
    rate_limit: Annotated[float | None, Meta(description="Requests a second at most; null: no limit.")]
    public_key: Annotated[
        str | None,
        Meta(description="Of its Ed25519 key, or of a secret that is a private key."),
    ]
    health: EndpointHealth
    created_at: Time
    updated_at: Time

    @classmethod
    def of(
        cls,
        endpoint: model.Endpoint,
        contract: contracts.Contract,
        health: EndpointHealth = _HEALTHY,
        /,
        **more: Any,
    ) -> Self:
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            name=endpoint.name,
            event_types=list(endpoint.event_types),
            scope=labels(endpoint.scope),
            headers=dict(masked(endpoint.headers)),
            status=endpoint.status,
            disabled_reason=endpoint.disabled_reason,
            timeout=endpoint.timeout,
            rate_limit=endpoint.rate_limit,
            public_key=_public_key(endpoint, contract),
            health=health,
            created_at=iso(endpoint.created_at),
            updated_at=iso(endpoint.updated_at),
            **more,
        )


class CreatedEndpoint(Endpoint, frozen=True):
    """An endpoint and its signing secret."""

    secret: Annotated[str | None, Meta(description="Null where it has none yet, or none that is shown.")]

    @classmethod
    def of_new(cls, endpoint: model.Endpoint, contract: contracts.Contract) -> Self:
        """The only answer that shows the secret unasked."""
        shown = endpoint.secrets and contract.secrets.reveal != "never"
        return cls.of(endpoint, contract, secret=endpoint.secrets[0].value if shown else None)


class Alert(Answer, frozen=True):
    """Which endpoints are notified of which events."""

    id: str
    name: str
    message: str
    event_types: Annotated[list[str], Meta(description="Empty means all.")]
    scope: dict[str, list[str]]
    endpoints: Annotated[list[str], Meta(description="Their ids; one that is deleted is taken out.")]
    active: bool
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, alert: model.Alert, /, **more: Any) -> Self:
        return cls(
            id=alert.id,
            name=alert.name,
            message=alert.message,
            event_types=list(alert.event_types),
            scope=labels(alert.scope),
            endpoints=list(alert.endpoints),
            active=alert.active,
            created_at=iso(alert.created_at),
            updated_at=iso(alert.updated_at),
            **more,
        )


class SavedAlert(Alert, frozen=True):
    """An alert, and the endpoints that were created with it, with their signing secrets."""

    created: list[CreatedEndpoint]


class OldSecret(Answer, frozen=True):
    """A secret that signs until its end."""

    secret: Annotated[str | None, Meta(description="Null where a secret is not shown again.")]
    public_key: Annotated[str | None, Meta(description="Of a secret that is a private key.")]
    expires_at: Time

    @classmethod
    def of(cls, secret: model.Secret, contract: contracts.Contract) -> Self:
        return cls(
            secret=secret.value if contract.secrets.reveal == "always" else None,
            public_key=contract.public_key(secret.value),
            expires_at=iso(secret.expires_at or 0),
        )


class Secrets(Answer, frozen=True):
    """The signing secrets of an endpoint."""

    id: str
    secret: Annotated[str | None, Meta(description="The present one; null where none is, or is shown.")]
    previous: Annotated[list[OldSecret], Meta(description="Rotated out; they sign too until they end.")]
    public_key: str | None

    @classmethod
    def of(cls, endpoint: model.Endpoint, contract: contracts.Contract) -> Self:
        present, old = endpoint.secrets[:1], endpoint.secrets[1:]
        return cls(
            id=endpoint.id,
            secret=present[0].value if present and contract.secrets.reveal != "never" else None,
            previous=[OldSecret.of(one, contract) for one in old],
            public_key=_public_key(endpoint, contract),
        )


class EventType(Answer, frozen=True):
    """A kind of event in the catalogue."""

    name: str
    title: str
    description: str
    schema: Json | None
    example: Json | None
    deprecated: bool

    @classmethod
    def of(cls, type: model.EventType) -> Self:
        shown = msgspec.structs.asdict(type)
        return cls(**{name: shown[name] for name in cls.__struct_fields__})


class Published(Answer, frozen=True):
    """An event that is stored, and how many endpoints it goes to."""

    id: str
    deliveries: int


class Deleted(Answer, frozen=True):
    """What was deleted, and how many deliveries that cancelled."""

    id: str
    deleted: bool = True
    cancelled: int = 0


class Egress(Answer, frozen=True):
    """Where deliveries come from."""

    addresses: Annotated[
        list[str], Meta(description="IP addresses and networks to allow; empty if the operator names none.")
    ]


def _public_key(endpoint: model.Endpoint, contract: contracts.Contract) -> str | None:
    if endpoint.ed25519 is not None:
        return contracts.public_key(endpoint.ed25519.value)
    return contract.public_key(endpoint.secrets[0].value) if endpoint.secrets else None


def labels(scope: model.Scope) -> dict[str, list[str]]:
    """A scope as JSON has it."""
    return {label: list(values) for label, values in scope.items()}
