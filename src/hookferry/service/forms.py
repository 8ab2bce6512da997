"""What callers ask for, as they write it in JSON. The native API decodes bodies straight into these.

A form says its shape; rules.py says what its values may be. In a change, UNSET leaves a thing as it is.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from hookferry.errors import Invalid
from hookferry.model import Permission, Replayed
from hookferry.service.rules import (
    DESCRIPTION_LENGTH,
    ENDPOINTS,
    FASTEST_RATE,
    FASTEST_REPLAY,
    LONGEST_TIMEOUT,
    SHORTEST_TIMEOUT,
    SLOWEST_RATE,
    SLOWEST_REPLAY,
    TEXT_LENGTH,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

Time = Annotated[datetime, Meta(tz=True)]
"""ISO 8601 with a time zone."""

_Name = Annotated[str, Meta(max_length=TEXT_LENGTH, description="A name for people.")]
_EventTypes = Annotated[
    list[str], Meta(description="The event types to receive; empty means all.", examples=[["order.created"]])
]
_Headers = Annotated[dict[str, str], Meta(description="Headers to send with each delivery; 4 KiB in all.")]
_Scope = Annotated[
    dict[str, str | list[str]],
    Meta(description="Only events that carry one of these values for each of these labels."),
]
_Timeout = Annotated[float, Meta(ge=SHORTEST_TIMEOUT, le=LONGEST_TIMEOUT)]
_Rate = Annotated[float, Meta(ge=SLOWEST_RATE, le=FASTEST_RATE)]
_Features = Annotated[
    list[str],
    Meta(description="What the operator has switched on: lower-case words.", examples=[["webhooks"]]),
]
_Permissions = Annotated[list[Permission], Meta(description="What its members may do.")]
_Role = Annotated[str, Meta(description="The id of the role that says what the member may do.")]
_Email = Annotated[str | None, Meta(description="For people to see; nothing is sent to it.")]
_Description = Annotated[str, Meta(max_length=DESCRIPTION_LENGTH)]
_Schema = Annotated[Raw | UnsetType, Meta(description="A JSON Schema of the payload.")]
_Example = Annotated[Raw | UnsetType, Meta(description="A payload.")]


def millis(time: datetime, field: str) -> int:
    """Milliseconds since 1970 of a time with a zone.

    Raises Invalid for one that UTC has no year for: it could never be shown again.
    """
    try:
        return (time.astimezone(UTC) - _EPOCH) // _MILLISECOND
    except OverflowError:
        raise Invalid("A time must be in the years 1 to 9999 of UTC.", field=field) from None


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body. `sample` is shown in the reference."""

    sample: ClassVar[dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"  # secrets and headers stay out of logs and errors

    def given(self) -> dict[str, Any]:
        """What is not left out, by name."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}


class TenantQuotas(Form, frozen=True):
    """How much a tenant may use; null: as much as there is."""

    events_per_second: Annotated[
        Annotated[float, Meta(ge=0.001, le=100_000)] | UnsetType | None,
        Meta(description="Events that it may publish; what is more is answered 429."),
    ] = UNSET
    waiting: Annotated[
        Annotated[int, Meta(ge=1, le=100_000_000)] | UnsetType | None,
        Meta(description="Its deliveries that are not final; with more, publishing is answered 429."),
    ] = UNSET


class NewTenant(Form, frozen=True):
    """A customer of the product."""

    sample: ClassVar[dict[str, Any]] = {"id": "acme", "name": "Acme Ltd"}

    name: _Name
    id: Annotated[str | None, Meta(description="Your own id for it; made for you if left out.")] = None
    contract: Annotated[str, Meta(description="The wire format of its webhooks.")] = "standard"
    features: _Features = []
    quotas: Annotated[TenantQuotas, Meta(description="By default none.")] = TenantQuotas()


class TenantChange(Form, frozen=True):
    """What to change of a tenant."""

    sample: ClassVar[dict[str, Any]] = {"name": "Acme Limited"}

    name: _Name | UnsetType = UNSET
    contract: Annotated[
        str | UnsetType, Meta(description="Can be changed while the tenant has no endpoints.")
    ] = UNSET
    contract_version: Annotated[
        str | UnsetType,
        Meta(description="Move it to this version of its contract, or to `latest`.", examples=["latest"]),
    ] = UNSET
    features: _Features | UnsetType = UNSET
    quotas: Annotated[TenantQuotas | UnsetType, Meta(description="What is left out of it stays.")] = UNSET


class NewContract(Form, frozen=True):
    """A company's wire format, or a new version of it."""

    sample: ClassVar[dict[str, Any]] = {
        "text": 'name = "acme"\ntitle = "Acme"\n...',
        "vectors": "[[request]]\n...",
    }

    text: Annotated[str, Meta(description="The contract's file, as TOML. It says its name itself.")]
    vectors: Annotated[str | None, Meta(description="What must come out of it, as TOML.")] = None


class NewRole(Form, frozen=True):
    """A named set of permissions."""

    sample: ClassVar[dict[str, Any]] = {
        "name": "Integrator",
        "permissions": ["webhooks:read", "webhooks:write"],
    }

    name: _Name
    permissions: _Permissions


class RoleChange(Form, frozen=True):
    """What to change of a role."""

    sample: ClassVar[dict[str, Any]] = {"permissions": ["webhooks:read"]}

    name: _Name | UnsetType = UNSET
    permissions: _Permissions | UnsetType = UNSET


class NewMember(Form, frozen=True):
    """One of a tenant's people."""

    sample: ClassVar[dict[str, Any]] = {
        "name": "Ada",
        "email": "ada@example.com",
        "role": "role_01a2009194d71a914cf634cafd4c",
    }

    name: _Name
    role: _Role
    email: _Email = None


class MemberChange(Form, frozen=True):
    """What to change of a member."""

    sample: ClassVar[dict[str, Any]] = {"role": "role_01a2009194d71a914cf634cafd4c"}

    name: _Name | UnsetType = UNSET
    role: _Role | UnsetType = UNSET
    email: _Email | UnsetType = UNSET


class NewEndpoint(Form, frozen=True):
    """Where a tenant wants its events."""

    sample: ClassVar[dict[str, Any]] = {
        "url": "https://example.com/hooks",
        "event_types": ["order.created"],
        "name": "Order desk",
        "headers": {"X-Environment": "production"},
    }

    url: Annotated[str, Meta(description="An http or https URL.", examples=["https://example.com/hooks"])]
    event_types: _EventTypes = []
    name: _Name = ""
    scope: _Scope = {}
    headers: _Headers = {}
    secret: Annotated[str | None, Meta(description="The signing secret; made for you if left out.")] = None
    timeout: Annotated[
        _Timeout | None, Meta(description="For the whole request, in seconds; by default the contract's.")
    ] = None
    rate_limit: Annotated[
        _Rate | None, Meta(description="Requests a second at most; what is more waits. null: no limit.")
    ] = None
    ed25519: Annotated[
        bool, Meta(description="Sign with an Ed25519 key too; the answer shows its public key.")
    ] = False


class EndpointChange(Form, frozen=True):
    """What to change of an endpoint."""

    sample: ClassVar[dict[str, Any]] = {"event_types": ["order.created", "order.paid"]}

    url: str | UnsetType = UNSET
    event_types: _EventTypes | UnsetType = UNSET
    name: _Name | UnsetType = UNSET
    scope: _Scope | UnsetType = UNSET
    headers: _Headers | UnsetType = UNSET
    timeout: _Timeout | UnsetType | None = UNSET
    rate_limit: _Rate | UnsetType | None = UNSET


_Endpoints = Annotated[
    list[str | NewEndpoint],
    Meta(
        min_length=1,
        max_length=ENDPOINTS,
        description="Ids of endpoints to notify, or new ones to create with it: all or none.",
    ),
]
_Message = Annotated[
    str, Meta(max_length=DESCRIPTION_LENGTH, description="What to tell; it goes with each notification.")
]


class NewAlert(Form, frozen=True):
    """Which endpoints to notify of which events, whatever they are subscribed to."""

    sample: ClassVar[dict[str, Any]] = {
        "name": "Nightly import failed",
        "message": "Look at the import before nine.",
        "event_types": ["job.finished"],
        "scope": {"resource": ["job-7"], "outcome": ["failed", "partially_succeeded"]},
        "endpoints": [{"url": "https://example.com/alerts", "name": "On call"}],
    }

    name: _Name
    endpoints: _Endpoints
    message: _Message = ""
    event_types: Annotated[list[str], Meta(description="Of which event types; empty means all.")] = []
    scope: _Scope = {}
    active: Annotated[bool, Meta(description="false: kept, and silent.")] = True


class AlertChange(Form, frozen=True):
    """What to change of an alert. `endpoints` replaces the whole list."""

    sample: ClassVar[dict[str, Any]] = {"active": False}

    name: _Name | UnsetType = UNSET
    endpoints: _Endpoints | UnsetType = UNSET
    message: _Message | UnsetType = UNSET
    event_types: list[str] | UnsetType = UNSET
    scope: _Scope | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Rotation(Form, frozen=True):
    """A new signing secret. The old ones stay valid for the overlap; both sign meanwhile."""

    sample: ClassVar[dict[str, Any]] = {"overlap": 86400}

    secret: Annotated[str | None, Meta(description="The new secret; made for you if left out.")] = None
    overlap: Annotated[
        Annotated[float, Meta(ge=0, le=30 * 86400)] | None,
        Meta(description="In seconds; 0 ends the old secrets at once; by default the contract's."),
    ] = None


class NewReplay(Form, frozen=True):
    """Which events to send an endpoint again."""

    sample: ClassVar[dict[str, Any]] = {
        "since": "2026-01-31T12:00:00Z",
        "until": "2026-01-31T14:00:00Z",
        "status": "failed",
        "rate": 50,
    }

    since: Annotated[
        Time,
        Meta(description="From this time on: when a delivery was made, or a missed event published."),
    ]
    until: Annotated[Time | None, Meta(description="Before this time; by default now.")] = None
    status: Annotated[
        Replayed,
        Meta(
            description="What became of an event's last delivery to the endpoint; "
            "`missed`: there was none, and the endpoint is subscribed to it now."
        ),
    ] = Replayed.FAILED
    event_types: Annotated[list[str], Meta(description="Only events of these types; empty means all.")] = []
    rate: Annotated[float, Meta(ge=SLOWEST_REPLAY, le=FASTEST_REPLAY, description="Deliveries a second.")] = (
        50.0
    )
    dry_run: Annotated[bool, Meta(description="Count, and make nothing.")] = False


class NewKey(Form, frozen=True):
    """A key for the API."""

    sample: ClassVar[dict[str, Any]] = {
        "tenant": "acme",
        "permissions": ["events:write"],
        "name": "shop",
    }

    permissions: Annotated[
        Annotated[list[Permission], Meta(min_length=1)] | UnsetType,
        Meta(description="What the key may do; left out for a member's key."),
    ] = UNSET
    member: Annotated[
        str | None,
        Meta(description="Whose key it is: it may do what the member's role says at each request."),
    ] = None
    tenant: Annotated[
        str | None, Meta(description="The tenant it is bound to; by default that of the key which asks.")
    ] = None
    name: _Name = ""
    expires_at: Annotated[Time | None, Meta(description="When it ends; by default never.")] = None


class NewEventType(Form, frozen=True):
    """A kind of event in the catalogue."""

    sample: ClassVar[dict[str, Any]] = {
        "name": "order.created",
        "title": "Order created",
        "description": "A customer has placed an order.",
        "schema": {"type": "object", "required": ["order"]},
        "example": {"order": 17},
    }

    name: Annotated[str, Meta(examples=["order.created"])]
    title: _Name = ""
    description: _Description = ""
    schema: _Schema = UNSET
    example: _Example = UNSET
    deprecated: bool = False


class EventTypeChange(Form, frozen=True):
    """What to change of an event type. Its name stays."""

    sample: ClassVar[dict[str, Any]] = {"deprecated": True}

    title: _Name | UnsetType = UNSET
    description: _Description | UnsetType = UNSET
    schema: _Schema = UNSET
    example: _Example = UNSET
    deprecated: bool | UnsetType = UNSET
