"""What a tenant may register, and who may do it."""

import msgspec

CHANGEABLE = ("url", "event_types", "name", "scope", "headers", "timeout", "secret", "status")
"""What of an endpoint a contract may let its tenants change."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """The rules for endpoints. No event types given: `default_types`, or all if there are none."""

    schemes: tuple[str, ...]
    """The schemes that an endpoint's URL may have."""
    unknown_types: bool
    """True if event types outside the catalogue are accepted."""
    default_types: tuple[str, ...] = ()
    minimum: int = 0
    """How many event types an endpoint must name at least."""
    maximum: int | None = None
    unique_url: bool = False
    """True if a URL can be registered once within a tenant."""
    mutable: frozenset[str]
    """What can be changed, of `CHANGEABLE`."""
    drops_paused: bool = False
    """True if a paused endpoint misses what happens meanwhile; else it is held for it."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and gates."""

    key_prefix: str
    """The prefix of API keys of this contract's tenants."""
    feature: str | None = None
    """The feature of a tenant without which it has no endpoints; only the operator switches it on."""
    docs_feature: str | None = None
    """The feature that opens the catalogue to a tenant."""
