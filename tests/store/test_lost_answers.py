"""What PostgreSQL has leased to a worker that never heard of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import psycopg
import pytest

from hookferry.errors import Unavailable
from hookferry.model import DeliveryStatus
from hookferry.store.postgres import PostgresStore
from tests.store.world import World, postgres_store
from tests.support.clock import ManualClock
from tests.support.proxy import Proxy, proxied


class Behind:
    """A world whose store reaches its database by a proxy."""

    def __init__(self, proxy: Proxy, world: World, url: str) -> None:
        self.world = world
        self._proxy = proxy
        self._url = url

    async def lose(self, asked: Awaitable[object], tag: bytes = b"COMMIT\0", leases: int = 1) -> None:
        """Have something done whose answer, from the first with this tag on, does not come back."""
        self._proxy.half_open(tag)
        asking = asyncio.ensure_future(asked)
        await self._leased(leases)
        self._proxy.reset()
        self._proxy.heal()
        with pytest.raises(Unavailable):
            await asking

    async def _leased(self, leases: int) -> None:
        """Return once so many leases are committed, which nobody tells us."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as observer:
            query = "select count(*) from queue where status = 'leased'"
            async with asyncio.timeout(20):
                while await (await observer.execute(query)).fetchone() != (leases,):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    async def later(self, seconds: float) -> int:
        """How many deliveries are freed after so long a life of this worker."""
        self.world.clock.advance(seconds)
        now = self.world.clock.now()
        await self.world.store.heartbeat(now, now + 30_000)
        return await self.world.store.rescue(now)


@pytest.fixture
async def behind(postgres_url: str, clock: ManualClock) -> AsyncIterator[Behind]:
    """With a tenant `demo` that has one endpoint."""
    async with proxied(postgres_url) as proxy:
        store = postgres_store(proxy.before(postgres_url), clock)
        await store.open()
        world = World(store, clock)
        await world.add_tenant("demo")
        world.endpoint = await world.add_endpoint("demo")
        yield Behind(proxy, world, postgres_url)
        await store.close()


async def test_a_claim_that_nobody_heard_of_is_freed(behind: Behind) -> None:
    """Else its deliveries were leased for as long as their worker lives."""
    await behind.world.publish()
    await behind.lose(behind.world.claim())
    assert await behind.later(20) == 1


async def test_an_event_whose_answer_is_lost_is_delivered_all_the_same(behind: Behind) -> None:
    """It was stored, leased to the process that never got to know (FAULTS, 2)."""
    await behind.world.publish()
    await behind.lose(behind.world.publish(status=DeliveryStatus.LEASED), b"")
    assert await behind.later(20) == 1


async def test_an_event_with_a_key_too(behind: Behind) -> None:
    """Its publisher comes again, gets the first answer, and would wait for ever."""
    keyed = behind.world.ingest_of(
        behind.world.event(key="k"), status=DeliveryStatus.LEASED, fingerprint=b"f" * 32
    )
    await behind.lose(behind.world.store.ingest([keyed]))
    assert await behind.later(20) == 1


async def test_what_is_known_is_not_freed_with_it(behind: Behind) -> None:
    """It is being sent."""
    world = behind.world
    await world.publish()
    await world.claim()
    await world.publish()
    await behind.lose(world.claim(), leases=2)
    assert await behind.later(20) == 1


async def test_nothing_is_freed_before_the_database_is_sure_to_have_ended_it(behind: Behind) -> None:
    """A commit may still come of what was asked on a connection that is broken."""
    await behind.world.publish()
    await behind.lose(behind.world.claim())
    assert await behind.later(19) == 0


async def test_what_comes_about_later_is_freed_too(behind: Behind, postgres_url: str) -> None:
    """A commit may hang in the database: for its disk, for a standby, with a machine that was frozen."""
    await behind.world.publish()
    await behind.lose(behind.world.claim())
    async with await psycopg.AsyncConnection.connect(postgres_url) as late:
        leased = await (await late.execute("select worker from queue")).fetchone()
        await behind.later(20)
        await late.execute("update queue set status = 'leased', worker = %s", leased)
    assert await behind.later(40) == 1


async def test_a_stop_leaves_no_lease_that_nobody_frees(behind: Behind, postgres_url: str) -> None:
    """What a lost commit leases after the stop is found by others, for they see the worker's row."""
    await behind.world.publish()
    store, clock = behind.world.store, behind.world.clock
    async with await psycopg.AsyncConnection.connect(postgres_url) as lost:
        await lost.execute("select 1 from workers for key share")
        await lost.execute("update queue set status = 'leased', worker = %s", (f"{store.worker}.9",))
        await store.close()
    other = postgres_store(postgres_url, clock)
    await other.open()
    freed = await other.rescue(clock.now())
    await other.close()
    assert freed == 1


async def test_while_nothing_can_be_asked_nothing_is_kept_in_mind(behind: Behind) -> None:
    """However long the database is away and however many publish meanwhile."""
    world, store = behind.world, behind.world.store
    assert isinstance(store, PostgresStore)
    store._pool.terminate()
    keyed = world.ingest_of(world.event(key="k"), status=DeliveryStatus.LEASED, fingerprint=b"f" * 32)
    with pytest.raises(Unavailable):
        await store.ingest([keyed])
    assert store._leases.lost == {}


async def test_a_connection_that_nobody_uses_is_given_back(behind: Behind) -> None:
    """The pool closes those that stand idle, before somebody on the way cuts them off without a word."""
    store = behind.world.store
    assert isinstance(store, PostgresStore)
    await behind.world.publish()
    await behind.later(10)
    await behind.later(10)
    assert store._ingesting.held is None


async def test_a_connection_in_use_is_not_given_back(behind: Behind) -> None:
    """However long a commit takes: somebody else would be given it."""
    store = behind.world.store
    assert isinstance(store, PostgresStore)
    async with store._ingesting.connection() as connection:
        await behind.later(10)
        await behind.later(10)
        assert store._ingesting.held is connection
