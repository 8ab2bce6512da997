"""A server on SQLite, `migrate copy`, a server on PostgreSQL: nothing is lost on the way."""

import asyncio
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from hookferry.receiver import Answer, Receiver
from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import Customer, customer, running
from tests.e2e.machines import command, environment, machine, migrate, spawn
from tests.support.process import ServerProcess

FILE = "sqlite:///hookferry.db"
# Fewer than open a breaker.
COUNT = 5


async def move(folder: Path, url: str) -> None:
    code, said = await command(folder, url, "migrate", "copy", "--from", FILE)
    assert code == 0, said


async def test_what_waited_arrives_from_the_new_server(tmp_path: Path, postgres_url: str) -> None:
    """Pending retries, and what a paused endpoint held, signed with the secrets of before."""
    async with Receiver(answers=[Answer(503)]) as receiver:
        async with running(ServerProcess(tmp_path, *LOOPBACK)) as old, customer(old) as one:
            endpoint = await one.register(receiver.url + "/a")
            paused = await one.register(receiver.url + "/b")
            receiver.trust("/a", endpoint["secret"])
            receiver.trust("/b", paused["secret"])
            await one.ask("POST", f"endpoints/{paused['id']}/pause")
            published = {(await one.publish(number))["id"] for number in range(COUNT)}
            await receiver.wait_for(COUNT)
            await asyncio.to_thread(old.stop)
        await move(tmp_path, postgres_url)
        for target in ("/a", "/b"):
            receiver.answer(target, Answer())
        async with running(machine(tmp_path / "new", postgres_url)) as new, new.client() as client:
            same = Customer(client, one.id)
            await same.ask("POST", f"endpoints/{paused['id']}/resume")
            await same.final()
        arrived = Counter(
            (one.target, one.id) for one in receiver.arrivals if one.status == 200 and one.verified
        )
    assert arrived == Counter((target, id) for target in ("/a", "/b") for id in published)


async def test_keys_of_the_api_still_open_it(tmp_path: Path, postgres_url: str) -> None:
    """Clients only need the new address."""
    async with running(ServerProcess(tmp_path, *LOOPBACK)) as old, customer(old) as one:
        asked = {"tenant": one.id, "permissions": ["events:read"]}
        key = (await one.client.post("/v1/keys", json=asked)).json()["key"]
        event = await one.publish()
        await asyncio.to_thread(old.stop)
    await move(tmp_path, postgres_url)
    async with running(machine(tmp_path / "new", postgres_url)) as new, new.client(key) as client:
        assert [event["id"]] == [event["id"] for event in await Customer(client, one.id).events()]


async def test_a_killed_copy_is_begun_again(tmp_path: Path, postgres_url: str) -> None:
    """SIGKILL when all but the last table is copied: nothing of it is there, and the next one succeeds."""
    async with running(ServerProcess(tmp_path)) as old, customer(old) as one:
        await one.publish()
        await asyncio.to_thread(old.stop)
    await migrate(tmp_path, postgres_url)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
        await database.execute("select pg_advisory_lock(42)")
        await database.execute(
            "create function hold() returns trigger language plpgsql as "
            "'begin perform pg_advisory_xact_lock(42); return new; end'"
        )
        await database.execute(
            "create trigger hold before insert on tenants for each row execute function hold()"
        )
        copying = spawn(tmp_path, "migrate", "copy", "--from", FILE, **environment(postgres_url))
        await _until_it_waits(database)
        copying.kill()
        copying.communicate()
        await database.execute("drop trigger hold on tenants")
        await database.execute("select pg_advisory_unlock(42)")
        left = await (await database.execute("select count(*) from events")).fetchone()
        await move(tmp_path, postgres_url)
        there = await (await database.execute("select count(*) from events")).fetchone()
    assert (left, there) == ((0,), (1,))


async def _until_it_waits(database: "psycopg.AsyncConnection[tuple[object, ...]]") -> None:
    waits = "select 1 from pg_locks where locktype = 'advisory' and not granted"
    async with asyncio.timeout(30):
        while await (await database.execute(waits)).fetchone() is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--from", "sqlite:///gone.db"], 1, "There is no database file gone.db"),
        (["--from", "postgresql://here/x"], 2, "sqlite:///FILE"),
        (["--from", FILE, "--to", "sqlite:///other.db"], 2, "HOOKFERRY_DATABASE"),
    ],
)
async def test_mistakes(tmp_path: Path, postgres_url: str, args: list[str], code: int, words: str) -> None:
    """One line that says what is wrong."""
    ended = await command(tmp_path, postgres_url, "migrate", "copy", *args)
    assert (ended[0], words in ended[1], ended[1].count("\n")) == (code, True, 1), ended[1]


async def test_without_a_secret_key(tmp_path: Path, postgres_url: str) -> None:
    """PostgreSQL needs one, whatever the file has."""
    async with running(ServerProcess(tmp_path)):
        pass
    code, said = await command(
        tmp_path, postgres_url, "migrate", "copy", "--from", FILE, HOOKFERRY_SECRET_KEY=None
    )
    assert (code, "HOOKFERRY_SECRET_KEY" in said) == (1, True), said


async def test_it_prints_what_it_copied(tmp_path: Path, postgres_url: str) -> None:
    """Each table and how many rows, for programs too."""
    async with running(ServerProcess(tmp_path)) as old, customer(old):
        await asyncio.to_thread(old.stop)
    process = spawn(tmp_path, "migrate", "copy", "--from", FILE, **environment(postgres_url))
    out, _ = await asyncio.to_thread(process.communicate)
    assert '"table": "tenants",\n    "rows": "1"' in out
