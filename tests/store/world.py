"""Short words for the store's tests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import msgspec

from hookferry.exchange import Attempt, Outcome, Request, Response, Result
from hookferry.health import Tally
from hookferry.ids import IdMaker
from hookferry.model import Delivery, DeliveryStatus, Endpoint, EndpointStatus, Event, Secret, Tenant, Work
from hookferry.policy import Policy
from hookferry.store.base import Store
from hookferry.store.postgres import PostgresStore
from hookferry.store.sqlite import SqliteStore
from hookferry.store.values import Ingest, Ingested, Seen, Settled, Settlement, Slice
from hookferry.store.vault import Vault
from tests.support.clock import ManualClock
from tests.support.place import SECRET_KEY

# That of the databases which have their tables.
KEY = bytes.fromhex(SECRET_KEY)


def sqlite_store(path: Path, clock: ManualClock, key: bytes = KEY) -> SqliteStore:
    return SqliteStore(path, clock, IdMaker(clock.now, Random(path.name).getrandbits), Vault(key))


def postgres_store(
    url: str, clock: ManualClock, key: bytes = KEY, direct: str | None = None
) -> PostgresStore:
    ids = IdMaker(clock.now, Random().getrandbits)
    return PostgresStore(url, clock, ids, Vault(key), migrate=True, direct=direct)


@asynccontextmanager
async def two_processes(url: str, clock: ManualClock) -> "AsyncIterator[tuple[World, World]]":
    """Two on one PostgreSQL database, and a tenant `demo` with one endpoint."""
    stores = postgres_store(url, clock), postgres_store(url, clock)
    for store in stores:
        await store.open()
    one, other = World(stores[0], clock), World(stores[1], clock)
    await one.add_tenant("demo")
    one.endpoint = other.endpoint = await one.add_endpoint("demo")
    yield one, other
    for store in stores:
        await store.close()


class World:
    """A store with things in it. `settled` is what its listener was told.

    `age` is how fine its retention is, in seconds: PostgreSQL's goes by whole days.
    """

    endpoint: Endpoint

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self.ids = IdMaker(clock.now, Random(1).getrandbits)
        self.age = 86_400 if isinstance(store, PostgresStore) else 1
        self.settled: list[Settled] = []
        self._told = asyncio.Event()
        store.listen(self._on_settled)

    def move_to(self, store: Store) -> None:
        """Go on with another store, which has the same in it."""
        self.store = store
        store.listen(self._on_settled)

    def _on_settled(self, settled: Sequence[Settled]) -> None:
        self.settled.extend(settled)
        self._told.set()

    async def add_tenant(self, id: str) -> Tenant:
        tenant = Tenant(id, id.title(), "standard", self.clock.now())
        await self.store.add_tenant(tenant)
        return tenant

    def new_endpoint(self, tenant: str) -> Endpoint:
        now = self.clock.now()
        return Endpoint(
            id=self.ids.new("ep"),
            tenant=tenant,
            url="https://example.com/hook",
            name="",
            event_types=(),
            scope={},
            headers=(),
            status=EndpointStatus.ACTIVE,
            secrets=(Secret("whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="),),
            created_at=now,
            updated_at=now,
        )

    async def add_endpoint(self, tenant: str) -> Endpoint:
        endpoint = self.new_endpoint(tenant)
        await self.store.add_endpoint(endpoint)
        return endpoint

    async def set_status(self, status: EndpointStatus, endpoint: Endpoint | None = None) -> None:
        """Change an endpoint's status and bring its deliveries in line."""
        endpoint = endpoint or self.endpoint
        await self.store.change_endpoint(
            endpoint.tenant, endpoint.id, lambda old: msgspec.structs.replace(old, status=status)
        )
        while await self.store.reconcile(endpoint.id, self.clock.now(), 10):
            pass

    async def set_secret(self, secret: str, endpoint: Endpoint) -> None:
        """Sign with a new secret and no old one."""
        await self.store.change_endpoint(
            endpoint.tenant, endpoint.id, lambda old: msgspec.structs.replace(old, secrets=(Secret(secret),))
        )

    async def set_rate(self, limit: float | None) -> None:
        """Let the endpoint have so many requests a second."""
        await self.store.change_endpoint(
            "demo", self.endpoint.id, lambda old: msgspec.structs.replace(old, rate_limit=limit)
        )

    def event(
        self, payload: bytes | None = b'{"n":1}', type: str = "order.created", key: str | None = None
    ) -> Event:
        now = self.clock.now()
        return Event(self.ids.new("evt"), "demo", type, payload, now, now, idempotency_key=key)

    def ingest_of(
        self,
        event: Event,
        *endpoints: Endpoint,
        status: DeliveryStatus = DeliveryStatus.PENDING,
        fingerprint: bytes | None = None,
    ) -> Ingest:
        due = None if status is DeliveryStatus.HELD else event.created_at
        deliveries = [
            Delivery(
                self.ids.new("dlv"),
                event.tenant,
                event.id,
                to.id,
                event.type,
                status,
                0,
                event.created_at,
                due,
            )
            for to in endpoints or (self.endpoint,)
        ]
        return Ingest(event, tuple(deliveries), fingerprint)

    async def publish(
        self,
        *endpoints: Endpoint,
        event: Event | None = None,
        status: DeliveryStatus = DeliveryStatus.PENDING,
    ) -> Ingested:
        (answer,) = await self.store.ingest(
            [self.ingest_of(event or self.event(), *endpoints, status=status)]
        )
        return answer

    async def publish_keyed(self, key: str, fingerprint: bytes) -> Ingested:
        one = self.ingest_of(self.event(key=key), fingerprint=fingerprint * 32)
        (answer,) = await self.store.ingest([one])
        return answer

    async def claim(
        self, limit: int = 100, per_endpoint: int = 100, skip: tuple[str, ...] = ()
    ) -> list[Work]:
        return await self.store.claim(self.clock.now(), limit, per_endpoint, skip)

    async def claim_later(self, seconds: float) -> list[Work]:
        """What is due so much later."""
        self.clock.advance(seconds)
        return await self.claim()

    async def claim_one(self) -> Work:
        (work,) = await self.claim()
        return work

    def attempt(self, work: Work, status: int = 200, body: bytes | None = None) -> Attempt:
        payload = work.event.payload or b""
        request = Request(
            "POST",
            "https://example.com/hook",
            (("Content-Type", "application/json"),),
            (body or payload,),
            15.0,
        )
        return Attempt(
            id=self.ids.new("att"),
            delivery=work.delivery.id,
            endpoint=work.delivery.endpoint,
            number=work.delivery.attempts + 1,
            started_at=self.clock.now(),
            request=request,
            result=Result(
                Outcome.RESPONSE, 0.25, Response(status, (("Server", "x"),), b"ok"), address="192.0.2.1"
            ),
        )

    async def settle(
        self,
        work: Work,
        status: DeliveryStatus,
        retry_in: float | None = None,
        body: bytes | None = None,
        disable: bool = False,
        spend: bool = True,
    ) -> Settled:
        """Settle one delivery and wait for the commit; `retry_in` in seconds."""
        now = self.clock.now()
        due = None if retry_in is None else now + int(retry_in * 1000)
        attempt = (
            self.attempt(work, 200 if status is DeliveryStatus.SUCCEEDED else 500, body) if spend else None
        )
        seen = Seen(Tally(failures=1, gone=True), Policy(), 0.5) if disable else None
        self.store.settle(Settlement(work, status, now, attempt, due, "because", seen))
        await self.flush()
        return self.settled[-1]

    async def lapse(self) -> None:
        """Let this worker's lease run out, and have another one free what it had."""
        await self.store.heartbeat(self.clock.now(), self.clock.now())
        self.store.worker = "wrk_other"
        await self.store.heartbeat(self.clock.now(), self.clock.now() + 30_000)
        await self.store.rescue(self.clock.now())

    async def flush(self) -> None:
        """Return once everything that was asked for before is committed."""
        await self.store.reconcile("none", self.clock.now(), 1)
        await self.until_settled()

    async def until_settled(self) -> None:
        """Return once nothing waits for its commit."""
        while self.store.unsettled:
            self._told.clear()
            await self._told.wait()

    async def statuses(self) -> list[str]:
        """The statuses of the tenant's deliveries, oldest first."""
        page = await self.store.deliveries("demo", Slice(limit=200))
        return [delivery.status.value for delivery in reversed(page.data)]
