"""PostgreSQL: one database for any number of processes on any number of machines."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from hookferry.clock import Clock
from hookferry.errors import HookferryError
from hookferry.ids import IdMaker
from hookferry.model import DeliveryStatus, Work
from hookferry.store import configuration, queue
from hookferry.store.database import Database
from hookferry.store.postgres import hot, migrations, partitions
from hookferry.store.postgres.batcher import Batcher
from hookferry.store.postgres.connection import (
    AGAIN,
    LOCKED,
    TRIES,
    Kept,
    connect,
    starting,
    transaction,
    translated,
)
from hookferry.store.postgres.flushes import Flushes
from hookferry.store.postgres.leases import Leases
from hookferry.store.postgres.statements import Statements
from hookferry.store.postgres.watcher import Watcher
from hookferry.store.rows import work_of
from hookferry.store.settlements import Committed, Settlements
from hookferry.store.shared import SharedStore
from hookferry.store.values import Backlog, Ingest, Ingested, OutdatedError, Pruned, Settled, Settlement
from hookferry.store.vault import Vault

if TYPE_CHECKING:
    from hookferry.store.postgres.connection import Connection

T = TypeVar("T")

# Rows of one transaction: some 10 ms of the database's time.
_HEAVIEST = 1024
# Connections that read the history.
_READERS = 2
# Seconds between two hints to other processes that something is due.
_HINT_EVERY = 0.01
# The lease of a worker that has just started, until its first heartbeat; milliseconds.
_FIRST_LEASE = 30_000


class PostgresStore(SharedStore):
    """See `store.base.Store`. Its mutable state is the directory, the claim cursor, and what waits.

    With `migrate` it brings the database to this version when it opens; else it refuses to open an older
    one. `direct` is the database's own address, for notifications, where `url` is a pooler's. `delivers` is
    false for a process that sends nothing, so that others do not count on it.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        ids: IdMaker,
        vault: Vault,
        *,
        migrate: bool = False,
        direct: str | None = None,
        delivers: bool = True,
    ) -> None:
        super().__init__(clock, ids, vault)
        self.migrated: list[str] = []
        self._url = url
        self._migrate = migrate
        self._direct = direct
        self._delivers = delivers
        self._claimed_last = ""
        self._until = 0
        self._lease_time = _FIRST_LEASE
        self._hint: asyncio.TimerHandle | None = None
        self._hints: set[asyncio.Task[None]] = set()
        self._leases = Leases(clock)
        self._flushes = Flushes()

    # Life

    async def open(self) -> None:
        pooled = self._direct is not None
        async with AsyncExitStack() as undo:
            self._pool = await connect(self._url, pooled)
            undo.callback(self._pool.terminate)
            with starting(self._url):
                await self._prepare()
            # Of their own, so that long lists of somebody's history keep nobody's commits waiting.
            self._readers = await connect(self._url, pooled, _READERS)
            undo.pop_all()
        loop = asyncio.get_running_loop()
        self._ingesting, self._settling = Kept(self._pool), Kept(self._pool)
        self._ingests = Batcher(self._ingest_all, self._on_batch, _HEAVIEST)
        self._settles = Batcher(self._settle_all, self._on_batch, _HEAVIEST)
        self._settlements = Settlements(self._post, loop, self.clock, self._on_settled)
        self._watching = loop.create_task(self._watcher.run(lambda: self.worker))

    async def _prepare(self) -> None:
        async with self._pool.acquire() as connection:
            if self._migrate:
                self.migrated = await migrations.migrate(connection)
            migrations.require_none(await migrations.plan(connection))
            async with connection.transaction():
                await configuration.check_key(Statements(connection), self._vault)
        await self._make_partitions(self.clock.now())
        url = self._direct or self._url
        self._watcher = Watcher(url, self._pool, self.directory, self._vault, self.clock)
        # Known to the others first, so that they wait for it with what they change from now on.
        self._until = self.clock.now() + self._lease_time
        await self._register(self._until)
        await self._watcher.load()
        await self._watcher.confirm(self.worker)

    async def close(self) -> None:
        self._settlements.flush()
        await self._ingests.close()
        await self._settles.close()
        self._watching.cancel()
        for task in (*self._hints, self._watching):
            with suppress(asyncio.CancelledError, Exception):
                await task
        with suppress(HookferryError):
            await self._transact(self._leave)
        self._readers.terminate()
        self._pool.terminate()

    async def _leave(self, db: Database) -> None:
        await db.run("leave_work", self.clock.now(), self.worker)
        # Its row stays for the next rescue: a commit that nobody heard of may lease something to it even now.
        await db.run("heartbeat", self.worker, 0)

    async def _transact(self, work: Callable[[Database], Awaitable[T]]) -> T:
        with translated():
            for _ in range(TRIES):
                try:
                    return await self._once(work)
                except AGAIN:
                    continue
            return await self._once(work)

    async def _once(self, work: Callable[[Database], Awaitable[T]]) -> T:
        async with transaction(self._pool) as connection:
            return await work(Statements(connection))

    async def _change(
        self, work: Callable[[Database], Awaitable[T]], tell: Callable[[T], None] = lambda result: None
    ) -> T:
        """The directory takes it over from the database like everybody's changes, in their order."""

        async def change(db: Database) -> tuple[T, int]:
            await db.rows("lock_changes")
            result = await work(db)
            row = await db.row("last_change")
            return result, row[0] if row else 0

        result, version = await self._transact(change)
        with translated():
            await self._watcher.confirm(self.worker)
            await self._watcher.seen_by_all(version)
        return result

    async def _read(self, work: Callable[[Database], Awaitable[T]]) -> T:
        with translated():
            async with transaction(self._readers, isolation="repeatable_read", readonly=True) as connection:
                return await work(Statements(connection))

    # The queue

    @property
    def fresh(self) -> bool:
        return self._watcher.fresh and self.clock.now() < self._until

    @property
    def live_workers(self) -> int:
        return self._watcher.live

    def watch(self, due: Callable[[], None], lapsed: Callable[[], None]) -> None:
        self._watcher.due = due
        self._watcher.lapsed = lapsed

    def ingest(self, events: Sequence[Ingest]) -> "asyncio.Future[list[Ingested]]":
        return self._ingests.submit(sum(map(queue.weight, events)), (events, self._watcher.seen))

    async def _ingest_all(self, members: list[tuple[Sequence[Ingest], int]]) -> list[Any]:
        planned = [list(events) for events, _ in members]
        tenants = list({one.event.tenant for events in planned for one in events})
        seen = min(seen for _, seen in members)
        plain = all(hot.is_plain(one) for events in planned for one in events)
        results: Sequence[Any] | None
        # A connection first: while there is none nothing is leased either.
        async with self._ingesting.connection() as connection:
            on_disk = self._flushes.begun(connection)
            with self._leases.of(self.worker) as lease:
                if plain:
                    db = Statements(connection)
                    results = await hot.ingest(db, planned, self.worker, lease, tenants, seen)
                else:
                    results = await self._ingest_asking(connection, planned, lease, tenants, seen)
            if results is not None:
                on_disk.set()
        if results is None:
            await self._refresh()
            return [OutdatedError()] * len(members)
        if any(_waits(one) for events in planned for one in events):
            self._hint_others()
        return list(results)

    async def _ingest_asking(
        self,
        connection: "Connection",
        planned: list[list[Ingest]],
        lease: str,
        tenants: list[str],
        seen: int,
    ) -> Sequence[Any] | None:
        """The same with idempotency keys and followers, which ask the database first."""
        async with connection.transaction():
            db = Statements(connection)
            if await db.row("still_fresh", self.worker, tenants, seen) is None:
                return None
            for subject in _subjects(planned):
                await db.rows("lock_set", subject)
            return await queue.ingest(db, planned, lease)

    async def _refresh(self) -> None:
        now = self.clock.now()
        await self.heartbeat(now, now + self._lease_time)
        await self._watcher.confirm(self.worker)

    def _hint_others(self) -> None:
        if self._hint is None and self._watcher.live > self._delivers:
            self._hint = asyncio.get_running_loop().call_later(_HINT_EVERY, self._send_hint)

    def _send_hint(self) -> None:
        self._hint = None
        task = asyncio.get_running_loop().create_task(self._notify())
        self._hints.add(task)
        task.add_done_callback(self._hints.discard)

    async def _notify(self) -> None:
        # Only a hint: others poll.
        with suppress(HookferryError):
            await self._transact(lambda db: db.rows("notify", "due"))

    def settle(self, settlement: Settlement) -> None:
        self._settlements.submit(settlement)

    def _post(self, settlement: Settlement, done: Committed) -> None:
        self._settles.post(2, settlement, done)

    async def _settle_all(self, members: list[Settlement]) -> list[Settled]:
        async with self._settling.connection() as connection:
            db = Statements(connection)
            if not self._are_successes(members):
                settled, on_disk = await self._settle_asking(connection, members), True
            elif (publishing := self._publishing()) is None:
                settled, on_disk = await hot.settle(db, members, on_disk=True), True
            else:
                settled = await hot.settle(db, members, on_disk=False)
                on_disk = await self._flushes.awaited(publishing)
            # What is stale here an earlier try of ours may have ended, which was not on disk when we lost it.
            # This one wrote nothing then, and what writes nothing does not wait for the disk.
            if not on_disk or any(one.stale for one in settled):
                await db.rows("flush")
            return settled

    def _are_successes(self, members: list[Settlement]) -> bool:
        """True for what only ends deliveries, of endpoints that are well."""
        unwell = self.directory.health
        return all(hot.is_success(one) and one.work.delivery.endpoint not in unwell for one in members)

    def _publishing(self) -> Any:
        """The session whose commits write the disk for settlements too; None if there is none to count on."""
        # A pooler's sessions outlive the server's.
        return self._ingesting.held if self._ingests.busy and self._direct is None else None

    async def _settle_asking(self, connection: "Connection", members: list[Settlement]) -> list[Settled]:
        async with connection.transaction():
            db = Statements(connection)
            if any(member.seen and member.seen.tally.gone for member in members):
                await db.rows("lock_changes")
            return await queue.settle(db, members, self._watch())

    @property
    def unsettled(self) -> int:
        return self._settlements.waiting

    async def next_due(self, skip: Collection[str]) -> int | None:
        ((due, are_all),) = await self._transact(lambda db: db.rows("soonest", list(skip)))
        if due is None and not are_all:
            ((due,),) = await self._transact(lambda db: db.rows("next_due", list(skip)))
        found: int | None = due
        return found

    async def claim(self, now: int, limit: int, per_endpoint: int, skip: Collection[str]) -> list[Work]:
        async def claim(db: Database, lease: str) -> list[Work]:
            given, live = (now, per_endpoint, list(skip)), max(1, self.live_workers)
            rows = await db.rows("claim", self._claimed_last, *given, limit, lease, live)
            if len(rows) < limit and self._claimed_last:
                rows = [*rows, *await db.rows("claim", "", *given, limit - len(rows), lease, live)]
            return [work_of(row) for row in rows]

        works = await self._lease_in(claim) or []
        if works:
            self._claimed_last = works[-1].delivery.endpoint
        return works

    async def _lease_in(self, work: Callable[[Database, str], Awaitable[T]]) -> T | None:
        async def alive(db: Database, lease: str) -> T | None:
            # What is leased to a worker that was taken for dead nobody would ever free.
            return None if await db.row("lives", self.worker) is None else await work(db, lease)

        with self._leases.of(self.worker) as lease:
            return await self._transact(lambda db: alive(db, lease))

    async def rescue(self, now: int) -> int:
        freed = await super().rescue(now)
        if lost := self._leases.due(now):
            freed += await self._transact(lambda db: db.run("free_lost", now, lost))
            self._leases.freed(lost, now)
        return freed

    async def heartbeat(self, now: int, until: int) -> None:
        if not await self._transact(lambda db: db.run("heartbeat", self.worker, until)):
            # Others have freed what this process had, and may be sending it; all it knows may be old.
            self._until = 0
            self._watcher.lapsed()
            await self._register(until)
            with translated():
                await self._watcher.load()
        self._until, self._lease_time = until, until - now
        await self._ingesting.give_back_unused()
        await self._settling.give_back_unused()

    async def _register(self, until: int) -> None:
        await self._transact(lambda db: db.run("register", self.worker, until, self._delivers))

    async def waiting(self, tenant: str, most: int) -> int:
        # Publishing waits for it: not behind those who read the history.
        row = await self._transact(lambda db: db.row("waiting", tenant, most))
        return int(row[0]) if row else 0

    async def backlog(self) -> Backlog:
        row = await self._transact(lambda db: db.row("backlog"))
        pending, leased, held = row or (0, 0, 0)
        return Backlog(pending, leased, held, await self.next_due(()))

    async def prune(self, before: int, bodies_before: int, now: int, limit: int) -> tuple[Pruned, bool]:
        with translated():
            await self._make_partitions(now)
            async with transaction(self._pool) as connection:
                await Statements(connection).run("forget_changes")
                pruned, more = await partitions.prune(connection, before, bodies_before, now, limit)
            try:
                async with transaction(self._pool) as connection:
                    dropped, left = await partitions.drop_oldest(connection, before, limit)
            except LOCKED:
                return pruned, more
        return pruned.plus(dropped), more or left

    async def _make_partitions(self, now: int) -> None:
        # There is time: they are made days ahead, and meanwhile there is one for all the rest.
        with suppress(LOCKED):
            async with transaction(self._pool) as connection:
                await partitions.make_ahead(connection, now)


def _waits(one: Ingest) -> bool:
    """True if something of it is due and was not handed over."""
    return any(delivery.status is DeliveryStatus.PENDING for delivery in one.deliveries) or any(
        map(_waits, one.followers)
    )


def _subjects(planned: list[list[Ingest]]) -> list[str]:
    """The sets that this changes, in an order that is everybody's, so that no two wait for each other."""
    found: set[str] = set()

    def look(one: Ingest, tenant: str) -> None:
        for follower in one.followers:
            if follower.on is not None:
                found.add(f"{tenant}\n{follower.on.rule}\n{follower.on.subject}")
            look(follower, tenant)

    for events in planned:
        for one in events:
            look(one, one.event.tenant)
    return sorted(found)
