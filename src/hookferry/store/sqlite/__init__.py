"""The embedded store: SQLite, owned by one process. Commits and reads run in a thread each."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar, cast

from hookferry.clock import Clock
from hookferry.errors import HookferryError
from hookferry.ids import IdMaker
from hookferry.model import Work
from hookferry.store import configuration, queue
from hookferry.store.database import Database, at_once
from hookferry.store.settlements import Committed, Settlements
from hookferry.store.shared import SharedStore
from hookferry.store.sqlite import claims
from hookferry.store.sqlite.checkpoints import Checkpoints
from hookferry.store.sqlite.connection import Owner, connect, migrate, starting
from hookferry.store.sqlite.reader import Reader
from hookferry.store.sqlite.retention import Retention
from hookferry.store.sqlite.statements import Statements
from hookferry.store.sqlite.writer import Writer
from hookferry.store.values import Backlog, Ingest, Ingested, Pruned, Settled, Settlement
from hookferry.store.vault import Vault

T = TypeVar("T")

# Rows beyond which an ingest runs in the writer's thread, so that it does not hold the event loop.
_LARGE = 128


class SqliteStore(SharedStore):
    """See `store.base.Store`. Its mutable state is the directory, the claim cursor, how far retention has
    come, and what waits.
    """

    def __init__(self, path: Path, clock: Clock, ids: IdMaker, vault: Vault) -> None:
        super().__init__(clock, ids, vault)
        self.migrated: list[str] = []
        self._path = path
        self._claimed_last = ""
        self._retention = Retention()
        # One object: the writer runs those of a batch together whose function is the same.
        self._ingest = self._ingest_all
        self._settle = self._settle_all
        self._lease = self._lease_all

    # Life

    async def open(self) -> None:
        with ExitStack() as undo:
            self._owner = Owner(self._path)
            undo.callback(self._owner.release)
            with starting(self._path):
                self._write = connect(self._path)
                undo.callback(self._write.close)
                self.migrated = migrate(self._write)
                await self._load()
                read = connect(self._path)
            undo.pop_all()
        loop = asyncio.get_running_loop()
        checkpoints = Checkpoints(connect(self._path), loop)
        self._writer = Writer(self._write, loop, self._on_batch, checkpoints)
        self._settlements = Settlements(self._post, loop, self.clock, self._on_settled)
        # Two, so that a long list of somebody's history keeps nobody's retries waiting.
        self._queue = Reader(read, "queue")
        self._history = Reader(connect(self._path), "history")

    async def _load(self) -> None:
        db = Statements(self._write)
        await configuration.check_key(db, self._vault)
        await configuration.read(db, self.directory, self._vault)
        await db.run("free_leases", self.clock.now())
        await db.run("forget_all_workers")

    async def close(self) -> None:
        self._settlements.flush()
        await self._writer.close()
        self._history.close()
        self._queue.close()
        self._write.close()
        self._owner.release()

    async def _transact(self, work: Callable[[Database], Awaitable[T]]) -> T:
        return await self._writer.call(lambda connection: _run(connection, work))

    async def _change(
        self, work: Callable[[Database], Awaitable[T]], tell: Callable[[T], None] = lambda result: None
    ) -> T:
        result = await self._transact(work)
        tell(result)
        return result

    async def _read(self, work: Callable[[Database], Awaitable[T]]) -> T:
        return await self._history.run(_run_in_snapshot, work)

    # Other processes: there are none, the file is ours.

    @property
    def fresh(self) -> bool:
        return True

    @property
    def live_workers(self) -> int:
        return 1

    def watch(self, due: Callable[[], None], lapsed: Callable[[], None]) -> None:
        pass

    # The queue

    def ingest(self, events: Sequence[Ingest]) -> "asyncio.Future[list[Ingested]]":
        weight = sum(map(queue.weight, events))
        if weight > _LARGE:
            return self._writer.call(lambda connection: _one(self._ingest(connection, [list(events)])))
        return self._writer.submit(0, weight, self._ingest, events)

    def _ingest_all(
        self, connection: sqlite3.Connection, members: list[list[Ingest]]
    ) -> list[list[Ingested] | HookferryError]:
        return at_once(queue.ingest(Statements(connection), members, self.worker))

    def settle(self, settlement: Settlement) -> None:
        self._settlements.submit(settlement)

    def _post(self, settlement: Settlement, done: Committed) -> None:
        self._writer.post(1, 2, self._settle, settlement, done)

    def _settle_all(self, connection: sqlite3.Connection, members: list[Settlement]) -> list[Settled]:
        return at_once(queue.settle(Statements(connection), members, self._watch()))

    @property
    def unsettled(self) -> int:
        return self._settlements.waiting

    async def next_due(self, skip: Collection[str]) -> int | None:
        return await self._queue.run(claims.next_due, skip)

    async def claim(self, now: int, limit: int, per_endpoint: int, skip: Collection[str]) -> list[Work]:
        works = await self._queue.run(claims.claimable, self._claimed_last, now, limit, per_endpoint, skip)
        if not works:
            return []
        self._claimed_last = works[-1].delivery.endpoint
        # On the loop: in the thread each statement queued for the interpreter's lock, 7 ms in all.
        leased: list[Work] = await self._writer.submit(2, len(works), self._lease, works)
        return leased

    def _lease_all(self, connection: sqlite3.Connection, members: list[list[Work]]) -> list[list[Work]]:
        return [claims.lease(connection, works, self.worker) for works in members]

    async def backlog(self) -> Backlog:
        return await self._queue.run(claims.backlog)

    async def prune(self, before: int, bodies_before: int, now: int, limit: int) -> tuple[Pruned, bool]:
        return await self._writer.call(
            lambda connection: self._retention.prune(connection, before, bodies_before, now, limit)
        )


def _run(connection: sqlite3.Connection, work: Callable[[Database], Awaitable[T]]) -> T:
    return at_once(cast(Coroutine[Any, Any, T], work(Statements(connection))))


def _run_in_snapshot(connection: sqlite3.Connection, work: Callable[[Database], Awaitable[T]]) -> T:
    connection.execute("begin")
    try:
        return _run(connection, work)
    finally:
        connection.execute("commit")


def _one(results: list[list[Ingested] | HookferryError]) -> list[Ingested]:
    (result,) = results
    if isinstance(result, HookferryError):
        raise result
    return result
