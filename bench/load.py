"""Load in a process of its own: `python -m bench.load` reads a `Plan` and prints a `Load`, both as JSON.

Without a rate it is a closed loop: each connection sends as soon as it has its answer. With one it is
an open loop: a request starts when its time has come, whatever the others do.
"""

import asyncio
import itertools
import subprocess
import sys
import time
from collections import deque
from typing import cast
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop

from bench.processes import ROOT, python
from bench.report import BenchError

# How long the last answers may take, in seconds.
_PATIENCE = 30.0


class Plan(msgspec.Struct):
    """What to send: `bodies` in turn, for `seconds` or `limit` requests, at a `rate` or in a closed loop."""

    url: str
    token: str
    bodies: list[str]
    seconds: float
    connections: int = 64
    rate: float | None = None
    limit: int | None = None


class Answer(msgspec.Struct, array_like=True):
    """One answer of an open loop: the event's id, and when it was sent and accepted (monotonic ns)."""

    id: str
    sent: int
    accepted: int


class Load(msgspec.Struct):
    """What came of it, `seconds` from first request to last answer. Only an open loop keeps `answers`."""

    requests: int = 0
    accepted: int = 0
    seconds: float = 0.0
    answers: list[Answer] = []


class Running:
    """A load that is under way."""

    def __init__(self, plan: Plan) -> None:
        self._longest = plan.seconds + 2 * _PATIENCE
        self._process = subprocess.Popen(
            python("bench.load"),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdin
        self._process.stdin.write(msgspec.json.encode(plan))
        self._process.stdin.close()
        self._process.stdin = None

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def result(self) -> Load:
        """Wait for the end. Raises BenchError for a load that failed or was refused."""
        output, errors = self._process.communicate(timeout=self._longest)
        if self._process.returncode:
            raise BenchError(f"the load failed: {errors.decode().strip().splitlines()[-1]}")
        load = msgspec.json.decode(output, type=Load)
        if load.accepted < load.requests:
            raise BenchError(f"{load.requests - load.accepted} of {load.requests} requests were refused")
        return load


def run(plan: Plan) -> Load:
    """Run a load to its end. Raises BenchError."""
    with Running(plan) as load:
        return load.result()


class Connection(asyncio.Protocol):
    """A kept connection with at most one request on its way. httptools calls the `on_...` methods."""

    def __init__(self, generator: "Generator") -> None:
        self._generator = generator
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self.sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._generator.end(error or ConnectionError("the server closed a connection"))

    def send(self, request: bytes) -> None:
        self._body = b""
        self.sent = time.monotonic_ns()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self._generator.answer(self, self._parser.get_status_code(), self._body)


class Generator:
    """Drives a plan over its connections. Mutable: what has been sent and answered, and who is idle."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._address = urlsplit(plan.url)
        self._requests = itertools.cycle([self._request(body) for body in plan.bodies])
        self._load = Load()
        self._idle: deque[Connection] = deque()
        self._open = True
        self._on_way = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> Load:
        connections = [await self._connect() for _ in range(self._plan.connections)]
        started = time.monotonic()
        if self._plan.rate is None:
            asyncio.get_running_loop().call_later(self._plan.seconds, self._stop)
            for connection in connections:
                self._send_on(connection)
        else:
            self._idle.extend(connections)
            await self._send_at(self._plan.rate)
        async with asyncio.timeout(self._plan.seconds + _PATIENCE):
            await self._over
        self._load.seconds = time.monotonic() - started
        return self._load

    def end(self, error: Exception | None = None) -> None:
        """The last answer is there, or a connection broke before it."""
        if self._over.done():
            return
        if error:
            self._over.set_exception(error)
        else:
            self._over.set_result(None)

    def answer(self, connection: Connection, status: int, body: bytes) -> None:
        """Count an answer, and go on if time is left."""
        now = time.monotonic_ns()
        self._on_way -= 1
        accepted = 200 <= status < 300
        self._load.accepted += accepted
        if self._plan.rate is not None:
            self._idle.append(connection)
            if accepted:
                self._load.answers.append(Answer(msgspec.json.decode(body)["id"], connection.sent, now))
        elif self._open:
            self._send_on(connection)
        if not self._open and not self._on_way:
            self.end()

    def _request(self, body: str) -> bytes:
        head = (
            f"POST {self._address.path} HTTP/1.1\r\nHost: {self._address.netloc}\r\n"
            f"Authorization: Bearer {self._plan.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n"
        )
        return (head + body).encode()

    async def _connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self), str(self._address.hostname), self._address.port or 80
        )
        return connection

    async def _send_at(self, rate: float) -> None:
        started = time.monotonic()
        for number in range(int(self._plan.seconds * rate)):
            await asyncio.sleep(started + number / rate - time.monotonic())
            # In turn: a connection that is left idle for seconds would be closed by the server.
            self._send_on(self._idle.popleft() if self._idle else await self._connect())
        self._stop()

    def _send_on(self, connection: Connection) -> None:
        if self._load.requests == self._plan.limit:
            self._stop()
            return
        self._load.requests += 1
        self._on_way += 1
        connection.send(next(self._requests))

    def _stop(self) -> None:
        self._open = False
        if not self._on_way:
            self.end()


async def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    load = await Generator(plan).run()
    sys.stdout.buffer.write(msgspec.json.encode(load))


if __name__ == "__main__":
    uvloop.run(main())
