"""A whole engine over a real store and real sockets, with time that tests move."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from random import Random

import msgspec

from hookferry.contracts.texts import builtin_text
from hookferry.delivery.dispatcher import Dispatcher
from hookferry.delivery.executor import Executor, Sends
from hookferry.delivery.guard import Guard
from hookferry.delivery.keeper import Keeper
from hookferry.delivery.sender import Sender
from hookferry.ids import IdMaker
from hookferry.model import Delivery, Endpoint, EndpointStatus, Secret, Tenant
from hookferry.receiver import Receiver
from hookferry.service.contracts import Contracts
from hookferry.service.operational import OperationalEvents
from hookferry.service.publish import Draft, HandOver, Publisher
from hookferry.store.postgres import PostgresStore
from hookferry.store.sqlite import SqliteStore
from hookferry.store.values import Ingested, Settled, Slice
from hookferry.store.vault import Vault
from tests.support.clock import ManualClock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = (ip_network("127.0.0.0/8"),)


class Engine:
    """The parts as app.py puts them together, a tenant `demo` and a receiver that verifies."""

    def __init__(
        self,
        store: SqliteStore | PostgresStore,
        clock: ManualClock,
        receiver: Receiver,
        sender: Sends,
        lane_cap: int = 8,
        time_scale: float = 1,
    ) -> None:
        self.store = store
        self.clock = clock
        self.receiver = receiver
        self.ids = IdMaker(clock.now, Random(2).getrandbits)
        contracts = Contracts(store, clock)
        executor = Executor(store, clock, self.ids, contracts, sender, lambda: 0.5, time_scale)
        self.dispatcher = Dispatcher(
            store, clock, executor.deliver, executor.give_back, 64, lane_cap, executor.policy
        )
        self._contracts = contracts
        store.about = OperationalEvents(store.directory, self.ids, contracts, "operator").about
        self.keeper = Keeper(store, clock, 30, 86400, 3600, self.dispatcher.wake, _nothing, _nothing)
        self.settled: list[Settled] = []
        self._news = asyncio.Event()
        store.listen(self._listen)
        self._tasks: list[asyncio.Task[None]] = []

    def _listen(self, settled: Sequence[Settled]) -> None:
        self.settled += settled
        self._news.set()

    def start(self) -> None:
        """Let the dispatcher claim and the keeper keep."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self.dispatcher.run()), loop.create_task(self.keeper.run())]

    async def stop(self, grace: float = 0) -> None:
        self.keeper.stop()
        await self.dispatcher.stop(grace)
        await asyncio.gather(*self._tasks)

    async def add_tenant(self, id: str = "demo") -> None:
        text = builtin_text("standard")
        tenant = Tenant(id, id, text.name, self.clock.now(), contract_version=text.version)
        await self.store.add_tenant(tenant, text)

    async def add_endpoint(
        self,
        path: str = "/hooks",
        tenant: str = "demo",
        url: str | None = None,
        event_types: tuple[str, ...] = (),
    ) -> Endpoint:
        """An endpoint at a path of the receiver, which knows its secret."""
        now = self.clock.now()
        endpoint = Endpoint(
            id=self.ids.new("ep"),
            tenant=tenant,
            url=url or self.receiver.url + path,
            name=path,
            event_types=event_types,
            scope={},
            headers=(),
            status=EndpointStatus.ACTIVE,
            secrets=(Secret(SECRET),),
            created_at=now,
            updated_at=now,
            timeout=5.0,
        )
        self.receiver.trust(path, SECRET)
        await self.store.add_endpoint(endpoint)
        return endpoint

    async def change(self, endpoint: Endpoint, **given: object) -> None:
        """Change an endpoint as the services do, its deliveries too."""
        await self.store.change_endpoint(
            endpoint.tenant, endpoint.id, lambda old: msgspec.structs.replace(old, **given)
        )
        while await self.store.reconcile(endpoint.id, self.clock.now(), 100):
            pass

    async def publish(
        self,
        payload: bytes = b'{"n":1}',
        tenant: str = "demo",
        key: str | None = None,
        hand_over: HandOver | None = None,
        occurred_at: datetime | None = None,
    ) -> Ingested:
        """Publish one event; handed over to the dispatcher unless another hand-over is given."""
        draft = Draft("order.created", msgspec.Raw(payload), occurred_at, idempotency_key=key)
        (answer,) = await self._publish([draft], tenant, hand_over or self.dispatcher)
        return answer

    async def publish_many(self, count: int) -> None:
        """Publish a batch."""
        draft = Draft("order.created", msgspec.Raw(b'{"n":1}'))
        await self._publish([draft] * count, "demo", self.dispatcher)

    async def _publish(self, drafts: list[Draft], tenant: str, hand_over: HandOver) -> list[Ingested]:
        publisher = Publisher(self.store, self.clock, self.ids, hand_over, self._contracts, 256 * 1024)
        return await publisher.publish(self.store.directory.tenant(tenant), drafts)

    async def until(self, true: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until something holds; it is looked at after each commit of settlements."""
        async with asyncio.timeout(timeout):
            while not true():
                self._news.clear()
                await self._news.wait()

    async def until_settled(self, count: int) -> list[Settled]:
        """Wait until so many settlements are committed."""
        await self.until(lambda: len(self.settled) >= count)
        return self.settled

    async def deliveries(self, tenant: str = "demo") -> list[Delivery]:
        """All of a tenant's, oldest first."""
        return (await self.store.deliveries(tenant, Slice(limit=10_000))).data[::-1]

    async def statuses(self) -> list[str]:
        return [delivery.status.value for delivery in await self.deliveries()]


@asynccontextmanager
async def engine(
    folder: Path, sender: Sends | None = None, lane_cap: int = 8, time_scale: float = 1
) -> AsyncIterator[Engine]:
    """An engine that is not started yet."""
    clock = ManualClock()
    store = SqliteStore(
        folder / "engine.db", clock, IdMaker(clock.now, Random(3).getrandbits), Vault(b"k" * 32)
    )
    await store.open()
    real = Sender(Guard(LOOPBACK))
    async with Receiver(clock=clock) as receiver:
        made = Engine(store, clock, receiver, sender or real, lane_cap, time_scale)
        await made.add_tenant()
        try:
            yield made
        finally:
            await made.stop()
            await real.close()
            await store.close()


async def _nothing() -> None:
    """There are no keys whose use could be noted, and no replays."""
