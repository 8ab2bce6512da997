"""The domain: frozen structs and closed sets of words.

Times are milliseconds since 1970 UTC, durations seconds, unless a name says otherwise. Of what is made for
each event the garbage collector is told nothing (`gc=False`): it is never part of a cycle, which saves 3 µs.
"""

from enum import StrEnum

import msgspec

from hookferry.exchange import Headers

Scope = dict[str, tuple[str, ...]]
"""Labels that narrow a subscription or mark an event: a label and its values."""


class DeliveryStatus(StrEnum):
    """Where a delivery is in its life. A final status never changes: a retry by hand is a new delivery.

    ```
    publish --> PENDING --claim--> LEASED --settle--> SUCCEEDED
                   ^                 |  |------------> FAILED      attempts or time used up, or a stop
                   |                 |  |------------> CANCELLED   endpoint deleted or disabled, or by hand
                   |-- retry at t ---|
                   |-- rescue -------|                              its worker died
                PENDING <--pause / resume--> HELD                   no due time
    ```
    A delivery that is handed over in memory is born LEASED. LEASED and HELD return to PENDING; from
    PENDING and HELD a delivery can be CANCELLED directly. The API shows LEASED and HELD as `pending`.
    """

    PENDING = "pending"
    """Waits for its due time. From publish, retry, rescue, resume; to LEASED, HELD, CANCELLED."""
    LEASED = "leased"
    """A worker has it. From publish or claim; to every other status."""
    HELD = "held"
    """Its endpoint is paused; it has no due time. From PENDING and LEASED; to PENDING, CANCELLED."""
    SUCCEEDED = "succeeded"
    """The receiver took it. Final."""
    FAILED = "failed"
    """Attempts or time are used up, or a verdict stopped it. Final."""
    CANCELLED = "cancelled"
    """Its endpoint was deleted or disabled, or somebody cancelled it. Final."""


class EndpointStatus(StrEnum):
    """Whether an endpoint receives."""

    ACTIVE = "active"
    """Receives. To PAUSED, DISABLED, DELETED."""
    PAUSED = "paused"
    """Holds what it would receive until it is resumed. To ACTIVE, DELETED."""
    DISABLED = "disabled"
    """Stopped by a verdict (410); matches nothing. To ACTIVE by resume, DELETED."""
    DELETED = "deleted"
    """Kept only so that the history can name it. Final."""


class Permission(StrEnum):
    """What a key may do. `ADMIN` may do everything, over all tenants if the key has none."""

    EVENTS_WRITE = "events:write"
    EVENTS_READ = "events:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    WEBHOOKS_DELETE = "webhooks:delete"
    ADMIN = "admin"


class Secret(msgspec.Struct, frozen=True):
    """One signing secret. `expires_at` is None for the current one, a time for one in rotation's overlap."""

    value: str
    expires_at: int | None = None

    def __repr__(self) -> str:
        return "Secret(***)"


class Quotas(msgspec.Struct, frozen=True):
    """How much a tenant may use; None for as much as there is."""

    events_per_second: float | None = None
    """How many it may publish."""
    waiting: int | None = None
    """How many of its deliveries may be not final yet while it publishes."""


UNLIMITED = Quotas()


class Tenant(msgspec.Struct, frozen=True):
    """A customer of the product: an account, a space, an organisation."""

    id: str
    name: str
    contract: str
    created_at: int
    features: frozenset[str] = frozenset()
    """What the operator has switched on for it; a contract may name one as the gate to something."""
    contract_version: str = ""
    """Which text of its contract it is pinned to; empty only in a database of before there were versions."""
    quotas: Quotas = UNLIMITED


class ContractText(msgspec.Struct, frozen=True):
    """One version of a contract as it was written, with its golden vectors where there are some: both TOML.

    `version` is the first 12 hex digits of the text's SHA-256. `uploaded_at` is None for one of a file.
    """

    version: str
    name: str
    text: str
    vectors: str | None = None
    uploaded_at: int | None = None


class Role(msgspec.Struct, frozen=True):
    """A named set of permissions of a tenant's, which its members have."""

    id: str
    tenant: str
    name: str
    permissions: frozenset[Permission]
    created_at: int


class Member(msgspec.Struct, frozen=True):
    """One of a tenant's people. `role` is the id of the role that says what they may do."""

    id: str
    tenant: str
    name: str
    role: str
    created_at: int
    email: str | None = None


class Endpoint(msgspec.Struct, frozen=True):
    """Where a tenant wants events. `secrets` come newest first and in clear: the store encrypts them at rest.

    `event_types` empty means all. `timeout` None means the contract's, in seconds. `rate_limit` is in
    requests a second, None for as many as there are.
    `ed25519` is a private key (`whsk_...`) for an extra signature on request.
    """

    id: str
    tenant: str
    url: str
    name: str
    event_types: tuple[str, ...]
    scope: Scope
    headers: Headers
    status: EndpointStatus
    secrets: tuple[Secret, ...]
    created_at: int
    updated_at: int
    timeout: float | None = None
    rate_limit: float | None = None
    ed25519: Secret | None = None
    disabled_reason: str | None = None
    readable: bool = True
    """False when the secrets could not be decrypted (another or a lost HOOKFERRY_SECRET_KEY)."""

    @property
    def matches(self) -> bool:
        """True if events go to it: at once, or once it is resumed."""
        return self.status in (EndpointStatus.ACTIVE, EndpointStatus.PAUSED)


class Alert(msgspec.Struct, frozen=True):
    """A rule that names endpoints (Y-11, 12): an event that it matches makes a second one, for these alone.

    `event_types` empty means all; `scope` is an endpoint's. `endpoints` are ids.
    """

    id: str
    tenant: str
    name: str
    message: str
    event_types: tuple[str, ...]
    scope: Scope
    endpoints: tuple[str, ...]
    active: bool
    created_at: int
    updated_at: int

    @property
    def matches(self) -> bool:
        """True if events set it off."""
        return self.active


class Derivation(msgspec.Struct, frozen=True):
    """A rule of a contract that counts (OC-22, 23): the first to join a set, and the last to leave it.

    An event of type `applied` adds the member that its payload names to the set of its subject, one of type
    `lifted` takes it out. The one that begins the set brings an event of type `first` with it, the one that
    ends it an event of type `last`, with the same payload. `subject` and `member` are names of top-level
    fields of the payload, such as `cargo_id` and `hold_id`.
    """

    applied: str
    lifted: str
    first: str
    last: str
    subject: str
    member: str


class EventType(msgspec.Struct, frozen=True):
    """A kind of event in the catalogue. `schema` and `example` are JSON texts.

    `names` are what a contract calls it elsewhere, by place, such as `{"header": "push"}`.
    """

    name: str
    title: str = ""
    description: str = ""
    schema: msgspec.Raw | None = None
    example: msgspec.Raw | None = None
    deprecated: bool = False
    names: dict[str, str] = {}


class Operational(StrEnum):
    """Types of the events that we publish ourselves: to endpoints that name them, not to those that take all.

    An event about an endpoint does not go to that endpoint, nothing follows from one, and a delivery of one
    makes no `delivery.exhausted`: so there is always an end.
    """

    FAILING = "endpoint.failing"
    RECOVERED = "endpoint.recovered"
    DISABLED = "endpoint.disabled"
    EXHAUSTED = "delivery.exhausted"


OPERATIONAL = frozenset(map(str, Operational))


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that happened. `payload` and `changes` are JSON texts, kept byte for byte.

    `payload` is None once retention has taken the body.
    """

    id: str
    tenant: str
    type: str
    payload: bytes | None
    occurred_at: int
    created_at: int
    changes: bytes | None = None
    scope: Scope | None = None
    idempotency_key: str | None = None


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One event for one endpoint. `due_at` is None when held or final, `ended_at` until it is final."""

    id: str
    tenant: str
    event: str
    endpoint: str
    type: str
    status: DeliveryStatus
    attempts: int
    created_at: int
    due_at: int | None = None
    ended_at: int | None = None
    retry_of: str | None = None


class EndpointState(msgspec.Struct, frozen=True):
    """What an endpoint was from the time `at` on, until the next one. `event_types` empty means all.

    `reason` says why it was disabled.
    """

    at: int
    status: EndpointStatus
    event_types: tuple[str, ...]
    scope: Scope
    reason: str | None = None


class Replayed(StrEnum):
    """Which events a replay sends again, by what became of the last delivery of each to the endpoint."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    ANY = "any"
    """Whatever became of it, once it is final."""
    MISSED = "missed"
    """There was none: the endpoint was disabled, not there yet, or not subscribed to it."""


class JobStatus(StrEnum):
    """Where a job is. What has ended never runs again."""

    RUNNING = "running"
    """Works, or waits for its endpoint to take what it has made."""
    DONE = "done"
    """Each of its deliveries has been tried once, at least."""
    CANCELLED = "cancelled"
    """Somebody ended it."""
    FAILED = "failed"
    """Its endpoint was deleted or disabled."""


class Job(msgspec.Struct, frozen=True):
    """A replay: events sent to an endpoint again, over time. Its row is all there is of it.

    `rate` is in deliveries a second. `since` and `until` bound when the deliveries were made that it repeats,
    or when the events were published that were missed. `event_types` empty means all; `scope` is the
    endpoint's, for what was missed.
    """

    id: str
    tenant: str
    endpoint: str
    which: Replayed
    since: int
    until: int
    event_types: tuple[str, ...]
    scope: Scope
    rate: float
    total: int
    """How many deliveries were to be made, as counted when it began."""
    created_at: int
    cursor: str
    """The id of the last delivery, or event, that it has come to."""
    next_at: int
    """When the next delivery that it makes is due, at the earliest."""
    but: tuple[str, ...] = ()
    """Event types that it leaves out, for what was missed."""
    status: JobStatus = JobStatus.RUNNING
    done: int = 0
    """How many deliveries it has made."""
    skipped: int = 0
    """How many it could not make, because the event's payload is no longer kept."""
    cancelled: int = 0
    """How many of its deliveries were cancelled with it."""
    reason: str | None = None
    """Why it failed."""
    ended_at: int | None = None


class Lease(msgspec.Struct, frozen=True, gc=False):
    """A worker's claim on a delivery. A newer claim has a larger token and fences this one off."""

    token: int


class Work(msgspec.Struct, frozen=True, gc=False):
    """A leased delivery with its event: all that a worker needs, but the endpoint's present state."""

    delivery: Delivery
    event: Event
    lease: Lease


class Key(msgspec.Struct, frozen=True):
    """An API key. Only its SHA-256 is kept. `tenant` None means the whole deployment.

    A member's key has no permissions of its own: it may do what the member's role says at each request.
    """

    id: str
    digest: bytes
    prefix: str
    """The first characters of the key, to tell keys apart in lists."""
    name: str
    tenant: str | None
    permissions: frozenset[Permission]
    created_at: int
    expires_at: int | None = None
    last_used_at: int | None = None
    member: str | None = None
