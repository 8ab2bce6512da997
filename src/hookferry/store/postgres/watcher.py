"""Keeps this process in step with the others: what they changed, which of them live, what time it is.

Everybody confirms a few times a second what they have seen (rule 6 of the queue): a change is answered once
every worker that lives has seen it, or has not confirmed for a second; and who cannot confirm for a second
sends nothing. A notification is a hint that makes it faster.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from hookferry.clock import Clock, DatabaseClock
from hookferry.logs import described
from hookferry.store import configuration
from hookferry.store.directory import Directory
from hookferry.store.postgres.changes import KINDS, changed_rows, drop, take_over
from hookferry.store.postgres.connection import FAILURES, LATE, translated
from hookferry.store.postgres.statements import Statements
from hookferry.store.rows import health_of
from hookferry.store.vault import Vault

_log = structlog.get_logger("hookferry.store")

# Seconds for which a confirmation holds. In SQL: `not_seen`.
CONFIGURATION_LEASE = 1.0
_CONFIRM_EVERY = 0.25
_CHANNEL = "hookferry"
_ASK_AGAIN = 0.01
_LISTEN_AGAIN = 1.0


class Watcher:
    """Its mutable state is what it has seen, when it last confirmed, and how many workers live.

    `due` is called when another process may have stored something due, `lapsed` when this process was taken
    for dead and its work given to others.
    """

    def __init__(
        self, url: str, pool: "asyncpg.Pool[Any]", directory: Directory, vault: Vault, clock: Clock
    ) -> None:
        self.seen = 0
        self.live = 1
        self.due: Callable[[], None] = lambda: None
        self.lapsed: Callable[[], None] = lambda: None
        self._url = url
        self._pool = pool
        self._directory = directory
        self._vault = vault
        self._clock = clock
        self._confirmed = 0.0
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def fresh(self) -> bool:
        """True if what this process knows was confirmed within the configuration's lease."""
        return time.monotonic() - self._confirmed < CONFIGURATION_LEASE

    async def run(self, worker: Callable[[], str]) -> None:
        """Listen and confirm, until cancelled. Who cannot listen polls."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._keep_confirming(worker))

    async def _keep_confirming(self, worker: Callable[[], str]) -> None:
        while True:
            self._wake.clear()
            try:
                await self.confirm(worker())
            except FAILURES as error:
                _log.warning("cannot confirm", **described(error))
            except Exception as error:
                _log.error("confirming ran into a bug", **described(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(_CONFIRM_EVERY):
                    await self._wake.wait()

    async def _listen(self) -> None:
        while True:
            with suppress(*FAILURES):
                connection = await asyncpg.connect(self._url, timeout=5, command_timeout=5)
                try:
                    closed = asyncio.Event()
                    connection.add_termination_listener(lambda _, closed=closed: closed.set())
                    await connection.add_listener(_CHANNEL, self._on_notification)
                    await closed.wait()
                finally:
                    connection.terminate()
            await asyncio.sleep(_LISTEN_AGAIN)

    def _on_notification(self, connection: Any, process: int, channel: str, payload: Any) -> None:
        if payload == "due":
            self.due()
        else:
            self._wake.set()

    async def confirm(self, worker: str) -> None:
        """Catch up and say so. A worker whose row is gone was taken for dead."""
        while True:
            began = time.monotonic()
            async with self._pool.acquire() as connection:
                row = await Statements(connection).row("confirm", worker, self.seen, self._clock.now())
            if row is None:
                return
            last, self.live, now, unwell = row
            if isinstance(self._clock, DatabaseClock):
                self._clock.set(now, began)
            if last <= self.seen:
                if unwell or self._directory.health:
                    await self.see_health(now, unwell)
                was_fresh, self._confirmed = self.fresh, began
                if not was_fresh:
                    self.due()
                return
            await self.catch_up()

    async def see_health(self, now: int, count: int) -> None:
        """Take over how endpoints fare: what has changed of late, and all if their number is another one.

        Health changes with each failure, so that it is not noted as a change of the configuration is.
        """
        known = self._directory.health
        async with self._pool.acquire() as connection:
            db = Statements(connection)
            late = dict(map(health_of, await db.rows("healths_since", now - LATE)))
            if len(known | late) != count:
                late = dict(map(health_of, await db.rows("healths")))
                for endpoint in known.keys() - late:
                    self._directory.put_health(endpoint, None)
        changed = {endpoint: health for endpoint, health in late.items() if known.get(endpoint) != health}
        known.update(changed)
        if changed:
            self.due()

    async def load(self) -> None:
        """Read everything anew."""
        fresh = Directory()
        async with self._turn, self._pool.acquire() as connection:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                db = Statements(connection)
                row = await db.row("last_change")
                await configuration.read(db, fresh, self._vault)
            self._directory.become(fresh)
            self.seen = row[0] if row else 0

    async def catch_up(self) -> None:
        """Take over what has changed since `seen`."""
        async with self._turn, self._pool.acquire() as connection:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                db = Statements(connection)
                changes = await db.rows("changes_since", self.seen)
                found = {kind: await changed_rows(db, kind, changes) for kind in KINDS}
            for kind, rows in found.items():
                taken = {take_over(self._directory, kind, row, self._vault) for row in rows}
                for _, of, id, tenant in changes:
                    if of == kind and id not in taken:
                        drop(self._directory, kind, id, tenant, self._clock.now())
            if changes:
                self.seen = max(self.seen, changes[-1][0])

    async def seen_by_all(self, version: int) -> None:
        """Return once every worker that lives has seen a change, or its lease of a second is over."""
        with translated():
            while True:
                async with self._pool.acquire() as connection:
                    row = await Statements(connection).row("not_seen", version, self._clock.now())
                if row is None:
                    return
                await asyncio.sleep(_ASK_AGAIN)
