"""What goes through the store's seam: slices and pages, what is stored and settled, and what came of it."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from hookferry.exchange import Attempt
from hookferry.health import Change, Health, Tally
from hookferry.model import Delivery, DeliveryStatus, Event, Work
from hookferry.policy import Policy

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some rows, newest first, and the cursor of those after them: None at the end."""

    data: list[T]
    next: str | None


class Slice(msgspec.Struct, frozen=True):
    """Which rows of a list: at most `limit`, older than the id `before`, made within [since, until)."""

    limit: int = 50
    before: str | None = None
    since: int | None = None
    until: int | None = None


class Membership(msgspec.Struct, frozen=True):
    """A member joins, or leaves, the set that a rule keeps of a subject. Again is no change."""

    rule: str
    subject: str
    member: str
    joins: bool


class Ingest(msgspec.Struct, frozen=True, gc=False):
    """An event to store with its deliveries.

    `fingerprint` is the SHA-256 of what was published under the event's idempotency key, None without one.
    """

    event: Event
    deliveries: tuple[Delivery, ...]
    fingerprint: bytes | None = None
    followers: tuple["Ingest", ...] = ()
    """Stored in the same commit, unless this one is a repeat."""
    on: Membership | None = None
    """Of a follower: it is stored only if this change makes an empty set not empty, or the other way."""


class Ingested(msgspec.Struct, frozen=True, gc=False):
    """What an ingest gave: for a repeated idempotency key the first answer again, with `repeated` true."""

    event: str
    deliveries: int
    repeated: bool = False
    followers: frozenset[str] = frozenset()
    """The ids of the events that were stored with it, followers of followers too."""


class OutdatedError(Exception):
    """What an ingest was planned on has changed meanwhile; nothing was stored. Plan it anew."""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What an attempt says of its endpoint, and by which numbers that is judged.

    `chance` in [0, 1) is for jitter.
    """

    tally: Tally
    policy: Policy
    chance: float


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """The end of a worker's claim: what the delivery becomes, and the attempt if one was spent.

    `status` is PENDING (at `due_at`) or final. Without an attempt nothing was sent: the delivery is
    given back, or ended by something that is not the receiver's doing.
    """

    work: Work
    status: DeliveryStatus
    ended_at: int
    attempt: Attempt | None = None
    due_at: int | None = None
    reason: str = ""
    seen: Seen | None = None
    """What follows for the endpoint is committed with it."""


class Watched(msgspec.Struct, frozen=True):
    """A settled attempt as a tail shows it, without headers and bodies, and what followed from it.

    `event` and `type` are those of its event, `status` and `due_at` the delivery's after it.
    """

    attempt: Attempt
    event: str
    type: str
    status: DeliveryStatus
    reason: str
    due_at: int | None


class News(msgspec.Struct, frozen=True):
    """What a commit changed of an endpoint's health: None now for one that is well."""

    endpoint: str
    health: Health | None
    changes: tuple[Change, ...] = ()
    reason: str = ""
    """Why it was disabled, if it was."""
    told: bool = False
    """True if events about it were stored that have to be delivered."""


class Settled(msgspec.Struct, frozen=True, gc=False):
    """A settlement that is committed. `stale` means refused: a newer claim, or an end, came before it.

    `news` of an endpoint come with one settlement of the commit.
    """

    settlement: Settlement
    stale: bool = False
    news: News | None = None


About = Callable[[News, Sequence[Settlement], int], Sequence[Ingest]]
"""The events to store about an endpoint: its news, the deliveries that were lost, the time."""


class Backlog(msgspec.Struct, frozen=True):
    """What is in the queue. `oldest_due` is the due time of the longest waiting delivery."""

    pending: int
    leased: int
    held: int
    oldest_due: int | None


class Step(msgspec.Struct, frozen=True):
    """A step of a job: how many deliveries it made, and whether another one may follow at once."""

    made: int
    more: bool


class Pruned(msgspec.Struct, frozen=True):
    """How many rows retention took."""

    events: int = 0
    bodies: int = 0
    deliveries: int = 0
    attempts: int = 0
    keys: int = 0

    def plus(self, other: "Pruned") -> "Pruned":
        """Both together."""
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Pruned(*map(sum, zip(mine, theirs, strict=True)))
