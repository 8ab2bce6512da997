"""The receiver of the run: answers by chance, verifies, and remembers who sent what."""

import asyncio
import time
from collections import Counter, defaultdict
from random import Random
from typing import NamedTuple, Self

from hookferry.contracts import builtin
from hookferry.errors import Invalid
from hookferry.exchange import Headers
from hookferry.receiver.answers import Answer
from hookferry.receiver.protocol import Connection

# Of the contract of the run (cluster.py): an answer that takes longer is none.
TIMEOUT = 3.0
_LATE = Answer(200, TIMEOUT + 1)
# One event in so many is refused by an endpoint until it has failed for good.
_DOOMED = 200


class Success(NamedTuple):
    """A request that was answered 200 in time: when, from whose address, when it arrived, and when it was
    signed (monotonic seconds; the last is rounded down to a whole second).
    """

    at: float
    sender: str
    arrived: float
    signed: float


class Recorder:
    """An asynchronous context manager; `url` is where it listens. Its mutable state is what has arrived.

    `unverified` counts requests whose signature no secret of their target makes.
    """

    def __init__(self, seed: int) -> None:
        self.requests = 0
        self.unverified = 0
        self.refused = 0
        self.late: set[tuple[str, str]] = set()
        self.successes: defaultdict[tuple[str, str], list[Success]] = defaultdict(list)
        self.by_sender: Counter[str] = Counter()
        self.calm = False
        """Take everything from now on."""
        self._random = Random(seed)
        self._secrets: defaultdict[str, list[str]] = defaultdict(list)
        self._contract = builtin("standard")
        self._lines: set[Connection] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Line(self, self._lines), "127.0.0.1", 0)
        self.url = "http://127.0.0.1:{1}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for line in tuple(self._lines):
            line.abort()
        await self._server.wait_closed()

    def trust(self, target: str, secret: str) -> None:
        """Verify what comes to a target with this secret too."""
        self._secrets[target].append(secret)

    def receive(self, sender: str, target: str, headers: Headers, body: bytes) -> Answer:
        """Record a request and say what it is answered."""
        given = dict(headers)
        self.requests += 1
        self.by_sender[sender] += 1
        try:
            self._contract.verify(
                given, body, self._secrets[target], int(time.time() * 1000), url=self.url + target
            )
        except Invalid:
            self.unverified += 1
        id = next(value for name, value in headers if name.lower() == "webhook-id")
        answer = self._answer(target, id)
        if answer is _LATE:
            # Too late, unless the sender was stopped meanwhile and reads it first when it goes on.
            self.late.add((target, id))
        elif answer.status == 200:
            now = time.monotonic()
            signed = now - (time.time() - int(given["webhook-timestamp"]))
            self.successes[target, id].append(Success(now + answer.delay, sender, now, signed))
        else:
            self.refused += 1
        return answer

    def _answer(self, target: str, id: str) -> Answer:
        if self.calm:
            return Answer()
        if _doomed(target, id):
            return Answer(500)
        chance = self._random.random()
        if chance < 0.03:
            return Answer(500)
        if chance < 0.032:
            return _LATE
        return Answer(200, self._random.uniform(0.05, 0.8) if chance < 0.1 else 0)


def _doomed(target: str, id: str) -> bool:
    """True if an endpoint never takes an event."""
    return sum(map(ord, id + target)) % _DOOMED == 0


class _Line(Connection):
    """A connection that tells its owner whose it is."""

    def __init__(self, recorder: Recorder, lines: set[Connection]) -> None:
        super().__init__(self)
        self.connections = lines
        self._recorder = recorder

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._sender: str = transport.get_extra_info("peername")[0]
        super().connection_made(transport)

    def receive(self, target: str, headers: Headers, body: bytes) -> Answer:
        return self._recorder.receive(self._sender, target, headers, body)
