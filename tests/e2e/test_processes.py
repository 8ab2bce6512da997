"""Several processes on one PostgreSQL database: on one port, in roles of their own, on several machines."""

import asyncio
import json
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.e2e.machines import command
from tests.support.hostile import OK, Peer, hostile
from tests.support.place import Place
from tests.support.process import ServerProcess

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="there is no /proc here")

TWO = ("--processes", "2")
MANY = 40


def children(server: ServerProcess) -> list[int]:
    """The processes that a process has started and that live."""
    assert server.process is not None
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lives(pid: int) -> bool:
    """False for one that has ended and that nobody has asked for yet, too."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def ready(server: ServerProcess) -> list[str]:
    """The addresses that processes said they are ready at."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [line["url"] for line in lines if line["event"] == "ready"]


async def all_ready(server: ServerProcess, count: int) -> None:
    async with asyncio.timeout(30):
        while len(ready(server)) < count:  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.05)


async def settled(one: Customer) -> list[str]:
    """The statuses of all deliveries once none is pending; what is cancelled is in no tail."""
    async with asyncio.timeout(20):
        while "pending" in (found := await one.statuses()):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.05)
    return found


# Roles


async def test_an_api_and_a_worker(on_postgres: Place) -> None:
    """What is published through one process is delivered by the other, signed."""
    api, worker = on_postgres.server("--role", "api"), on_postgres.server("--role", "worker")
    async with Receiver() as receiver, running(api), running(worker), customer(api) as one:
        endpoint = await one.register(receiver.url + "/hooks")
        receiver.trust("/hooks", endpoint["secret"])
        published = {(await one.publish(number))["id"] for number in range(MANY)}
        await receiver.wait_for(MANY)
    assert {arrival.id for arrival in receiver.arrivals if arrival.verified} == published


async def test_an_api_delivers_nothing(on_postgres: Place) -> None:
    """Its events wait for a worker, which finds them whenever it comes."""
    api, worker = on_postgres.server("--role", "api"), on_postgres.server("--role", "worker")
    async with Receiver() as receiver, running(api), customer(api) as one:
        await one.register(receiver.url)
        await one.publish()
        ((waiting,), came) = (await one.deliveries(), receiver.count)
        async with running(worker):
            await receiver.wait_for(1)
            delivered = await settled(one)
    assert (waiting["status"], waiting["attempts"], came, delivered) == ("pending", 0, 0, ["succeeded"])


async def test_a_worker_has_no_api(on_postgres: Place) -> None:
    """Whether it lives, is ready, and its metrics; nothing else."""
    async with running(on_postgres.server("--role", "worker")) as worker, worker.client() as client:
        paths = ["/healthz", "/readyz", "/metrics", "/v1/tenants", "/docs", "/openapi.json"]
        answers = [(await client.get(path)).status_code for path in paths]
    assert answers == [200, 200, 200, 404, 404, 404]


# Changes through one process are obeyed by the others once they are answered


async def test_a_paused_endpoint_gets_nothing_from_another_process(on_postgres: Place) -> None:
    """However soon the next event is published there (rule 6 of the queue)."""
    here, there = on_postgres.server(), on_postgres.server()
    async with (
        Receiver() as receiver,
        running(here),
        running(there),
        customer(here) as one,
        there.client() as client,
    ):
        other = Customer(client, one.id)
        for _ in range(10):
            endpoint = await one.register(receiver.url)
            await other.publish(0)
            await receiver.wait_for(receiver.count)
            await one.ask("POST", f"endpoints/{endpoint['id']}/pause")
            await other.publish("after")
            await one.ask("DELETE", f"endpoints/{endpoint['id']}")
        await settled(other)
    assert [arrival for arrival in receiver.arrivals if b"after" in arrival.body] == []


async def test_a_rotated_secret_signs_in_another_process(on_postgres: Place) -> None:
    """At once: what is published there afterwards has no signature of the old one."""
    here, there = on_postgres.server(), on_postgres.server()
    async with (
        Receiver() as receiver,
        running(here),
        running(there),
        customer(here) as one,
        there.client() as client,
    ):
        other = Customer(client, one.id)
        endpoint = await one.register(receiver.url + "/hooks")
        for number in range(1, 11):
            rotated = await one.ask("POST", f"endpoints/{endpoint['id']}/rotate", {"overlap": 0})
            receiver.trust("/hooks", rotated["secret"])
            await other.publish(number)
            await receiver.wait_for(number)
    assert [arrival.verified for arrival in receiver.arrivals] == [True] * 10


async def test_a_revoked_key_opens_no_other_process(on_postgres: Place) -> None:
    """At once."""
    here, there = on_postgres.server("--role", "api"), on_postgres.server("--role", "api")
    answers = []
    async with running(here), running(there), customer(here) as one:
        for _ in range(5):
            asked = {"tenant": one.id, "permissions": ["events:read"]}
            made = (await one.client.post("/v1/keys", json=asked)).json()
            async with there.client(made["key"]) as client:
                answers.append((await client.get(one.path("events"))).status_code)
                await one.client.delete(f"/v1/keys/{made['id']}")
                answers.append((await client.get(one.path("events"))).status_code)
    assert answers == [200, 401] * 5


# Several processes on one port


async def test_they_share_a_port(on_postgres: Place) -> None:
    """A free one too, where none is named."""
    server = on_postgres.server(*TWO, "--port", "0")
    server.spawn()
    try:
        await all_ready(server, 2)
        (url,) = set(ready(server))
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{url}/readyz")).status_code == 200
    finally:
        server.stop()


async def test_they_share_the_work(on_postgres: Place) -> None:
    """All that is published arrives, whichever process took it."""
    server = on_postgres.server(*TWO)
    async with Receiver() as receiver, running(server), customer(server) as one:
        await one.register(receiver.url)
        published = {event["id"] for event in await asyncio.gather(*[one.publish(n) for n in range(MANY)])}
        await receiver.wait_for(MANY)
        server.stop()
    assert {arrival.id for arrival in receiver.arrivals} == published


async def counts(server: ServerProcess, *names: str) -> list[float]:
    """What a scrape of the port says, over a connection of its own."""
    async with server.client() as client:
        answer = await client.get("/metrics", timeout=3)
    found = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return [float(found[f"hookferry_{name}"]) for name in names]


COUNTED = ("published_total", "delivered_total", "attempt_seconds_count", "in_flight", "processes")


async def test_each_scrape_counts_what_all_have_done(on_postgres: Place) -> None:
    """Whichever process it meets: nothing jumps back and forth."""
    server = on_postgres.server(*TWO)
    async with Receiver() as receiver, running(server), customer(server) as one:
        await all_ready(server, 2)
        await one.register(receiver.url)
        for number in range(MANY):
            async with server.client() as client:
                await Customer(client, one.id).publish(number)
        await one.final()
        scrapes = [await counts(server, *COUNTED) for _ in range(10)]
    assert scrapes == [[MANY, MANY, MANY, 0, 2]] * 10


async def test_what_is_in_the_database_is_counted_once(on_postgres: Place) -> None:
    """Not once for each process."""
    server = on_postgres.server(*TWO)
    async with Receiver() as receiver, running(server), customer(server) as one:
        await all_ready(server, 2)
        endpoint = await one.register(receiver.url)
        await one.ask("POST", f"endpoints/{endpoint['id']}/pause")
        for number in range(3):
            await one.publish(number)
        scrapes = [await counts(server, 'backlog{status="held"}') for _ in range(10)]
    assert scrapes == [[3]] * 10


async def test_a_stopped_process_is_left_out_of_the_counts(on_postgres: Place) -> None:
    """Where it was never asked before: soon, and it is said how many are in them."""
    server = on_postgres.server(*TWO)
    async with running(server):
        await all_ready(server, 2)
        os.kill(children(server)[0], signal.SIGSTOP)
        processes: list[float] = []
        # The kernel may give the connection to the one that is stopped.
        while not processes:
            with suppress(httpx.TimeoutException):
                processes = await counts(server, "processes")
        os.kill(children(server)[0], signal.SIGCONT)
        async with asyncio.timeout(20):
            while await counts(server, "processes") != [2]:
                pass
    assert processes == [1]


async def test_a_killed_process_is_replaced(on_postgres: Place) -> None:
    """What it had in hand is delivered all the same."""
    server = on_postgres.server(*TWO, "--lease", "2s")
    async with Receiver() as receiver, running(server), customer(server) as one:
        await all_ready(server, 2)
        await one.register(receiver.url)
        before = children(server)
        os.kill(before[0], signal.SIGKILL)
        await all_ready(server, 3)
        published = {(await one.publish(number))["id"] for number in range(MANY)}
        async with asyncio.timeout(20):
            while {arrival.id for arrival in receiver.arrivals} != published:
                await receiver.wait_for(receiver.count + 1)
        after = children(server)
        server.stop()
    assert (len(after), before[1] in after, before[0] in after) == (2, True, False)


async def test_sigterm_ends_them_all(on_postgres: Place) -> None:
    """In order: what is on its way has its grace, and nothing is left running."""
    told = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        await told.wait()
        await peer.send(OK)
        await peer.gone()

    server = on_postgres.server(*TWO, "--grace", "10s")
    async with hostile(slow) as receiver, running(server), customer(server) as one:
        await all_ready(server, 2)
        await one.register(receiver.url())
        await one.publish()
        await receiver.asked()
        processes = children(server)
        began = time.monotonic()
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        told.set()
        code = await stopping
    assert (code, time.monotonic() - began < 10) == (0, True)
    assert ([lives(process) for process in processes], len(receiver.requests)) == ([False] * 2, 1)


async def test_a_second_sigterm_ends_them_at_once(on_postgres: Place) -> None:
    """As it does with one process, and with its exit code."""

    async def never(peer: Peer) -> None:
        await peer.gone()

    server = on_postgres.server(*TWO, "--grace", "60s")
    async with hostile(never) as receiver, running(server), customer(server) as one:
        await all_ready(server, 2)
        await one.register(receiver.url())
        await one.publish()
        await receiver.accepted()
        processes = children(server)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while '"stopping"' not in server.log.read_text():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(server.process.wait, 10)
    assert (code, [lives(process) for process in processes]) == (128 + signal.SIGTERM, [False] * 2)


async def test_a_second_sigterm_ends_those_that_do_not_listen(on_postgres: Place) -> None:
    """Two signals of a kind are one to a process that has not looked at the first yet."""
    server = on_postgres.server(*TWO)
    async with running(server):
        await all_ready(server, 2)
        processes = children(server)
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)  # to the parent, too, two at once are one
        server.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(server.process.wait, 10)
    assert [lives(process) for process in processes] == [False] * 2


async def test_they_do_not_outlive_the_one_that_started_them(on_postgres: Place) -> None:
    """Killed, it can tell nobody: they see that it is gone, and stop in order."""
    server = on_postgres.server(*TWO)
    async with running(server):
        await all_ready(server, 2)
        processes = children(server)
        server.kill()
        async with asyncio.timeout(10):
            while any(map(lives, processes)):  # noqa: ASYNC110 - they are nobody's children now
                await asyncio.sleep(0.05)
    assert server.log.read_text().count('"stopped"') == 2


async def test_what_cannot_start_is_not_started_again(tmp_path: Path, postgres_url: str) -> None:
    """A database without its tables: exit code 1 at once, and what to do."""
    began = time.monotonic()
    code, said = await command(tmp_path, postgres_url, "serve", "--port", "0", *TWO)
    assert (code, "hookferry migrate up" in said, time.monotonic() - began < 10) == (1, True, True), said


async def test_a_port_in_use(on_postgres: Place) -> None:
    """The port, and the flag that chooses another."""
    assert on_postgres.url is not None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = await command(on_postgres.folder, on_postgres.url, "serve", "--port", port, *TWO)
    assert (ended[0], port in ended[1], "--port" in ended[1], ended[1].count("\n")) == (1, True, True, 1), (
        ended
    )
