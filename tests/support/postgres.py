"""PostgreSQL for tests: a throw-away server on a free port of loopback, or one that runs already.

The calls block, for some 50 ms each. A test whose event loop must go on meanwhile gives them to a thread.
"""

import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, LiteralString, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.support import unprivileged
from tests.support.ports import reserved_port
from tests.support.postgres_binaries import binaries, usable

# The first that the server knows is taken. Only in C do bytes decide the order: the others catch a query that
# leans on it.
COLLATIONS = (
    ("--locale=en_US.UTF-8",),
    ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"),
    ("--locale=C",),
)
# For tests of behaviour: it survives every crash but that of the machine, and then the test is run again.
UNSAFE = {"fsync": "off", "full_page_writes": "off"}
# Our end of its input closes when we close it or when we die, of SIGKILL too: there is one way to end.
WATCH = 'read -r _; "$1/pg_ctl" stop --silent --mode=immediate --pgdata="$2/data"; rm -rf "$2"'

StopMode = Literal["fast", "immediate"]


class Databases:
    """Databases of a server that runs. `server_url` names a role that may create them."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url

    def url(self, database: str) -> str:
        """Where a driver finds a database."""
        return urlsplit(self._server_url)._replace(path=f"/{database}").geturl()

    def new_database(self, template: str = "template1") -> str:
        """The name of a new database: empty, or a copy of one that nobody is connected to."""
        name = f"hookferry_test_{secrets.token_hex(6)}"
        self._run(
            "CREATE DATABASE {}",
            sql.SQL("{} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)),
        )
        return name

    def drop_database(self, name: str) -> None:
        """Whoever is connected to it is cut off. Fine if it is gone already."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql.Identifier(name))

    def terminate_backends(self, database: str) -> None:
        """Cut every connection to a database off; they are gone when this returns (5 s at most)."""
        self._run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}",
            sql.Literal(database),
        )

    def _run(self, statement: LiteralString, name: sql.Composable) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(name))


class PostgresServer(Databases):
    """A server of our own: on one port from start to start, without a socket file, with one role, `postgres`.

    `settings` are those of postgresql.conf; as delivered, a commit is on the disk when it is answered. The
    server and its folder end with the context, or with this process, however that ends. Raises LookupError if
    there is no PostgreSQL here, RuntimeError with what it said if it does not do as told.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        port, password = str(reserved_port(self)), secrets.token_hex(16)
        super().__init__(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres")
        found = binaries()
        self._home = Path(tempfile.mkdtemp(prefix="hookferry-postgres-"))
        unprivileged.own(self._home)
        self._binaries = usable(found, self._home)
        self._watch = unprivileged.spawn(["sh", "-c", WATCH, "watch", self._binaries, self._home], self._home)
        self._make_cluster(password)
        self._configure(
            {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **(settings or {}), "port": port}
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._watch.stdin is not None
        self._watch.stdin.close()
        self._watch.wait()

    def start(self) -> None:
        """It takes connections when this returns."""
        self._control("start", "--log", str(self._home / "log"))

    def stop(self, mode: StopMode = "fast") -> None:
        """`fast` rolls back what is open and writes all down; `immediate` is a crash."""
        self._control("stop", f"--mode={mode}")

    def restart(self, mode: StopMode = "immediate") -> None:
        """Stop and start. Every connection is lost."""
        self.stop(mode)
        self.start()

    def log(self) -> str:
        """What the server has logged."""
        return (self._home / "log").read_text()

    def _make_cluster(self, password: str) -> None:
        secret = self._home / "password"
        secret.write_text(password)
        unprivileged.own(self._home)
        common = (
            "--username=postgres",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
        )
        for collation in COLLATIONS:
            made = unprivileged.run(
                [self._binaries / "initdb", self._home / "data", *common, *collation], self._home
            )
            if made.returncode == 0:
                return
        raise RuntimeError(f"initdb: {made.stderr}")

    def _configure(self, settings: Mapping[str, str]) -> None:
        with (self._home / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def _control(self, *command: str) -> None:
        done = unprivileged.run(
            [self._binaries / "pg_ctl", "--pgdata", self._home / "data", *command], self._home
        )
        if done.returncode != 0:
            raise RuntimeError(f"pg_ctl {command[0]}: {done.stderr}{self.log()[-2000:]}")
