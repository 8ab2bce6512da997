"""The embedded store: SQLite, owned by one process. Commits and reads run in a thread each."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from hookferry.clock import Clock
from hookferry.errors import HookferryError
from hookferry.ids import IdMaker
from hookferry.model import (
    Alert,
    Attempt,
    ContractText,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointStatus,
    Event,
    EventType,
    Key,
    Member,
    Outcome,
    Role,
    Tenant,
    Work,
)
from hookferry.store.base import Backlog, Ingest, Ingested, Page, Pruned, Settled, Settlement, Slice
from hookferry.store.directory import Directory
from hookferry.store.sqlite import configuration, history, queue
from hookferry.store.sqlite.connection import Owner, check_key, connect, migrate, starting
from hookferry.store.sqlite.reader import Reader
from hookferry.store.sqlite.retention import Retention
from hookferry.store.sqlite.settlements import Settlements
from hookferry.store.sqlite.writer import Writer
from hookferry.store.vault import Vault

# Rows beyond which an ingest runs in the writer's thread, so that it does not hold the event loop.
_LARGE = 128


class SqliteStore:
    """See `store.base.Store`. Its mutable state is the directory, the claim cursor, how far retention has
    come, and what waits.

    `batches` is told the size of each commit, `cancellations` how many deliveries ended but by a settlement.
    """

    def __init__(self, path: Path, clock: Clock, ids: IdMaker, vault: Vault) -> None:
        self.directory = Directory()
        self.worker = ids.new("wrk")
        self.migrated: list[str] = []
        self.batches: Callable[[int], None] = lambda size: None
        self.cancellations: Callable[[int], None] = lambda count: None
        self._path = path
        self._clock = clock
        self._vault = vault
        self._listeners: list[Callable[[Sequence[Settled]], None]] = [self._note_disabled]
        self._claimed_last = ""
        self._retention = Retention()
        self._ingest = lambda connection, members: queue.ingest(connection, members, self.worker)

    # Life

    async def open(self) -> None:
        with ExitStack() as undo:
            self._owner = Owner(self._path)
            undo.callback(self._owner.release)
            with starting(self._path):
                self._write = connect(self._path)
                undo.callback(self._write.close)
                self.migrated = migrate(self._write)
                check_key(self._write, self._vault)
                configuration.read(self._write, self.directory, self._vault)
                self._write.execute(queue.SQL["free_leases"], (self._clock.now(),))
                self._write.execute(queue.SQL["forget_all_workers"])
                read = connect(self._path)
            undo.pop_all()
        loop = asyncio.get_running_loop()
        self._writer = Writer(self._write, loop, self._on_batch)
        self._settlements = Settlements(self._writer, loop, self._clock, self._on_settled)
        # Two, so that a long list of somebody's history keeps nobody's retries waiting.
        self._queue = Reader(read, "queue")
        self._history = Reader(connect(self._path), "history")

    async def close(self) -> None:
        self._settlements.again()
        await self._writer.close()
        self._history.close()
        self._queue.close()
        self._write.close()
        self._owner.release()

    async def probe(self) -> None:
        now = self._clock.now()
        await self._writer.call(lambda connection: connection.execute(queue.SQL["probe"], (now,)))

    def listen(self, listener: Callable[[Sequence[Settled]], None]) -> None:
        self._listeners.append(listener)

    def _on_settled(self, settled: Sequence[Settled]) -> None:
        for listener in self._listeners:
            listener(settled)

    def _note_disabled(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            if one.settlement.disable and not one.stale:
                endpoint = self.directory.find_endpoint(one.settlement.work.delivery.endpoint)
                if endpoint is not None and endpoint.status in (EndpointStatus.ACTIVE, EndpointStatus.PAUSED):
                    self.directory.put_endpoint(
                        msgspec.structs.replace(
                            endpoint,
                            status=EndpointStatus.DISABLED,
                            disabled_reason=one.settlement.reason,
                            updated_at=one.settlement.ended_at,
                        )
                    )

    def _on_batch(self, size: int) -> None:
        self.batches(size)

    # The queue

    def ingest(self, events: Sequence[Ingest]) -> "asyncio.Future[list[Ingested]]":
        weight = sum(map(_weight, events))
        if weight > _LARGE:
            return self._writer.call(
                lambda connection: _one(queue.ingest(connection, [list(events)], self.worker))
            )
        return self._writer.submit(0, weight, self._ingest, events)

    def settle(self, settlement: Settlement) -> None:
        self._settlements.submit(settlement)

    @property
    def unsettled(self) -> int:
        return self._settlements.waiting

    async def next_due(self, skip: Collection[str]) -> int | None:
        return await self._queue.run(queue.next_due, skip)

    async def claim(self, now: int, limit: int, per_endpoint: int, skip: Collection[str]) -> list[Work]:
        works = await self._queue.run(
            queue.claimable, self.worker, self._claimed_last, now, limit, per_endpoint, skip
        )
        if not works:
            return []
        self._claimed_last = works[-1].delivery.endpoint
        # On the loop: in the thread each statement queued for the interpreter's lock, 7 ms in all.
        leased: list[Work] = await self._writer.submit(2, len(works), queue.lease, works)
        return leased

    async def heartbeat(self, now: int, until: int) -> None:
        await self._writer.call(
            lambda connection: connection.execute(queue.SQL["heartbeat"], (self.worker, until))
        )

    async def rescue(self, now: int) -> int:
        return await self._writer.call(lambda connection: queue.rescue(connection, now, self.worker))

    async def reconcile(self, endpoint: str | None, now: int, limit: int) -> int:
        changed, cancelled = await self._writer.call(
            lambda connection: queue.reconcile(connection, endpoint, now, limit)
        )
        self.cancellations(cancelled)
        return changed

    async def retry(self, tenant: str, delivery: str, new_id: str, now: int) -> Delivery:
        return await self._writer.call(
            lambda connection: queue.retry(connection, tenant, delivery, new_id, now)
        )

    async def cancel(self, tenant: str, delivery: str, now: int) -> Delivery:
        cancelled = await self._writer.call(
            lambda connection: queue.cancel(connection, tenant, delivery, now)
        )
        self.cancellations(1)
        return cancelled

    async def backlog(self) -> Backlog:
        return await self._queue.run(queue.backlog)

    # The history

    async def events(
        self, tenant: str, rows: Slice, type: str | None = None, idempotency_key: str | None = None
    ) -> Page[Event]:
        return await self._history.run(history.events, tenant, rows, type, idempotency_key)

    async def event(self, tenant: str, id: str) -> Event:
        return await self._history.run(history.event, tenant, id)

    async def deliveries(
        self,
        tenant: str,
        rows: Slice,
        status: Collection[DeliveryStatus] = (),
        endpoint: str | None = None,
        event: str | None = None,
        type: str | None = None,
    ) -> Page[Delivery]:
        return await self._history.run(history.deliveries, tenant, rows, status, endpoint, event, type)

    async def delivery(self, tenant: str, id: str) -> Delivery:
        return await self._history.run(history.delivery, tenant, id)

    async def attempts(
        self,
        tenant: str,
        rows: Slice,
        delivery: str | None = None,
        endpoint: str | None = None,
        outcome: Outcome | None = None,
    ) -> Page[Attempt]:
        return await self._history.run(history.attempts, tenant, rows, delivery, endpoint, outcome)

    async def count_attempts(self, tenant: str, endpoint: str, most: int) -> int:
        return await self._history.run(history.count_attempts, tenant, endpoint, most)

    async def prune(self, before: int, bodies_before: int, now: int, limit: int) -> tuple[Pruned, bool]:
        return await self._writer.call(
            lambda connection: self._retention.prune(connection, before, bodies_before, now, limit)
        )

    # Configuration: committed first, then seen in the directory.

    async def add_tenant(self, tenant: Tenant, text: ContractText | None = None) -> None:
        kept = await self._writer.call(lambda connection: configuration.add_tenant(connection, tenant, text))
        self.directory.put_tenant(tenant)
        if kept is not None:
            self.directory.put_contract(kept)

    async def change_tenant(
        self, id: str, change: Callable[[Tenant], Tenant], text: ContractText | None = None
    ) -> Tenant:
        changed, kept = await self._writer.call(
            lambda connection: configuration.change_tenant(connection, id, change, text)
        )
        self.directory.put_tenant(changed)
        if kept is not None:
            self.directory.put_contract(kept)
        return changed

    async def delete_tenant(self, id: str, now: int) -> None:
        await self._writer.call(lambda connection: configuration.delete_tenant(connection, id, now))
        self.directory.drop_tenant(id, now)

    async def add_endpoint(self, endpoint: Endpoint, unique_url: bool = False) -> None:
        await self._writer.call(
            lambda connection: configuration.add_endpoint(connection, endpoint, self._vault, unique_url)
        )
        self.directory.put_endpoint(endpoint)

    async def change_endpoint(
        self, tenant: str, id: str, change: Callable[[Endpoint], Endpoint], unique_url: bool = False
    ) -> Endpoint:
        changed = await self._writer.call(
            lambda connection: configuration.change_endpoint(
                connection, tenant, id, change, self._vault, unique_url
            )
        )
        self.directory.put_endpoint(changed)
        return changed

    async def add_alert(
        self, alert: Alert, endpoints: Sequence[Endpoint] = (), unique_url: bool = False
    ) -> None:
        await self._writer.call(
            lambda connection: configuration.add_alert(connection, alert, endpoints, self._vault, unique_url)
        )
        self._put_alert(alert, endpoints)

    async def change_alert(
        self,
        tenant: str,
        id: str,
        change: Callable[[Alert], Alert],
        endpoints: Sequence[Endpoint] = (),
        unique_url: bool = False,
    ) -> Alert:
        changed = await self._writer.call(
            lambda connection: configuration.change_alert(
                connection, tenant, id, change, endpoints, self._vault, unique_url
            )
        )
        self._put_alert(changed, endpoints)
        return changed

    def _put_alert(self, alert: Alert, endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints:
            self.directory.put_endpoint(endpoint)
        self.directory.put_alert(alert)

    async def delete_alert(self, tenant: str, id: str) -> None:
        await self._writer.call(lambda connection: configuration.delete_alert(connection, tenant, id))
        self.directory.drop_alert(tenant, id)

    async def add_key(self, key: Key) -> None:
        await self._writer.call(lambda connection: configuration.add_key(connection, key))
        self.directory.put_key(key)

    async def touch_keys(self, used: Mapping[str, int]) -> None:
        await self._writer.call(lambda connection: configuration.touch_keys(connection, used))
        for id, at in used.items():
            if (key := self.directory.keys.get(id)) is not None:
                self.directory.put_key(msgspec.structs.replace(key, last_used_at=at))

    async def delete_key(self, id: str) -> None:
        await self._writer.call(lambda connection: configuration.delete_key(connection, id))
        self.directory.drop_key(id)

    async def add_role(self, role: Role) -> None:
        await self._writer.call(lambda connection: configuration.add_role(connection, role))
        self.directory.put_role(role)

    async def change_role(self, tenant: str, id: str, change: Callable[[Role], Role]) -> Role:
        changed = await self._writer.call(
            lambda connection: configuration.change_role(connection, tenant, id, change)
        )
        self.directory.put_role(changed)
        return changed

    async def delete_role(self, tenant: str, id: str) -> None:
        await self._writer.call(lambda connection: configuration.delete_role(connection, tenant, id))
        self.directory.drop_role(id)

    async def add_member(self, member: Member) -> None:
        await self._writer.call(lambda connection: configuration.add_member(connection, member))
        self.directory.put_member(member)

    async def change_member(self, tenant: str, id: str, change: Callable[[Member], Member]) -> Member:
        changed = await self._writer.call(
            lambda connection: configuration.change_member(connection, tenant, id, change)
        )
        self.directory.put_member(changed)
        return changed

    async def delete_member(self, tenant: str, id: str) -> None:
        await self._writer.call(lambda connection: configuration.delete_member(connection, tenant, id))
        self.directory.drop_member(id)

    async def put_contract(self, text: ContractText) -> None:
        kept = await self._writer.call(lambda connection: configuration.put_contract(connection, text))
        self.directory.put_contract(kept)

    async def delete_contract(self, name: str) -> None:
        await self._writer.call(lambda connection: configuration.delete_contract(connection, name))
        self.directory.drop_contract(name)

    async def add_event_type(self, type: EventType) -> None:
        await self._writer.call(lambda connection: configuration.add_event_type(connection, type))
        self.directory.put_event_type(type)

    async def change_event_type(self, name: str, change: Callable[[EventType], EventType]) -> EventType:
        changed = await self._writer.call(
            lambda connection: configuration.change_event_type(connection, name, change)
        )
        self.directory.put_event_type(changed)
        return changed

    async def delete_event_type(self, name: str) -> None:
        await self._writer.call(lambda connection: configuration.delete_event_type(connection, name))
        self.directory.drop_event_type(name)


def _weight(one: Ingest) -> int:
    """About how many rows an ingest writes."""
    return 1 + len(one.deliveries) + sum(map(_weight, one.followers))


def _one(results: list[list[Ingested] | HookferryError]) -> list[Ingested]:
    (result,) = results
    if isinstance(result, HookferryError):
        raise result
    return result
