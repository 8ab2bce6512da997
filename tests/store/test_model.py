"""The store against a small model of it: whatever happens in whatever order, each delivery is in its place.

hypothesis makes the orders up (FAULTS, the promise as an invariant).
"""

import asyncio
import shutil
from collections.abc import Coroutine
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hookferry.errors import Conflict
from hookferry.model import DeliveryStatus, EndpointStatus, Job, Replayed, Work
from hookferry.store.postgres import PostgresStore
from hookferry.store.replays import first_cursor
from hookferry.store.sqlite import SqliteStore
from hookferry.store.values import Slice
from tests.store.model import FINAL, RATE, Model, Row
from tests.store.world import World, postgres_store, sqlite_store
from tests.support.clock import ManualClock
from tests.support.postgres import Databases

T = TypeVar("T")
Store = SqliteStore | PostgresStore

STATUSES = (EndpointStatus.ACTIVE, EndpointStatus.PAUSED, EndpointStatus.DELETED)
ENDPOINTS = st.integers(0, 1)
OUTCOMES = st.sampled_from(["succeeded", "failed", "again", "given back"])
# Milliseconds.
LEASE = 30_000

# Without them most of an order would ask for nothing.
anything_published = precondition(lambda self: self.model.rows)
anything_claimed = precondition(lambda self: self.works)
anything_replayed = precondition(lambda self: self.model.jobs)


class File:
    """A SQLite file: a crash leaves what is on the disk."""

    orders = 100
    frees_at_start = True

    def __init__(self, folder: Path) -> None:
        self._paths = (folder / f"{number}.db" for number in count())

    def fresh(self, clock: ManualClock) -> Store:
        self._path = next(self._paths)
        return sqlite_store(self._path, clock)

    def crashed(self, store: Store, clock: ManualClock) -> Store:
        """A store on what a process leaves that dies now; what the old one does from now on is lost."""
        dead, self._path = self._path, next(self._paths)
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{dead}{suffix}", f"{self._path}{suffix}")
        return sqlite_store(self._path, clock)


class Server:
    """A database of PostgreSQL: a crash ends the connections, and what was leased stays so.

    Each takes up to a second from whoever makes a change next, who waits for the dead one to obey it.
    """

    orders = 20
    frees_at_start = False

    def __init__(self, server: Databases, template: str) -> None:
        self._server = server
        self._template = template

    def fresh(self, clock: ManualClock) -> Store:
        self._database = self._server.new_database(self._template)
        return postgres_store(self._server.url(self._database), clock)

    def crashed(self, store: Store, clock: ManualClock) -> Store:
        """The same."""
        # As the dead one is closed below it gives back what a worker of this name has: nothing.
        store.worker = "wrk_nobody"
        self._server.terminate_backends(self._database)
        return postgres_store(self._server.url(self._database), clock)


class Machine(RuleBasedStateMachine):
    """Does the same to a store and to the model of it. Its mutable state is the two, and what was claimed."""

    def __init__(self, disk: File | Server) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._disk = disk
        self._numbers = count()
        self.works: list[Work] = []
        self.model = Model()
        self.do(self._open())

    async def _open(self) -> None:
        clock = ManualClock()
        store = self._disk.fresh(clock)
        await store.open()
        self.world = World(store, clock)
        await self.world.add_tenant("demo")
        self.endpoints = [await self.world.add_endpoint("demo") for _ in range(2)]
        self.model.secrets = [endpoint.secrets[0].value for endpoint in self.endpoints]
        await self._beat(store.worker)

    async def _beat(self, worker: str, lease: int = LEASE) -> None:
        self.world.store.worker = worker
        self.model.leases[worker] = self.now + lease
        await self.world.store.heartbeat(self.now, self.now + lease)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def pick(self, data: st.DataObject) -> tuple[str, Row]:
        """One of all deliveries."""
        id = data.draw(st.sampled_from(sorted(self.model.rows)))
        return id, self.model.rows[id]

    @property
    def now(self) -> int:
        return self.world.clock.now()

    def teardown(self) -> None:
        self.do(self.world.store.close())
        self._runner.close()

    # What is asked

    @rule(endpoint=ENDPOINTS, events=st.integers(1, 3))
    def publish(self, endpoint: int, events: int) -> None:
        status = self.model.statuses[endpoint]
        if status is EndpointStatus.DELETED:
            return
        held = status is EndpointStatus.PAUSED
        first = DeliveryStatus.HELD if held else DeliveryStatus.PENDING
        ones = [
            self.world.ingest_of(self.world.event(), self.endpoints[endpoint], status=first)
            for _ in range(events)
        ]

        async def ingest() -> None:
            await self.world.store.ingest(ones)

        self.do(ingest())
        for one in ones:
            self.model.events.append(one.event.id)
            due = None if held else self.now
            self.model.rows[one.deliveries[0].id] = Row(endpoint, one.event.id, first.value, due)

    @rule()
    def claim(self) -> None:
        works = self.do(self.world.claim())
        assert {work.delivery.id for work in works} == self.model.due(self.now)
        for work in works:
            row = self.model.rows[work.delivery.id]
            row.status, row.token, row.worker = "leased", row.token + 1, self.world.store.worker
            assert (work.lease.token, work.delivery.attempts) == (row.token, row.attempts)
        self.works += works

    @anything_claimed
    @rule(data=st.data(), outcome=OUTCOMES)
    def settle(self, data: st.DataObject, outcome: str) -> None:
        """One of all works that were ever claimed: most are stale."""
        self._settle(data.draw(st.sampled_from(self.works)), outcome)

    @anything_published
    @rule(outcome=OUTCOMES)
    def deliver(self, outcome: str) -> None:
        """All that is due."""
        before = len(self.works)
        self.claim()
        for work in self.works[before:]:
            self._settle(work, outcome)

    def _settle(self, work: Work, outcome: str) -> None:
        row = self.model.rows[work.delivery.id]
        final = outcome in FINAL
        status = DeliveryStatus(outcome) if final else DeliveryStatus.PENDING
        spend = outcome != "given back"
        settled = self.do(self.world.settle(work, status, None if final else 60, spend=spend))
        stale = row.status in FINAL or row.token != work.lease.token
        assert settled.stale == stale
        if not stale:
            row.attempts += spend
            row.token += 1
            row.status, row.due = status.value, None if final else self.now + 60_000

    @anything_published
    @rule(seconds=st.sampled_from([1, 60, 3600, -30]))
    def advance(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(endpoint=ENDPOINTS, status=st.sampled_from(STATUSES))
    def change(self, endpoint: int, status: EndpointStatus) -> None:
        """Pause, resume, delete; what waits follows."""
        if self.model.statuses[endpoint] is EndpointStatus.DELETED:
            return
        self.do(self.world.set_status(status, self.endpoints[endpoint]))
        self.model.follow(endpoint, status, self.now)

    @rule(endpoint=ENDPOINTS)
    def rotate(self, endpoint: int) -> None:
        if self.model.statuses[endpoint] is EndpointStatus.DELETED:
            return
        secret = f"whsec_{next(self._numbers)}"
        self.do(self.world.set_secret(secret, self.endpoints[endpoint]))
        self.model.secrets[endpoint] = secret

    @anything_published
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id, row = self.pick(data)
        if row.status in FINAL:
            with pytest.raises(Conflict):
                self.do(self.world.store.cancel("demo", id, self.now))
        else:
            self.do(self.world.store.cancel("demo", id, self.now))
            row.status, row.due = "cancelled", None

    @anything_published
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        id, row = self.pick(data)
        new = self.world.ids.new("dlv")
        if row.status in ("leased", "held"):
            with pytest.raises(Conflict):
                self.do(self.world.store.retry("demo", id, new, self.now))
            return
        self.do(self.world.store.retry("demo", id, new, self.now))
        if row.status == "pending":
            row.due = self.now
        else:
            self.model.rows[new] = Row(row.endpoint, row.event, "pending", self.now, of=id)

    @anything_published
    @rule(endpoint=ENDPOINTS, which=st.sampled_from(Replayed))
    def replay(self, endpoint: int, which: Replayed) -> None:
        """Of all that was there before; its first step comes with it."""
        if self.model.statuses[endpoint] is EndpointStatus.DELETED:
            return
        self.world.clock.advance(1)
        job = self._job(endpoint, which)
        if self.model.add_job(job, endpoint):
            self.do(self.world.store.add_job(job))
            self._step(job.id)
        else:
            with pytest.raises(Conflict):
                self.do(self.world.store.add_job(job))

    def _job(self, endpoint: int, which: Replayed) -> Job:
        return Job(
            id=self.world.ids.new("job"),
            tenant="demo",
            endpoint=self.endpoints[endpoint].id,
            which=which,
            since=0,
            until=self.now,
            event_types=(),
            scope={},
            rate=RATE,
            total=0,
            created_at=self.now,
            cursor=first_cursor(which, 0),
            next_at=self.now,
        )

    @anything_replayed
    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        self._step(data.draw(st.sampled_from(sorted(self.model.jobs))))

    def _step(self, job: str) -> None:
        new = [self.world.ids.new("dlv") for _ in range(100)]
        made = self.do(self.world.store.advance("demo", job, new, self.now)).made
        assert made == self.model.step(job, new, self.now)

    @anything_replayed
    @rule(data=st.data())
    def cancel_job(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.jobs)))
        if self.model.cancel_job(id):
            self.do(self.world.store.cancel_job("demo", id, self.now, 100))
        else:
            with pytest.raises(Conflict):
                self.do(self.world.store.cancel_job("demo", id, self.now, 100))

    @anything_published
    @rule()
    def expire(self) -> None:
        """The worker's lease runs out, and another worker has what it had. Late results may still come."""

        async def lapse() -> None:
            await self._beat(self.world.store.worker, 0)
            await self._beat(f"wrk_{next(self._numbers)}")
            await self.world.store.rescue(self.now)

        self.do(lapse())
        self.model.free(self.now)

    @anything_published
    @rule()
    def crash(self) -> None:
        """The process dies, and another one starts on what it leaves. What it had in hand is lost with it."""

        async def die() -> None:
            dead = self.world.store
            store = self._disk.crashed(cast(Store, dead), self.world.clock)
            await dead.close()
            await store.open()
            self.world.move_to(store)
            await self._beat(store.worker)

        if self._disk.frees_at_start:
            self.model.leases.clear()
            self.model.free(self.now)
        self.do(die())
        self.works.clear()

    # What must hold

    @invariant()
    def every_delivery_is_where_it_should_be(self) -> None:
        page = self.do(self.world.store.deliveries("demo", Slice(limit=1_000)))
        found = {one.id: (one.status.value, one.attempts, one.retry_of) for one in page.data}
        assert found == {id: (row.status, row.attempts, row.of) for id, row in self.model.rows.items()}

    @invariant()
    def every_job_is_where_it_should_be(self) -> None:
        page = self.do(self.world.store.jobs("demo", Slice(limit=1_000)))
        assert {one.id: one.status for one in page.data} == {
            id: job.status for id, job in self.model.jobs.items()
        }

    @invariant()
    def no_secret_is_old(self) -> None:
        found = [self.world.store.directory.find_endpoint(one.id) for one in self.endpoints]
        assert [one.secrets[0].value for one in found if one] == self.model.secrets


@pytest.fixture(params=["sqlite", "postgres"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> File | Server:
    """Room for a new store for each order."""
    if request.param == "sqlite":
        return File(tmp_path)
    return Server(request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template"))


@pytest.mark.timeout(300)
def test_the_store_is_as_its_model(disk: File | Server) -> None:
    """Publish, claim, settle, fail, expire, advance, pause, rotate, delete, cancel, retry, replay, crash."""
    run_state_machine_as_test(
        cast(Any, lambda: Machine(disk)),
        settings=settings(
            max_examples=disk.orders,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
