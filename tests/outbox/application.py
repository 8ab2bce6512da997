"""An application with an outbox, its tenant, and what stands between the relay and the server."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import copy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
from click.testing import Result

from hookferry import outbox
from tests.cli.world import run
from tests.support.process import ADMIN_KEY


class Application:
    """A database with an outbox in it, on PostgreSQL or SQLite."""

    def __init__(self, url: str) -> None:
        self.url = url
        with self.transaction() as connection:
            outbox.create_table(connection)

    def connect(self) -> Any:
        """A connection with a transaction that opens by itself."""
        if self.url.startswith("sqlite"):
            return sqlite3.connect(self.url.removeprefix("sqlite:///"))
        return psycopg.connect(self.url)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A connection; what it did is committed, or rolled back after an exception."""
        with closing(self.connect()) as connection, connection:
            yield connection

    def publish(self, tenant: str, *payloads: Any, type: str = "a.b", **fields: Any) -> list[str]:
        """Publish in one transaction; the ids of the rows."""
        with self.transaction() as connection:
            return [outbox.publish(connection, tenant, type, payload, **fields) for payload in payloads]

    def run(self, sql: str) -> list[Any]:
        """Run SQL by hand and commit; its rows."""
        with self.transaction() as connection:
            done = connection.execute(sql)
            return list(done.fetchall()) if done.description else []

    @property
    def waiting(self) -> int:
        """How many rows are in the table and not refused."""
        return int(self.run("select count(*) from hookferry_outbox where failed_at is null")[0][0])


class Tenant:
    """A tenant of a server, and its events."""

    def __init__(self, url: str, id: str) -> None:
        self.url = url
        self.id = id
        self.key = ADMIN_KEY
        self._call("POST", "/v1/tenants", {"id": id, "name": id})

    def with_key(self, *permissions: str) -> "Tenant":
        """The same tenant, whose caller may do no more than this."""
        other = copy(self)
        other.key = self._call("POST", "/v1/keys", {"tenant": self.id, "permissions": permissions})["key"]
        return other

    def relay(self, application: Application, *args: str, url: str | None = None) -> Result:
        """Relay what waits; the command's result."""
        command = ("outbox", "relay", "--once", *args)
        environ = {"HOOKFERRY_URL": url or self.url, "HOOKFERRY_KEY": self.key}
        return run(*command, HOOKFERRY_OUTBOX=application.url, **environ)

    def payloads(self) -> list[Any]:
        """The payloads of all its events, in the order in which they were published."""
        ids = [event["id"] for event in self.events()]
        return [self._call("GET", f"/v1/tenants/{self.id}/events/{id}")["payload"] for id in ids]

    def events(self) -> list[dict[str, Any]]:
        """All its events, in the order in which they were published."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self._call("GET", f"/v1/tenants/{self.id}/events?limit=100{cursor}")
            found += page["data"]
            if page["next"] is None:
                return found[::-1]
            cursor = f"&cursor={page['next']}"

    def event(self) -> dict[str, Any]:
        """Its only event, as a whole."""
        (event,) = self.events()
        return self._call("GET", f"/v1/tenants/{self.id}/events/{event['id']}")

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False, verify=False) as client:
            answer = client.request(method, path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


Answer = tuple[int, dict[str, str], bytes]


class Between:
    """Stands between a relay and the server, on a thread of its own.

    `before` may answer a request (method, path) by itself; `after` is called once the server has answered and
    before anybody hears of it.
    """

    def __init__(self, server: str) -> None:
        self.server = server
        self.before: Callable[[str, str], Answer | None] = lambda method, path: None
        self.after: Callable[[str, str], None] = lambda method, path: None
        self.requests: list[tuple[str, str]] = []
        handler = type("Handler", (_Handler,), {"between": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    def __enter__(self) -> "Between":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    between: Between

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        request = (self.command, self.path)
        self.between.requests.append(request)
        status, headers, answer = self.between.before(*request) or self._ask(body)
        self.between.after(*request)
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def _ask(self, body: bytes) -> Answer:
        kept = {
            name: self.headers[name] for name in ("authorization", "content-type") if name in self.headers
        }
        with httpx.Client(trust_env=False, verify=False) as client:
            answer = client.request(self.command, self.between.server + self.path, content=body, headers=kept)
        return answer.status_code, {"content-type": answer.headers["content-type"]}, answer.content


def file_url(path: Path) -> str:
    """The URL of an SQLite file."""
    return f"sqlite:///{path}"
