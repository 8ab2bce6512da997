"""What a backend need not write itself: the seam's verbs over plain transactions and reads."""

from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from typing import TypeVar

import msgspec

from hookferry.clock import Clock
from hookferry.exchange import Attempt, Outcome
from hookferry.health import Change
from hookferry.ids import IdMaker
from hookferry.model import (
    Delivery,
    DeliveryStatus,
    EndpointState,
    EndpointStatus,
    Event,
    Job,
    JobStatus,
    Work,
)
from hookferry.policy import Policy
from hookferry.store import health, history, queue, replays
from hookferry.store.configured import Configured
from hookferry.store.database import Database
from hookferry.store.values import About, News, Page, Settled, Slice, Step, Watched
from hookferry.store.vault import Vault

T = TypeVar("T")


class SharedStore(Configured):
    """See `store.base.Store`. Its mutable state is the directory and who listens.

    `batches` is told the size of each commit, `cancellations` how many deliveries ended but by a settlement.
    """

    def __init__(self, clock: Clock, ids: IdMaker, vault: Vault) -> None:
        super().__init__(vault)
        self.worker = ids.new("wrk")
        self.batches: Callable[[int], None] = lambda size: None
        self.cancellations: Callable[[int], None] = lambda count: None
        self.clock = clock
        self.about: About = lambda *given: ()
        self._listeners: list[Callable[[Sequence[Settled]], None]] = [self._note_news]

    async def _read(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """Read the history, in one snapshot."""
        raise NotImplementedError

    async def _lease_in(self, work: Callable[[Database, str], Awaitable[T]]) -> T | None:
        """Lease deliveries under the name that is given; None for a worker that no longer lives."""
        return await self._transact(lambda db: work(db, self.worker))

    def listen(self, listener: Callable[[Sequence[Settled]], None]) -> None:
        self._listeners.append(listener)

    def _on_settled(self, settled: Sequence[Settled]) -> None:
        for listener in self._listeners:
            listener(settled)

    def _on_batch(self, size: int) -> None:
        self.batches(size)

    def _note_news(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            if one.news is not None:
                self.directory.put_health(one.news.endpoint, one.news.health)
                if Change.DISABLED in one.news.changes:
                    self._note_disabled(one.news)

    def _note_disabled(self, news: News) -> None:
        endpoint = self.directory.find_endpoint(news.endpoint)
        if endpoint is not None and endpoint.matches:
            self.directory.put_endpoint(
                msgspec.structs.replace(
                    endpoint,
                    status=EndpointStatus.DISABLED,
                    disabled_reason=news.reason,
                    updated_at=self.clock.now(),
                )
            )

    def _watch(self) -> health.Watch:
        return health.Watch(self.directory, self.about, self.clock.now)

    # The queue

    async def probe(self) -> None:
        now = self.clock.now()
        await self._transact(lambda db: db.run("probe", now))

    async def due_of(self, endpoints: Collection[str], now: int) -> list[str]:
        asked = msgspec.json.encode(list(endpoints)).decode()
        return [id for (id,) in await self._read(lambda db: db.rows("due_of", asked, now))]

    async def claim_probe(self, endpoint: str, now: int, policy: Policy) -> Work | None:
        owner = self.directory.find_endpoint(endpoint)
        if owner is None:
            return None
        claimed = await self._lease_in(
            lambda db, lease: health.claim_probe(db, owner.tenant, endpoint, now, policy, lease)
        )
        if claimed is None:
            return None
        work, begun = claimed
        self.directory.put_health(endpoint, begun)
        return work

    async def heartbeat(self, now: int, until: int) -> None:
        await self._transact(lambda db: db.run("heartbeat", self.worker, until))

    async def rescue(self, now: int) -> int:
        return await self._transact(lambda db: queue.rescue(db, now, self.worker))

    async def reconcile(self, endpoint: str | None, now: int, limit: int) -> int:
        changed, cancelled = await self._transact(lambda db: queue.reconcile(db, endpoint, now, limit))
        self.cancellations(cancelled)
        return changed

    async def retry(self, tenant: str, delivery: str, new_id: str, now: int) -> Delivery:
        return await self._transact(lambda db: queue.retry(db, tenant, delivery, new_id, now))

    async def cancel(self, tenant: str, delivery: str, now: int) -> Delivery:
        cancelled = await self._transact(lambda db: queue.cancel(db, tenant, delivery, now))
        self.cancellations(1)
        return cancelled

    async def waiting(self, tenant: str, most: int) -> int:
        row = await self._read(lambda db: db.row("waiting", tenant, most))
        return int(row[0]) if row else 0

    # The history

    async def events(
        self, tenant: str, rows: Slice, type: str | None = None, idempotency_key: str | None = None
    ) -> Page[Event]:
        return await self._read(lambda db: history.events(db, tenant, rows, type, idempotency_key))

    async def event(self, tenant: str, id: str) -> Event:
        return await self._read(lambda db: history.event(db, tenant, id))

    async def deliveries(
        self,
        tenant: str,
        rows: Slice,
        status: Collection[DeliveryStatus] = (),
        endpoint: str | None = None,
        event: str | None = None,
        type: str | None = None,
    ) -> Page[Delivery]:
        return await self._read(
            lambda db: history.deliveries(db, tenant, rows, status, endpoint, event, type)
        )

    async def delivery(self, tenant: str, id: str) -> Delivery:
        return await self._read(lambda db: history.delivery(db, tenant, id))

    async def attempts(
        self,
        tenant: str,
        rows: Slice,
        delivery: str | None = None,
        endpoint: str | None = None,
        outcome: Outcome | None = None,
    ) -> Page[Attempt]:
        return await self._read(lambda db: history.attempts(db, tenant, rows, delivery, endpoint, outcome))

    async def settled_since(
        self, tenant: str, endpoints: Collection[str], since: int, known: Set[str], limit: int
    ) -> tuple[Set[str], list[Watched]]:
        return await self._read(lambda db: history.settled_since(db, tenant, endpoints, since, known, limit))

    async def count_attempts(self, tenant: str, endpoint: str, most: int) -> int:
        return await self._read(lambda db: history.count_attempts(db, tenant, endpoint, most))

    async def endpoint_history(self, endpoint: str) -> list[EndpointState]:
        return await self._read(lambda db: history.endpoint_history(db, endpoint))

    # Replays

    async def count_replay(self, job: Job, limit: int) -> tuple[int, str | None]:
        return await self._read(lambda db: replays.count(db, job, limit))

    async def add_job(self, job: Job) -> None:
        await self._transact(lambda db: replays.add(db, job))

    async def jobs(
        self, tenant: str, rows: Slice, endpoint: str | None = None, status: JobStatus | None = None
    ) -> Page[Job]:
        return await self._read(lambda db: history.jobs(db, tenant, rows, endpoint, status))

    async def job(self, tenant: str, id: str) -> Job:
        return await self._read(lambda db: history.job(db, tenant, id))

    async def running_jobs(self) -> Sequence[tuple[str, str]]:
        rows = await self._read(lambda db: db.rows("running_jobs"))
        return [(tenant, id) for tenant, id in rows]

    async def advance(self, tenant: str, id: str, new_ids: Sequence[str], now: int) -> Step:
        return await self._transact(lambda db: replays.advance(db, tenant, id, new_ids, now))

    async def cancel_job(self, tenant: str, id: str, now: int, limit: int) -> tuple[Job, int]:
        job, cancelled = await self._transact(lambda db: replays.cancel(db, tenant, id, now, limit))
        self.cancellations(cancelled)
        return job, cancelled
