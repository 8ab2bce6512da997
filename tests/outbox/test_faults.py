"""What relays survive: their own death, others beside them, and a server or a database that is gone."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.outbox.application import Answer, Application, Between, Tenant, file_url
from tests.support.postgres import Databases, PostgresServer
from tests.support.process import ADMIN_KEY, ServerProcess

Relay = subprocess.Popen[str]


@contextmanager
def relaying(application: Application, url: str, *args: str) -> Iterator[Relay]:
    """A relay of its own, killed at the end if it still runs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOOKFERRY_")}
    environ = {"HOOKFERRY_URL": url, "HOOKFERRY_KEY": ADMIN_KEY, "HOOKFERRY_OUTBOX": application.url}
    program = [sys.executable, "-m", "hookferry", "outbox", "relay", "--poll", "20ms", *args]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env={**clean, **environ}) as started:
        try:
            yield started
        finally:
            started.kill()


def until(condition: Callable[[], bool]) -> None:
    """Return once it holds: what happens in another process has no other signal."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


def read_until(relay: Relay, text: str) -> None:
    """Read what the relay says until it says this."""
    assert relay.stderr is not None
    assert any(text in line for line in relay.stderr), "the relay has ended"


def test_killed_between_publish_and_delete(
    application: Application, tenant: Tenant, between: Between
) -> None:
    """A relay is killed after the event is stored and before its row is deleted: there is one event."""
    application.publish(tenant.id, 1, 2, 3)
    killed: list[int] = []

    def kill(method: str, path: str) -> None:
        relay.kill()
        killed.append(relay.wait())

    between.after = kill
    with relaying(application, between.url) as relay:
        until(lambda: bool(killed))
    before = (len(tenant.events()), application.waiting)
    tenant.relay(application)
    assert (before, tenant.payloads(), application.waiting) == ((3, 3), [1, 2, 3], 0)


def test_killed_before_publish(application: Application, tenant: Tenant, between: Between) -> None:
    """A relay is killed after its claim and before the server hears of it: another one takes over at once."""
    application.publish(tenant.id, 1)

    def kill(method: str, path: str) -> Answer:
        relay.kill()
        return 503, {}, b"{}"

    between.before = kill
    with relaying(application, between.url) as relay:
        relay.wait(30)
    tenant.relay(application)
    assert tenant.payloads() == [1]


def test_two_relays(application: Application, tenant: Tenant) -> None:
    """Two relays share 500 rows, which are written meanwhile: 500 events."""
    with relaying(application, tenant.url) as one, relaying(application, tenant.url) as two:
        for number in range(0, 500, 10):
            application.publish(tenant.id, *range(number, number + 10))
        until(lambda: application.waiting == 0)
        assert (one.poll(), two.poll()) == (None, None)
    assert sorted(tenant.payloads()) == list(range(500))


def test_two_relays_share_the_work(on_postgresql: Application, tenant: Tenant, between: Between) -> None:
    """While one relay waits for the server with the rows that it claimed, another takes the next."""
    on_postgresql.publish(tenant.id, "claimed")

    def meanwhile(method: str, path: str) -> None:
        on_postgresql.publish(tenant.id, "next")
        said.append(tenant.relay(on_postgresql).stderr)
        between.after = lambda method, path: None

    said: list[str] = []
    between.after = meanwhile
    said.append(tenant.relay(on_postgresql, url=between.url).stderr)
    assert (said, tenant.payloads()) == (["1 event relayed.\n"] * 2, ["claimed", "next"])


def test_the_second_relay_of_a_file_waits(on_sqlite: Application, tenant: Tenant, between: Between) -> None:
    """On SQLite one relay at a time has its turn; the other one finds nothing to do meanwhile."""
    on_sqlite.publish(tenant.id, 1)
    codes: list[int] = []
    between.after = lambda method, path: codes.append(tenant.relay(on_sqlite).exit_code)
    tenant.relay(on_sqlite, url=between.url)
    assert (codes, tenant.payloads()) == ([0], [1])


def test_the_server_goes_and_comes_back(tmp_path: Path, application: Application) -> None:
    """While the server is down rows wait; once it is back they arrive, without a restart."""
    server = ServerProcess(tmp_path)
    asyncio.run(server.start())
    tenant = Tenant(server.url, "acme")
    with relaying(application, server.url) as relay:
        application.publish(tenant.id, 1)
        until(lambda: application.waiting == 0)
        server.kill()
        application.publish(tenant.id, 2)
        read_until(relay, "Nothing is lost; trying again in")
        asyncio.run(server.start())
        until(lambda: application.waiting == 0)
    assert tenant.payloads() == [1, 2]
    server.stop()


def test_the_server_has_forgotten_the_key(tmp_path: Path, on_sqlite: Application) -> None:
    """A row that was published, not deleted, and is tried again after a day makes no second event."""
    server = ServerProcess(tmp_path)
    asyncio.run(server.start())
    tenant = Tenant(server.url, "acme")
    (id,) = on_sqlite.publish(tenant.id, 1)
    with on_sqlite.transaction() as connection:
        row = connection.execute(
            "select id, tenant, type, payload, occurred_at from hookferry_outbox"
        ).fetchone()
    tenant.relay(on_sqlite)
    server.stop()
    with closing(sqlite3.connect(tmp_path / "hookferry.db")) as database, database:
        database.execute("update idempotency set expires_at = 0")
    asyncio.run(server.start())
    with on_sqlite.transaction() as connection:
        columns = "id, tenant, type, payload, occurred_at, created_at"
        yesterday = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-24 hours')"
        connection.execute(
            f"insert into hookferry_outbox ({columns}) values (?, ?, ?, ?, ?, {yesterday})", row
        )
    tenant.relay(on_sqlite)
    assert ([event["idempotency_key"] for event in tenant.events()], on_sqlite.waiting) == ([id], 0)
    server.stop()


def test_the_database_cuts_the_relay_off(
    on_postgresql: Application, tenant: Tenant, postgres_server: Databases
) -> None:
    """A relay whose connection is cut connects again."""
    with relaying(on_postgresql, tenant.url) as relay:
        on_postgresql.publish(tenant.id, 1)
        until(lambda: on_postgresql.waiting == 0)
        postgres_server.terminate_backends(urlsplit(on_postgresql.url).path[1:])
        on_postgresql.publish(tenant.id, 2)
        until(lambda: on_postgresql.waiting == 0)
        assert relay.poll() is None
    assert tenant.payloads() == [1, 2]


def test_the_database_goes_and_comes_back(tenant: Tenant, durable_postgres: PostgresServer) -> None:
    """While its database is down the relay waits; once it is back it goes on, without a restart."""
    application = Application(durable_postgres.url(durable_postgres.new_database()))
    with relaying(application, tenant.url) as relay:
        application.publish(tenant.id, 1)
        durable_postgres.stop("immediate")
        read_until(relay, "The application's database does not answer")
        durable_postgres.start()
        application.publish(tenant.id, 2)
        until(lambda: application.waiting == 0)
    assert tenant.payloads() == [1, 2]


def test_the_database_cuts_the_relay_off_before_the_delete(
    on_postgresql: Application, tenant: Tenant, between: Between, postgres_server: Databases
) -> None:
    """A relay that loses its claim after the events were stored publishes again, and there is one event."""
    on_postgresql.publish(tenant.id, 1)

    def cut(method: str, path: str) -> None:
        if len(between.requests) == 1:
            postgres_server.terminate_backends(urlsplit(on_postgresql.url).path[1:])

    between.after = cut
    with relaying(on_postgresql, between.url):
        until(lambda: len(between.requests) == 2 and on_postgresql.waiting == 0)
    assert tenant.payloads() == [1]


def test_a_database_that_ends_idle_transactions(
    on_postgresql: Application, tenant: Tenant, between: Between
) -> None:
    """A slow server does not cost the relay its claim where idle transactions are cut off."""
    name = urlsplit(on_postgresql.url).path[1:]
    on_postgresql.run(f"alter database {name} set idle_in_transaction_session_timeout = '50ms'")
    on_postgresql.publish(tenant.id, 1)
    between.after = lambda method, path: time.sleep(0.2)
    assert tenant.relay(on_postgresql, url=between.url).exit_code == 0


def test_a_locked_file(tmp_path: Path, tenant: Tenant) -> None:
    """A transaction of the application's that takes long keeps the relay waiting and loses nothing."""
    application = Application(file_url(tmp_path / "busy.db"))
    application.publish(tenant.id, 1)
    with closing(application.connect()) as long, relaying(application, tenant.url) as relay:
        long.execute("begin exclusive")
        read_until(relay, "database is locked")
        long.rollback()
        until(lambda: application.waiting == 0)
    assert tenant.payloads() == [1]


def test_sigterm(application: Application, tenant: Tenant, between: Between) -> None:
    """SIGTERM lets the batch at hand end, says what was done, and ends with exit code 0."""
    application.publish(tenant.id, 1)

    def terminate(method: str, path: str) -> None:
        relay.send_signal(signal.SIGTERM)

    between.after = terminate
    with relaying(application, between.url) as relay:
        _, said = relay.communicate(timeout=30)
    assert (relay.returncode, said, application.waiting) == (
        0,
        "Relaying until SIGTERM.\n1 event relayed.\n",
        0,
    )


def test_sigterm_while_it_waits(application: Application, tenant: Tenant) -> None:
    """A relay that waits for a server ends at once."""
    application.publish(tenant.id, 1)
    with relaying(application, "http://127.0.0.1:1") as relay:
        read_until(relay, "trying again in")
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(10) == 0
