"""The database fails while the server runs: 503 with the reason, and it goes on once that is mended."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.e2e.machines import command, machine, migrate
from tests.e2e.test_postgres_start import PASSWORD, role
from tests.support.postgres import PostgresServer
from tests.support.process import ServerProcess

_FULL = """
create function refuse() returns trigger language plpgsql as
$$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
create trigger refuse before insert on events for each statement execute function refuse();
create trigger refuse before insert or update on facts for each statement execute function refuse()
"""


class Trouble:
    """A database with a user of its own, and what can be done to both. `url` is the user's."""

    def __init__(self, postgres: PostgresServer, name: str, url: str) -> None:
        self.url = url
        self.user = url.partition("//")[2].partition(":")[0]
        self.name = name
        self._postgres = postgres

    def run(self, *statements: str, cut: bool = False) -> None:
        """As a superuser; `cut` the connections that are open, for what holds for new ones only."""
        with psycopg.connect(self._postgres.url(self.name), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        if cut:
            self._postgres.terminate_backends(self.name)

    def stop(self) -> None:
        self._postgres.stop("immediate")

    def start(self) -> None:
        self._postgres.start()


Act = Callable[[Trouble], None]
TROUBLES: dict[str, tuple[Act, Act, str]] = {
    "gone": (Trouble.stop, Trouble.start, "cannot be reached"),
    "read-only": (
        lambda it: it.run(f"alter database {it.name} set default_transaction_read_only = on", cut=True),
        lambda it: it.run(
            "set default_transaction_read_only = off",
            f"alter database {it.name} reset default_transaction_read_only",
            cut=True,
        ),
        "read-only",
    ),
    "out of connections": (
        lambda it: it.run(f"alter role {it.user} connection limit 0", cut=True),
        lambda it: it.run(f"alter role {it.user} connection limit -1"),
        "no connection free",
    ),
    "another password": (
        lambda it: it.run(f"alter role {it.user} password 'other'", cut=True),
        lambda it: it.run(f"alter role {it.user} password '{PASSWORD}'"),
        "user or password",
    ),
    "full": (
        lambda it: it.run(_FULL),
        lambda it: it.run("drop function refuse cascade"),
        "disk is full",
    ),
}


@pytest.fixture
async def trouble(durable_postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Trouble]:
    """A database of this version that its user owns."""
    name = durable_postgres.new_database()
    with role(durable_postgres.url("postgres"), "") as url:
        it = Trouble(durable_postgres, name, url.removesuffix("/postgres") + f"/{name}")
        it.run(f"alter database {name} owner to {it.user}")
        await migrate(tmp_path, it.url)
        yield it
        durable_postgres.drop_database(name)


async def until_ready(one: Customer, status: int) -> Any:
    """What `/readyz` says once it is so: an answer holds for a second."""
    async with asyncio.timeout(30):
        while True:
            answer = await one.client.get("/readyz")
            if answer.status_code == status:
                return answer.json()
            await asyncio.sleep(0.05)


def quiet(server: ServerProcess) -> bool:
    """No bug was met, and the password is not in the log."""
    log = server.log.read_text()
    return not any(word in log for word in (PASSWORD, "internal_error", "ran into a bug"))


@pytest.mark.parametrize("kind", TROUBLES)
async def test_it_says_so_and_goes_on(tmp_path: Path, trouble: Trouble, kind: str) -> None:
    """Publish is 503 with Retry-After and the reason, so is /readyz; all that was acknowledged arrives."""
    begin, mend, words = TROUBLES[kind]
    server = machine(tmp_path / "one", trouble.url, "--log-level", "debug")
    async with Receiver() as receiver, running(server), customer(server) as one:
        await one.register(receiver.url)
        published = [(await one.publish())["id"]]
        await one.final()
        await asyncio.to_thread(begin, trouble)
        answer = await one.client.post(one.path("events"), json={"type": "a", "payload": 1}, timeout=30)
        said = await until_ready(one, 503)
        await asyncio.to_thread(mend, trouble)
        await until_ready(one, 200)
        published.append((await one.publish())["id"])
        await receiver.wait_for(2)
        arrived = [arrival.id for arrival in receiver.arrivals]
    problem = answer.json()
    assert (answer.status_code, answer.headers.get("retry-after"), problem["code"]) == (
        503,
        "5",
        "unavailable",
    )
    assert (words in problem["detail"], words in said["detail"]) == (True, True), (problem, said)
    assert (arrived, quiet(server)) == (published, True)


async def test_what_it_has_in_memory_is_read_meanwhile(tmp_path: Path, trouble: Trouble) -> None:
    """The process lives, and keys are still known."""
    server = machine(tmp_path / "one", trouble.url)
    async with running(server), customer(server) as one:
        trouble.stop()
        answers = [(await one.client.get(path)).status_code for path in ("/healthz", one.path("endpoints"))]
        trouble.start()
    assert answers == [200, 200]


@pytest.mark.parametrize("args", [("config", "show", "-o", "json"), ("doctor",), ("migrate", "status")])
async def test_commands_keep_the_password(tmp_path: Path, trouble: Trouble, args: tuple[str, ...]) -> None:
    """Whether they succeed or fail."""
    said = [await command(tmp_path, trouble.url, *args)]
    trouble.stop()
    said.append(await command(tmp_path, trouble.url, *args))
    trouble.start()
    assert PASSWORD not in str(said)
