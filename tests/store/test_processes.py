"""Several processes on one PostgreSQL database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from hookferry.contracts.texts import builtin_text
from hookferry.errors import Conflict, Invalid
from hookferry.model import DeliveryStatus, EndpointStatus, Secret, Tenant
from hookferry.service.contracts import Contracts
from hookferry.service.publish import Draft, Publisher
from hookferry.store.postgres import PostgresStore, migrations
from hookferry.store.postgres.connection import connect_once
from hookferry.store.values import Ingest, Ingested, OutdatedError
from tests.store.world import World, postgres_store, two_processes
from tests.support.clock import ManualClock
from tests.support.services import FullEngine


class SlowEngine(FullEngine):
    """An engine that takes a second to find that it has no room."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def reserve(self, endpoint: str, size: int) -> bool:
        self._clock.advance(1)
        return super().reserve(endpoint, size)


async def publish_late(one: World, other: World, change: Callable[[], Awaitable[object]]) -> Ingested:
    """Publish in a process that plans the event before it has heard of a change of its tenant, `acme`."""
    text = builtin_text("standard")
    tenant = Tenant("acme", "Acme", text.name, one.clock.now(), contract_version=text.version)
    await one.store.add_tenant(tenant, text)
    await one.add_endpoint("acme")
    assert isinstance(other.store, PostgresStore)
    seen = other.store._watcher.seen
    await change()
    other.store._watcher.seen = seen
    contracts = Contracts(other.store, other.clock)
    publisher = Publisher(other.store, other.clock, other.ids, SlowEngine(other.clock), contracts, 1024)
    (stored,) = await publisher.publish(tenant, [Draft("order.created", msgspec.Raw(b"{}"))])
    return stored


@pytest.fixture
async def both(migrated_url: str, clock: ManualClock) -> AsyncIterator[tuple[World, World]]:
    """Two processes, and a tenant `demo` with one endpoint."""
    async with two_processes(migrated_url, clock) as worlds:
        yield worlds


async def test_processes_may_start_at_once(postgres_url: str, clock: ManualClock) -> None:
    """On a database that nobody has used yet."""
    connection = await connect_once(postgres_url)
    await migrations.migrate(connection)
    await connection.close()
    stores = [postgres_store(postgres_url, clock) for _ in range(4)]
    await asyncio.gather(*[store.open() for store in stores])
    await asyncio.gather(*[store.close() for store in stores])
    assert all(store.directory.tenants == {} for store in stores)


async def test_what_one_changes_the_other_knows_once_it_is_answered(both: tuple[World, World]) -> None:
    """Rule 6 of the queue: nothing is sent with the old secret after the rotation was answered."""
    one, other = both
    new = (Secret("whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0"),)
    await one.store.change_endpoint(
        "demo", one.endpoint.id, lambda old: msgspec.structs.replace(old, secrets=new)
    )
    assert other.store.directory.endpoint("demo", one.endpoint.id).secrets == new


async def test_a_deleted_tenant_is_gone_everywhere(both: tuple[World, World]) -> None:
    """With its endpoints, of which there may be many."""
    one, other = both
    await one.store.delete_tenant("demo", one.clock.now())
    assert other.store.directory.match("demo", "order.created", None) == []


async def test_an_event_misses_no_endpoint_that_was_there_before(both: tuple[World, World]) -> None:
    """Rule 5 of the queue: what was matched with an older configuration is not stored, but planned anew."""
    one, other = both
    planned = other.ingest_of(other.event())
    assert isinstance(other.store, PostgresStore)
    seen = other.store._watcher.seen
    await one.add_endpoint("demo")
    other.store._watcher.seen = seen
    with pytest.raises(OutdatedError):
        await other.store.ingest([planned])


async def test_an_event_that_is_planned_anew_is_of_after_the_change(both: tuple[World, World]) -> None:
    """Its time is what explains later whom it went to."""
    one, other = both
    changed_at = one.clock.now() + 1000
    stored = await publish_late(one, other, lambda: one.add_endpoint("acme"))
    event = await other.store.event("acme", stored.event)
    assert event.created_at >= changed_at


async def test_an_event_that_is_planned_anew_obeys_the_contract_of_then(both: tuple[World, World]) -> None:
    """Its tenant was moved to one that does not know its type."""
    one, other = both
    text = builtin_text("opentrack")

    def move(old: Tenant) -> Tenant:
        return msgspec.structs.replace(old, contract=text.name, contract_version=text.version)

    with pytest.raises(Invalid, match="no event type"):
        await publish_late(one, other, lambda: one.store.change_tenant("acme", move, text))


async def test_the_same_key_at_once_in_two_processes_is_one_event(both: tuple[World, World]) -> None:
    """Fifty identical publishes (FAULTS, 14), spread over two."""
    asked = [world.publish_keyed("key", b"f") for world in both for _ in range(25)]
    answers = await asyncio.gather(*asked)
    assert len({answer.event for answer in answers}) == 1


async def test_the_same_key_with_another_body_in_another_process_is_a_conflict(
    both: tuple[World, World],
) -> None:
    """FAULTS, 15."""
    one, other = both
    await one.publish_keyed("key", b"f")
    with pytest.raises(Conflict):
        await other.publish_keyed("key", b"g")


async def test_each_delivery_is_claimed_by_one(both: tuple[World, World]) -> None:
    """SKIP LOCKED shares them out."""
    one, _ = both
    for _ in range(40):
        await one.publish()
    claims = await asyncio.gather(*[world.claim(5, 5) for world in both for _ in range(8)])
    ids = [work.delivery.id for works in claims for work in works]
    assert sorted(ids) == sorted(set(ids))


async def test_a_claim_takes_a_workers_share_of_a_rate(both: tuple[World, World]) -> None:
    """Two that live have half of it each."""
    one, _ = both
    await one.set_rate(5)
    for _ in range(10):
        await one.publish()
    assert len(await one.claim()) == 3


async def test_a_dead_workers_deliveries_are_another_s(both: tuple[World, World]) -> None:
    """Once its lease is over."""
    one, other = both
    await one.publish(status=DeliveryStatus.LEASED)
    await one.store.heartbeat(one.clock.now(), one.clock.now() + 30_000)
    other.clock.advance(31)
    await other.store.heartbeat(other.clock.now(), other.clock.now() + 30_000)
    assert await other.store.rescue(other.clock.now()) == 1


async def test_a_worker_that_was_taken_for_dead_claims_nothing(both: tuple[World, World]) -> None:
    """Nobody would ever free what is leased to it, should it die before it is known again."""
    one, other = both
    await one.publish()
    other.clock.advance(31)
    await other.store.heartbeat(other.clock.now(), other.clock.now() + 30_000)
    await other.store.rescue(other.clock.now())
    assert await one.claim(5, 5) == []


async def test_a_worker_that_was_taken_for_dead_is_told(both: tuple[World, World]) -> None:
    """What it had is another's by now (FAULTS, 6)."""
    one, other = both
    told: list[bool] = []
    one.store.watch(lambda: None, lambda: told.append(True))
    other.clock.advance(31)
    await other.store.heartbeat(other.clock.now(), other.clock.now() + 30_000)
    await other.store.rescue(other.clock.now())
    await one.store.heartbeat(one.clock.now(), one.clock.now() + 30_000)
    assert told == [True]


async def test_a_worker_that_was_taken_for_dead_sends_nothing_before_it_is_told(
    both: tuple[World, World],
) -> None:
    """Until it has given back what waits in its lanes: others may be sending that."""
    one, other = both
    told: list[bool] = []
    one.store.watch(lambda: None, lambda: told.append(one.store.fresh))
    other.clock.advance(31)
    await other.store.heartbeat(other.clock.now(), other.clock.now() + 30_000)
    await other.store.rescue(other.clock.now())
    await one.store.heartbeat(one.clock.now(), one.clock.now() + 30_000)
    assert told == [False]


async def test_a_planning_anew_makes_no_lease_longer(both: tuple[World, World], migrated_url: str) -> None:
    """A worker that dies after it is missed for its own lease, not for the one that it began with."""
    one, _ = both
    await one.store.heartbeat(one.clock.now(), one.clock.now() + 3_000)
    assert isinstance(one.store, PostgresStore)
    planned, one.store._watcher.seen = one.ingest_of(one.event()), -1
    with pytest.raises(OutdatedError):
        await one.store.ingest([planned])
    connection = await connect_once(migrated_url)
    until = await connection.fetchval("select until from workers where id = $1", one.store.worker)
    await connection.close()
    assert until == one.clock.now() + 3_000


async def test_a_worker_that_was_taken_for_dead_stores_nothing_leased(both: tuple[World, World]) -> None:
    """Its ingest is planned anew: nobody would free what it leases to itself."""
    one, other = both
    other.clock.advance(31)
    await other.store.heartbeat(other.clock.now(), other.clock.now() + 30_000)
    await other.store.rescue(other.clock.now())
    planned: Ingest = one.ingest_of(one.event(), status=DeliveryStatus.LEASED)
    with pytest.raises(OutdatedError):
        await one.store.ingest([planned])


async def test_a_pause_in_one_process_holds_what_the_other_stored(both: tuple[World, World]) -> None:
    """Whoever reconciles first."""
    one, other = both
    await other.publish()
    await one.set_status(EndpointStatus.PAUSED)
    assert await other.statuses() == ["held"]


async def test_a_process_that_stands_still_within_a_transaction_loses_it(
    both: tuple[World, World],
) -> None:
    """What it has locked others wait for, three seconds at most."""
    one, other = both
    assert isinstance(one.store, PostgresStore)
    standing = await one.store._pool.acquire()
    await standing.execute("begin")
    await standing.execute("select 1 from endpoints for update")
    async with asyncio.timeout(6):
        await other.store.change_endpoint(
            "demo", one.endpoint.id, lambda old: msgspec.structs.replace(old, name="changed")
        )
    assert other.store.directory.endpoint("demo", one.endpoint.id).name == "changed"
