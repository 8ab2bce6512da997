"""Publish: validate, match, store, hand over. The hot path of everything."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from hookferry.clock import Clock
from hookferry.contracts import Contract
from hookferry.errors import HookferryError, Invalid, TooLarge, Unavailable
from hookferry.ids import IdMaker
from hookferry.model import (
    OPERATIONAL,
    UNLIMITED,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointStatus,
    Event,
    Lease,
    Tenant,
    Work,
)
from hookferry.service import features, rules
from hookferry.service.admission import Admission
from hookferry.service.catalogue import is_known
from hookferry.service.contracts import Contracts
from hookferry.service.following import Follower, followers_of
from hookferry.service.forms import millis
from hookferry.service.payloads import check_payload
from hookferry.store.base import Store
from hookferry.store.directory import Directory
from hookferry.store.values import Ingest, Ingested, Membership, OutdatedError

T = TypeVar("T")

_KEY_LENGTH = 255
# Of an event for more endpoints than these the rest is claimed, a few at a time: a thousand requests
# started at once held everybody else's up by 80 ms, and the p99 of its tenant's others is lower than with 64.
_HANDED_OVER = 8
# Each time somebody else has changed something of the tenant within the few milliseconds before.
_REPLANS = 20
# Of a whole batch: its transaction keeps all others waiting for some 10 µs a delivery.
_MOST_DELIVERIES = 20_000


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a field was and is."""

    previous: Raw
    current: Raw


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An event as it is published. `payload` is any JSON value and is kept byte for byte."""

    type: Annotated[str, Meta(description="Its event type.", examples=["order.created"])]
    payload: Annotated[Raw, Meta(description="Any JSON value, up to 256 KiB, kept byte for byte.")]
    occurred_at: Annotated[
        datetime | None, Meta(description="When it happened, with an offset; by default now.")
    ] = None
    changes: Annotated[
        Raw | UnsetType, Meta(description='What changed: `{"field": {"previous": ..., "current": ...}}`.')
    ] = UNSET
    scope: Annotated[
        dict[str, str | list[str]] | None, Meta(description="Labels that endpoints may narrow down to.")
    ] = None
    idempotency_key: Annotated[
        str | None, Meta(description="A repeat with the same key and body gives the first answer, for 24 h.")
    ] = None


class HandOver(Protocol):
    """The engine as publish sees it: room for a delivery that goes out without being read again."""

    def reserve(self, endpoint: str, size: int) -> bool:
        """Take room for one delivery of `size` bytes, or say that it has to wait in the database."""
        ...

    def defer(self, endpoint: str) -> None:
        """Older deliveries of this endpoint will wait in the database: newcomers go behind them."""
        ...

    def release(self, endpoint: str, size: int) -> None:
        """Give room back that nothing will be offered for."""
        ...

    def offer(self, work: Work) -> None:
        """Send what room was taken for."""
        ...

    def wake(self) -> None:
        """Something due was stored without being handed over."""
        ...


class Publisher:
    """Publishes drafts. Its mutable state is what its admission remembers.

    `payload_limit` is in bytes; `count` is told how many events were accepted.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdMaker,
        hand_over: HandOver,
        contracts: Contracts,
        payload_limit: int,
        count: Callable[[int], None] = lambda events: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._hand_over = hand_over
        self._contracts = contracts
        self._payload_limit = payload_limit
        self._count = count
        self._admission = Admission(store, clock)

    async def publish(self, tenant: Tenant, drafts: Sequence[Draft]) -> list[Ingested]:
        """Store events with their deliveries, all or none, and send them.

        Raises Invalid, TooLarge or Conflict for the first that cannot be accepted, TooMany for more than the
        tenant's quotas allow, Unavailable if the store cannot write. Once it returns, everything is on disk.
        """
        if tenant.quotas != UNLIMITED:
            tenant = await self._admitted(tenant, len(drafts))
        events = self._events(tenant, drafts)
        fingerprints = list(map(_fingerprint, events, drafts))
        # A draft holds on to the whole request, which need not wait for the commit: 2 % of the throughput
        # with 8 KB.
        del drafts

        def plan(tenant: Tenant, again: bool) -> list[Ingest]:
            made = self._made_anew(tenant, events) if again else events
            return self._planned(tenant, made, fingerprints)

        return await self._fresh(tenant, plan)

    async def _admitted(self, tenant: Tenant, events: int) -> Tenant:
        """The tenant as it is once its quotas let it publish: counting what waits for it takes its time.

        Raises TooMany, and NotFound if it was deleted meanwhile.
        """
        await self._admission.admit(tenant, events)
        return self._store.directory.tenant(tenant.id)

    async def _fresh(self, tenant: Tenant, plan: Callable[[Tenant, bool], list[Ingest]]) -> list[Ingested]:
        """Plan and store; again if another process has changed meanwhile what it was planned on."""
        for turn in range(_REPLANS):
            try:
                return await self._ingest(plan(tenant, turn > 0))
            except OutdatedError:
                tenant = self._store.directory.tenant(tenant.id)
        raise Unavailable("What this tenant has changes all the time.")

    def _made_anew(self, tenant: Tenant, events: list[Event]) -> list[Event]:
        """The same events after what has changed, so that their time explains whom they went to."""
        contract, now = self._contracts.of(tenant), self._clock.now()

        def anew(event: Event) -> Event:
            id, type = self._ids.new("evt"), self._type(contract, event.type)
            made = msgspec.structs.replace(event, id=id, type=type, created_at=now)
            contract.check(made)
            return made

        return _numbered(anew, events)

    def _planned(self, tenant: Tenant, events: list[Event], fingerprints: list[bytes | None]) -> list[Ingest]:
        """What to store for events. Raises Invalid, TooLarge."""
        contract, match = self._contracts.of(tenant), self._store.directory.match
        # Without its contract's feature a tenant's events are kept and go nowhere (OC-7).
        gated = not features.has(tenant, contract.access.feature)
        matches = [[] if gated else match(event.tenant, event.type, event.scope) for event in events]
        followers = self._followers(contract, tenant, events, None if gated else self._store.directory)
        if len(events) > 1:
            total = sum(map(len, matches)) + sum(one.deliveries for some in followers for one in some)
            if total > _MOST_DELIVERIES:
                raise TooLarge(
                    f"The batch would make {total:,} deliveries; "
                    f"publish it in parts of at most {_MOST_DELIVERIES:,}."
                )
        plan = partial(self._plan, contract)
        return list(map(plan, events, matches, fingerprints, followers))

    async def publish_to(self, tenant: Tenant, endpoint: Endpoint, type: str, payload: bytes) -> Ingested:
        """Publish one event for one endpoint, whatever it is subscribed to: a test. Raises TooMany."""
        if tenant.quotas != UNLIMITED:
            tenant = await self._admitted(tenant, 1)
        now = self._clock.now()
        event = Event(self._ids.new("evt"), tenant.id, type, payload, now, now)

        def plan(tenant: Tenant, again: bool) -> list[Ingest]:
            return [self._plan(self._contracts.of(tenant), event, [endpoint], None)]

        (answer,) = await self._fresh(tenant, plan)
        return answer

    def _events(self, tenant: Tenant, drafts: Sequence[Draft]) -> list[Event]:
        """Raises Invalid, TooLarge, with the event's number if there are several."""
        contract, now = self._contracts.of(tenant), self._clock.now()
        return _numbered(lambda draft: self._event(contract, tenant, draft, now), drafts)

    def _event(self, contract: Contract, tenant: Tenant, draft: Draft, now: int) -> Event:
        type = self._type(contract, rules.check_event_type(draft.type))
        payload = bytes(draft.payload)
        rules.check_size(payload, self._payload_limit)
        check_payload(payload)
        event = Event(
            id=self._ids.new("evt"),
            tenant=tenant.id,
            type=type,
            payload=payload,
            occurred_at=now if draft.occurred_at is None else _time(draft.occurred_at),
            created_at=now,
            changes=_changes(draft.changes),
            scope=rules.check_scope(draft.scope) if draft.scope else None,
            idempotency_key=_key(draft.idempotency_key),
        )
        contract.check(event)
        return event

    def _type(self, contract: Contract, given: str) -> str:
        """An event type as the catalogue names it. Raises Invalid for one that is not in it."""
        type = contract.canonical(given)
        if type in OPERATIONAL and type not in contract.catalogue:
            raise Invalid(f"Events of type {type!r} are published by the server itself.", field="type")
        if not is_known(type, contract, self._store.directory):
            raise Invalid(
                f"There is no event type {type!r} in the catalogue.", code="unknown_event_type", field="type"
            )
        return type

    def _followers(
        self, contract: Contract, tenant: Tenant, events: list[Event], told: Directory | None
    ) -> list[Sequence[Follower]]:
        """What each event brings with it. Raises Invalid, with the event's number if there are several."""
        derivations = contract.derivations
        if not derivations and (told is None or not told.has_alerts(tenant.id)):
            return [()] * len(events)
        found: list[Sequence[Follower]] = []
        for number, event in enumerate(events):
            try:
                found.append(followers_of(event, derivations, told, self._ids))
                for one in found[-1]:
                    if one.on is not None:
                        contract.check(one.event)
            except Invalid as error:
                error.number = number if len(events) > 1 else None
                raise
        return found

    def _plan(
        self,
        contract: Contract,
        event: Event,
        endpoints: list[Endpoint],
        fingerprint: bytes | None,
        followers: Sequence[Follower] = (),
        on: Membership | None = None,
    ) -> Ingest:
        """What to store. Room in the lanes is taken here, and given back if it is not stored."""
        if contract.selective:
            endpoints = [endpoint for endpoint in endpoints if contract.accepts(endpoint)]
        deliveries = [self._delivery(event, endpoint) for endpoint in endpoints[:_HANDED_OVER]]
        deliveries += [self._delivery(event, endpoint, wide=True) for endpoint in endpoints[_HANDED_OVER:]]
        planned = tuple(
            [self._plan(contract, one.event, one.endpoints, None, one.followers, one.on) for one in followers]
        )
        return Ingest(event, tuple(deliveries), fingerprint, planned, on)

    def _delivery(self, event: Event, endpoint: Endpoint, wide: bool = False) -> Delivery:
        due: int | None = event.created_at
        if endpoint.status is EndpointStatus.PAUSED:
            status, due = DeliveryStatus.HELD, None
        elif wide:
            status = DeliveryStatus.PENDING
            self._hand_over.defer(endpoint.id)
        elif self._hand_over.reserve(endpoint.id, len(event.payload or b"")):
            status = DeliveryStatus.LEASED
        else:
            status = DeliveryStatus.PENDING
        return Delivery(
            self._ids.new("dlv"),
            event.tenant,
            event.id,
            endpoint.id,
            event.type,
            status,
            0,
            event.created_at,
            due,
        )

    async def _ingest(self, planned: list[Ingest]) -> list[Ingested]:
        try:
            answers = await self._store.ingest(planned)
        except BaseException:
            for one in planned:
                self._release(one)
            raise
        self._count(len(answers))
        for one, answer in zip(planned, answers, strict=True):
            if answer.repeated:
                self._release(one)
            else:
                self._send(one, answer.followers)
        return answers

    def _release(self, one: Ingest) -> None:
        for delivery in one.deliveries:
            if delivery.status is DeliveryStatus.LEASED:
                self._hand_over.release(delivery.endpoint, len(one.event.payload or b""))
        for follower in one.followers:
            self._release(follower)

    def _send(self, one: Ingest, stored: Collection[str]) -> None:
        for delivery in one.deliveries:
            if delivery.status is DeliveryStatus.LEASED:
                self._hand_over.offer(Work(delivery, one.event, Lease(1)))
            elif delivery.status is DeliveryStatus.PENDING:
                self._hand_over.wake()
        for follower in one.followers:
            if follower.event.id in stored:
                self._send(follower, stored)
            else:
                self._release(follower)


def _numbered(make: Callable[[T], Event], given: Sequence[T]) -> list[Event]:
    """An event of each. What is raised has the number of the one that it is of, if there are several."""
    if len(given) == 1:
        return [make(given[0])]
    made: list[Event] = []
    for number, one in enumerate(given):
        try:
            made.append(make(one))
        except HookferryError as error:
            error.number = number
            raise
    return made


def _fingerprint(event: Event, draft: Draft) -> bytes | None:
    """What must be the same when an idempotency key comes again (FAULTS, 15)."""
    if event.idempotency_key is None:
        return None
    # As drafted: a time that was left out is filled in with another one each time.
    occurred_at = None if draft.occurred_at is None else event.occurred_at
    parts = msgspec.json.encode((event.type, occurred_at, event.scope))
    return hashlib.sha256(b"\0".join((parts, event.changes or b"", event.payload or b""))).digest()


def _time(given: datetime) -> int:
    if given.tzinfo is None:
        raise Invalid("A time needs an offset, such as 2026-01-31T12:00:00Z.", field="occurred_at")
    return millis(given, "occurred_at")


def _changes(given: Raw | UnsetType) -> bytes | None:
    if given is UNSET or (changes := bytes(given)) == b"null":
        return None
    check_payload(changes, "changes")
    try:
        msgspec.json.decode(changes, type=dict[str, Change])
    except msgspec.ValidationError as error:
        raise Invalid(
            f"`changes` maps a field to its previous and current value: {error}.", field="changes"
        ) from error
    return changes


def _key(given: str | None) -> str | None:
    if given == "":
        raise Invalid("An idempotency key has a character at least.", field="idempotency_key")
    return None if given is None else rules.check_text("idempotency_key", given, _KEY_LENGTH)
