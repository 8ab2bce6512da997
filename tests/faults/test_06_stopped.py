"""A worker that sleeps beyond its lease while another one lives (FAULTS, 6)."""

import asyncio
import signal
from typing import LiteralString

import psycopg

from hookferry.receiver import Receiver
from tests.faults.machines import machines, tell
from tests.support.hostile import OK, Peer, answers, hostile
from tests.support.place import Place

LEASE = ("--lease", "1s")


async def test_fault_06_a_late_write_is_refused(on_postgres: Place) -> None:
    """Its deliveries are another's by then: what it writes late is stale, and there is one success."""
    told = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.request()
        await told.wait()
        await peer.send(OK)
        await peer.gone()

    async with hostile(late, answers(OK)) as receiver, machines(on_postgres, *LEASE, workers=1) as those:
        await those.tenant.register(receiver.url())
        await those.tenant.publish()
        await receiver.asked()
        (sleeper,) = those.workers
        tell(sleeper, signal.SIGSTOP)
        other = on_postgres.server("--role", "worker", *LEASE)
        await other.start()
        (delivery,) = await those.until("succeeded")
        told.set()
        tell(sleeper, signal.SIGCONT)
        async with asyncio.timeout(20), sleeper.client() as client:
            # Another process: its metrics are all that tells.
            while "hookferry_stale_total 1.0" not in (await client.get("/metrics")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        (after,) = await those.tenant.deliveries()
        other.kill()
    assert (after, delivery["attempts"], len(receiver.requests)) == (delivery, 1, 2)


async def test_fault_06_what_waited_in_its_memory_is_not_sent(on_postgres: Place) -> None:
    """It has claimed more than it could send: when it wakes, others have sent that, and it does not."""
    told = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.request()
        await told.wait()
        await peer.send(OK)
        await answers(OK)(peer)

    flags = (*LEASE, "--endpoint-concurrency", "1")
    async with hostile(late, answers(OK)) as receiver, machines(on_postgres, *flags) as those:
        await those.tenant.register(receiver.url())
        for number in range(4):
            await those.tenant.publish(number)
        await receiver.asked()
        (sleeper,) = those.workers
        tell(sleeper, signal.SIGSTOP)
        other = on_postgres.server("--role", "worker", *LEASE)
        await other.start()
        await those.until(*["succeeded"] * 4)
        told.set()
        tell(sleeper, signal.SIGCONT)
        # What it publishes now, both may send: the sleeper is back.
        await those.tenant.publish()
        await those.until(*["succeeded"] * 5)
        other.kill()
    assert len(receiver.requests) == 1 + 4 + 1


async def test_fault_06_stopped_within_a_transaction(on_postgres: Place) -> None:
    """What it has locked holds up its own rescue, and nobody's sign of life: they keep their leases."""
    async with machines(on_postgres, *LEASE, workers=2) as those, Receiver() as receiver:
        await those.tenant.register(receiver.url)
        async with (
            await psycopg.AsyncConnection.connect(str(on_postgres.url)) as stopped,
            await psycopg.AsyncConnection.connect(str(on_postgres.url), autocommit=True) as observer,
        ):
            await observer.execute("insert into workers (id, until) values ('wrk_stopped', 1)")
            # As a publish does that waits for its commit.
            await stopped.execute("select 1 from workers where id = 'wrk_stopped' for key share")
            lapsed = 0
            for _ in range(30):
                await asyncio.sleep(0.1)  # three leases: that none lapses is the test's subject
                lapsed += await one(observer, LAPSED)
        await those.tenant.publish()
        await those.until("succeeded")
    assert lapsed == 0


# A tenth of a second is the machine's, not ours.
LAPSED = """
select count(*) from workers
where delivers and id <> 'wrk_stopped' and until < extract(epoch from clock_timestamp()) * 1000 - 100
"""


async def one(connection: psycopg.AsyncConnection, query: LiteralString) -> int:
    """A number."""
    row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return int(row[0])
