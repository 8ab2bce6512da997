"""The store against a small model of it: whatever happens in whatever order, each delivery is in its place.

hypothesis makes the orders up (FAULTS, the promise as an invariant).
"""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from hookferry.errors import Conflict
from hookferry.model import DeliveryStatus, EndpointStatus, Work
from hookferry.store.postgres import PostgresStore
from hookferry.store.sqlite import SqliteStore
from hookferry.store.values import Slice
from tests.store.world import World, postgres_store, sqlite_store
from tests.support.clock import ManualClock
from tests.support.postgres import Databases

T = TypeVar("T")
Store = SqliteStore | PostgresStore
MakeStore = Callable[[ManualClock], Store]

FINAL = ("succeeded", "failed", "cancelled")
STATUSES = (EndpointStatus.ACTIVE, EndpointStatus.PAUSED, EndpointStatus.DELETED)
ENDPOINTS = st.integers(0, 1)


class Row(msgspec.Struct):
    """A delivery as it should be. `due` in milliseconds; a result counts while `token` is the row's."""

    endpoint: int
    status: str
    due: int | None
    attempts: int = 0
    token: int = 1


class Machine(RuleBasedStateMachine):
    """One tenant with two endpoints. Its mutable state is the store, and the model of it."""

    def __init__(self, make: MakeStore) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        clock = ManualClock()
        self._runner.run(self._open(make, clock))
        self.rows: dict[str, Row] = {}
        self.works: list[Work] = []
        self.statuses = [EndpointStatus.ACTIVE, EndpointStatus.ACTIVE]
        self.lapses = 0

    async def _open(self, make: MakeStore, clock: ManualClock) -> None:
        store = make(clock)
        await store.open()
        self.world = World(store, clock)
        await self.world.add_tenant("demo")
        self.endpoints = [await self.world.add_endpoint("demo") for _ in range(2)]

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @property
    def now(self) -> int:
        return self.world.clock.now()

    def teardown(self) -> None:
        self.do(self.world.store.close())
        self._runner.close()

    # What is asked

    @rule(endpoint=ENDPOINTS)
    def publish(self, endpoint: int) -> None:
        status = self.statuses[endpoint]
        if status is EndpointStatus.DELETED:
            return
        held = status is EndpointStatus.PAUSED
        first = DeliveryStatus.HELD if held else DeliveryStatus.PENDING
        one = self.world.ingest_of(self.world.event(), self.endpoints[endpoint], status=first)

        async def ingest() -> None:
            await self.world.store.ingest([one])

        self.do(ingest())
        self.rows[one.deliveries[0].id] = Row(endpoint, first.value, None if held else self.now)

    @rule()
    def claim(self) -> None:
        due = {id for id, row in self.rows.items() if row.status == "pending" and (row.due or 0) <= self.now}
        works = self.do(self.world.claim())
        assert {work.delivery.id for work in works} == due
        for work in works:
            row = self.rows[work.delivery.id]
            row.status, row.token = "leased", row.token + 1
            assert (work.lease.token, work.delivery.attempts) == (row.token, row.attempts)
        self.works += works

    @rule(data=st.data(), outcome=st.sampled_from(["succeeded", "failed", "again", "given back"]))
    def settle(self, data: st.DataObject, outcome: str) -> None:
        """One of all works that were ever claimed: most are stale."""
        if not self.works:
            return
        work = data.draw(st.sampled_from(self.works))
        row = self.rows[work.delivery.id]
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

    @rule(seconds=st.sampled_from([1, 60, 3600, -30]))
    def advance(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(endpoint=ENDPOINTS, status=st.sampled_from(STATUSES))
    def change(self, endpoint: int, status: EndpointStatus) -> None:
        """Pause, resume, delete; what waits follows."""
        if self.statuses[endpoint] is EndpointStatus.DELETED:
            return
        self.statuses[endpoint] = status
        self.do(self.world.set_status(status, self.endpoints[endpoint]))
        for row in self.rows.values():
            if row.endpoint == endpoint:
                self._follow(row, status)

    def _follow(self, row: Row, status: EndpointStatus) -> None:
        if status is EndpointStatus.PAUSED and row.status == "pending":
            row.status, row.due = "held", None
        elif status is EndpointStatus.ACTIVE and row.status == "held":
            row.status, row.due = "pending", self.now
        elif status is EndpointStatus.DELETED and row.status in ("pending", "held"):
            row.status, row.due = "cancelled", None

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.rows:
            return
        id = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[id]
        if row.status in FINAL:
            with pytest.raises(Conflict):
                self.do(self.world.store.cancel("demo", id, self.now))
        else:
            self.do(self.world.store.cancel("demo", id, self.now))
            row.status, row.due = "cancelled", None

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        if not self.rows:
            return
        id = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[id]
        new = self.world.ids.new("dlv")
        if row.status in ("leased", "held"):
            with pytest.raises(Conflict):
                self.do(self.world.store.retry("demo", id, new, self.now))
            return
        self.do(self.world.store.retry("demo", id, new, self.now))
        if row.status == "pending":
            row.due = self.now
        else:
            self.rows[new] = Row(row.endpoint, "pending", self.now)

    @rule()
    def crash(self) -> None:
        """The worker's lease runs out, and another worker has what it had."""
        self.lapses += 1
        store, world = self.world.store, self.world

        async def lapse() -> None:
            await store.heartbeat(self.now, self.now)
            store.worker = f"wrk_{self.lapses}"
            await store.heartbeat(self.now, self.now + 10**9)
            await store.rescue(self.now)

        self.do(lapse())
        assert world.store is store
        for row in self.rows.values():
            if row.status == "leased":
                row.status = "pending"

    # What must hold

    @invariant()
    def every_delivery_is_where_it_should_be(self) -> None:
        page = self.do(self.world.store.deliveries("demo", Slice(limit=200)))
        found = {one.id: (one.status.value, one.attempts) for one in page.data}
        assert found == {id: (row.status, row.attempts) for id, row in self.rows.items()}


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes a new store for each order."""
    numbers = count()
    if request.param == "sqlite":
        return lambda clock: sqlite_store(tmp_path / f"{next(numbers)}.db", clock)
    server: Databases = request.getfixturevalue("postgres_server")
    template: str = request.getfixturevalue("postgres_template")
    return lambda clock: postgres_store(server.url(server.new_database(template)), clock)


@pytest.mark.timeout(300)
def test_the_store_is_as_its_model(make: MakeStore) -> None:
    """Publish, claim, settle, fail, advance, pause, resume, delete, cancel, retry, crash: in any order."""
    run_state_machine_as_test(
        cast(Any, lambda: Machine(make)),
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
