"""PostgreSQL goes away, comes back, deadlocks, or is behind a bad network (FAULTS, 7 to 11)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hookferry.receiver import Answer, Receiver
from tests.e2e.customer import Customer, customer, running
from tests.faults.machines import machines
from tests.support.hostile import OK, Peer, answers, hostile
from tests.support.place import Place, make_tables
from tests.support.postgres import Databases, PostgresServer
from tests.support.proxy import Proxy, proxied

# The tag of a commit that is done, in PostgreSQL's protocol.
COMMITTED = b"COMMIT\0"
REFUSAL = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def on_disk(durable_postgres: PostgresServer, tmp_path: Path) -> Place:
    """A database of a server that tests stop and start."""
    url = durable_postgres.url(durable_postgres.new_database())
    make_tables(url)
    return Place(tmp_path, url)


async def published(one: Customer, **fields: Any) -> Any:
    """Publish until it is accepted."""
    async with asyncio.timeout(30):
        while True:
            answer = await one.client.post(one.path("events"), json={"type": "a", "payload": 1} | fields)
            if answer.is_success:
                return answer.json()
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            await asyncio.sleep(0.1)  # nothing tells when it is back


async def final(one: Customer) -> list[Any]:
    """The deliveries once all are final; unlike a tail, which ends where the database is away, it goes on."""
    async with asyncio.timeout(30):
        while True:
            found = await one.deliveries()
            if all(delivery["status"] != "pending" for delivery in found):
                return found
            await asyncio.sleep(0.05)


async def test_fault_07_a_success_is_not_lost(on_disk: Place, durable_postgres: PostgresServer) -> None:
    """The receiver answers 200 while the database is away: recorded once it is back, and not sent again."""
    told = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.request()
        await told.wait()
        await peer.send(OK)
        await answers(OK)(peer)

    async with (
        hostile(late, answers(OK)) as receiver,
        running(on_disk.server()) as server,
        customer(server) as one,
    ):
        await one.register(receiver.url())
        await one.publish()
        await receiver.asked()
        await asyncio.to_thread(durable_postgres.stop, "immediate")
        told.set()
        await refused(one)
        await asyncio.to_thread(durable_postgres.start)
        await published(one)
        found = await final(one)
    spent = [(delivery["status"], delivery["attempts"]) for delivery in found]
    assert (spent, len(receiver.requests)) == ([("succeeded", 1)] * 2, 2)


async def refused(one: Customer) -> None:
    """A publish is answered 503, with a time to come again."""
    answer = await one.client.post(one.path("events"), json={"type": "a", "payload": 1})
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "5")


async def test_fault_07_every_connection_is_cut(on_postgres: Place, postgres_server: Databases) -> None:
    """Again and again, while events are published: each that was accepted arrives, once."""
    async with Receiver() as receiver, running(on_postgres.server()) as server, customer(server) as one:
        await one.register(receiver.url)
        ids = []
        for number in range(30):
            if number % 5 == 0:
                name = str(on_postgres.url).rpartition("/")[2]
                await asyncio.to_thread(postgres_server.terminate_backends, name)
            ids.append((await published(one, idempotency_key=str(number)))["id"])
        await final(one)
    assert sorted(arrival.id for arrival in receiver.arrivals) == sorted(ids)


async def test_fault_08_down_for_long(on_disk: Place, durable_postgres: PostgresServer) -> None:
    """Longer than the workers' leases: 503 meanwhile; then both go on unaided, and no attempt was spent."""
    async with Receiver() as receiver, machines(on_disk, "--lease", "500ms") as those:
        await those.tenant.register(receiver.url)
        await asyncio.to_thread(durable_postgres.stop, "immediate")
        for _ in range(20):
            await refused(those.tenant)
            await asyncio.sleep(0.1)  # four leases: that they lapse is the test's subject
        await asyncio.to_thread(durable_postgres.start)
        await published(those.tenant)
        (delivery,) = await final(those.tenant)
        alive = [
            one.process is not None and one.process.poll() is None for one in (those.api, *those.workers)
        ]
    assert (delivery["attempts"], receiver.count, alive) == (1, 1, [True, True])


async def test_fault_09_read_only(on_postgres: Place, postgres_server: Databases) -> None:
    """As a replica is, or a server whose disk is full: 503 says so; afterwards it goes on unaided."""
    url = str(on_postgres.url)
    name = url.rpartition("/")[2]

    def set_to(value: str) -> None:
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"alter database {name} set default_transaction_read_only = {value}".encode())
        postgres_server.terminate_backends(name)

    async with Receiver() as receiver, running(on_postgres.server()) as server, customer(server) as one:
        await one.register(receiver.url)
        await asyncio.to_thread(set_to, "on")
        async with asyncio.timeout(10):
            while True:
                answer = await one.client.post(one.path("events"), json={"type": "a", "payload": 1})
                assert answer.status_code == 503
                if "read-only" in answer.text:
                    break
        await asyncio.to_thread(set_to, "off")
        await published(one)
        assert [delivery["status"] for delivery in await final(one)] == ["succeeded"]


async def test_fault_10_a_deadlock(on_postgres: Place, postgres_server: Databases) -> None:
    """Somebody locks the rows of two deliveries the other way round: their settlement is tried again."""
    told = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.request()
        await told.wait()
        await peer.send(OK)
        await peer.gone()

    url = str(on_postgres.url)
    async with hostile(late) as receiver, running(on_postgres.server()) as server, customer(server) as one:
        for path in ("/a", "/b"):
            await one.register(receiver.url(path))
        await one.publish()
        await receiver.asked(2)
        async with await psycopg.AsyncConnection.connect(url) as other, _observer(url) as observer:
            # Whoever looks first is the victim: not we.
            await other.execute("set deadlock_timeout = '60s'")
            lock = "select id from queue where id = %s for update"
            ids = sorted(delivery["id"] for delivery in await one.deliveries())
            await other.execute(lock, [ids[1]])
            told.set()
            await _blocked(observer)
            await other.execute(lock, [ids[0]])
            await other.commit()
        found = await final(one)
    spent = [(delivery["status"], delivery["attempts"]) for delivery in found]
    assert (spent, len(receiver.requests)) == ([("succeeded", 1)] * 2, 2)


@asynccontextmanager
async def _observer(url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as observer:
        yield observer


async def _blocked(observer: psycopg.AsyncConnection) -> None:
    """Return once one of the server's statements waits for a lock."""
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while await (await observer.execute(query)).fetchone() is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_fault_11_no_notifications(on_postgres: Place) -> None:
    """The way by which hints come is cut, and cannot be mended: polling finds the work, and changes."""
    url = str(on_postgres.url)
    async with Receiver() as receiver, proxied(url) as proxy:
        flags = ("--direct-database", proxy.before(url))
        async with machines(on_postgres, *flags) as those:
            proxy.black_hole()
            proxy.reset()
            await those.tenant.register(receiver.url)
            await those.tenant.publish()
            (delivery,) = await final(those.tenant)
    assert delivery["status"] == "succeeded"


# A bad network between us and the database


@asynccontextmanager
async def behind_a_proxy(place: Place) -> AsyncIterator[tuple[Proxy, Customer]]:
    """A server that reaches its database by a proxy."""
    url = str(place.url)
    async with (
        proxied(url) as proxy,
        running(place.server(url=proxy.before(url))) as server,
        customer(server) as one,
    ):
        yield proxy, one


async def test_fault_02_the_answer_of_the_commit_is_lost(on_postgres: Place) -> None:
    """The database has committed and we do not hear of it: 503, and the key gives the one event there is."""
    async with Receiver() as receiver, behind_a_proxy(on_postgres) as (proxy, one):
        await one.register(receiver.url)
        proxy.half_open(COMMITTED)
        draft = {"type": "a", "payload": 1, "idempotency_key": "k"}
        publish = asyncio.create_task(one.client.post(one.path("events"), json=draft, timeout=30))
        await stored(on_postgres, "events")
        proxy.reset()
        proxy.heal()
        lost = (await publish).status_code
        again = await published(one, idempotency_key="k")
        events = [event["id"] for event in await one.events()]
    assert (lost, events) == (503, [again["id"]])


async def test_fault_07_a_settlement_whose_answer_is_lost(on_postgres: Place) -> None:
    """It is written again, found to be there, and nothing is recorded twice."""
    told = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.request()
        await told.wait()
        await peer.send(REFUSAL)
        await answers(REFUSAL)(peer)

    async with hostile(late) as receiver, behind_a_proxy(on_postgres) as (proxy, one):
        await one.register(receiver.url())
        await one.publish()
        await receiver.asked()
        proxy.half_open(COMMITTED)
        told.set()
        await stored(on_postgres, "attempts")
        proxy.reset()
        proxy.heal()
        await published(one, type="b")
        (_, delivery) = await one.deliveries()
        attempts = await one.attempts(delivery["id"])
    assert (delivery["status"], delivery["attempts"], len(attempts)) == ("pending", 1, 1)


async def stored(place: Place, table: str) -> None:
    """Return once a row is committed, which nobody tells us."""
    async with await psycopg.AsyncConnection.connect(str(place.url), autocommit=True) as observer:
        async with asyncio.timeout(20):
            query = f"select 1 from {table} limit 1".encode()
            while await (await observer.execute(query)).fetchone() is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_slow_database(on_postgres: Place) -> None:
    """30 ms each way: slower, and nothing else."""
    async with Receiver() as receiver, behind_a_proxy(on_postgres) as (proxy, one):
        await one.register(receiver.url)
        proxy.latency = 0.03
        for number in range(5):
            await one.publish(number)
        found = await final(one)
    assert ([one["status"] for one in found], receiver.count) == (["succeeded"] * 5, 5)


async def test_answers_cut_in_the_middle(on_postgres: Place) -> None:
    """Connections break within answers of the database: 503, and it goes on afterwards."""
    async with Receiver() as receiver, behind_a_proxy(on_postgres) as (proxy, one):
        await one.register(receiver.url)
        for size in (1, 20, 200):
            proxy.truncate(size)
            await refused_or_stored(one)
            proxy.heal()
            await published(one, idempotency_key=str(size))
        found = await final(one)
        events = await one.events()
    assert {one["event"] for one in found} == {event["id"] for event in events}


async def refused_or_stored(one: Customer) -> None:
    """What a publish is answered whose connection to the database breaks somewhere."""
    answer = await one.client.post(one.path("events"), json={"type": "a", "payload": 1})
    assert answer.status_code in (202, 503)


@pytest.mark.timeout(120)
async def test_fault_08_a_black_hole(on_postgres: Place) -> None:
    """The database is silent, and its connections are not broken: 503 by a deadline, and then it goes on."""
    async with Receiver(answers=[Answer()]) as receiver, behind_a_proxy(on_postgres) as (proxy, one):
        await one.register(receiver.url)
        proxy.black_hole()
        async with asyncio.timeout(40):
            answer = await one.client.post(one.path("events"), json={"type": "a", "payload": 1}, timeout=40)
        proxy.heal()
        await published(one)
        found = await final(one)
    assert (answer.status_code, {one["status"] for one in found}) == (503, {"succeeded"})
