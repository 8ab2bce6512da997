"""The receiver: listens, answers as told, verifies, records."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Self

import msgspec

from hookferry.clock import Clock, SystemClock
from hookferry.contracts import Contract, builtin
from hookferry.errors import Invalid, StartError
from hookferry.exchange import Headers
from hookferry.receiver.answers import Answer, script
from hookferry.receiver.protocol import Connection

_OK = (Answer(),)


class Arrival(msgspec.Struct, frozen=True):
    """A request that arrived. `at` is in milliseconds since 1970, `target` is the path with its query.

    `attempt` counts the arrivals of this id at this target. `verified` is None where no secret is known,
    else it says whether the signature holds; `problem` says why not. `status` is what was answered.
    """

    id: str
    attempt: int
    target: str
    at: int
    headers: Headers
    body: bytes
    status: int
    verified: bool | None = None
    problem: str | None = None


class Receiver:
    """An asynchronous context manager; `url` is where it listens while it is open.

    What comes to a target is answered with the script that `answer` gave it, or that its query holds,
    or else with `answers`, in turn; and verified with the secrets that `trust` gave it, or else `secrets`.
    `tell` is called with each arrival. Its mutable state: the scripts and secrets of targets, the last
    `keep` arrivals, how many came in all, who waits for how many, and the open connections.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        answers: Sequence[Answer] = _OK,
        secrets: Sequence[str] = (),
        contract: Contract | None = None,
        tell: Callable[[Arrival], None] = lambda arrival: None,
        keep: int = 1000,
        clock: Clock | None = None,
    ) -> None:
        self.arrivals: deque[Arrival] = deque()
        self.count = 0
        self.connections: set[Connection] = set()
        self._host = host
        self._port = port
        self._answers = answers
        self._secrets: dict[str, Sequence[str]] = {}
        self._other_secrets = secrets
        self._contract = contract or builtin("standard")
        self._tell = tell
        self._keep = keep
        self._clock = clock or SystemClock()
        self._scripts: dict[str, deque[Answer]] = {}
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Connection(self), self._host, self._port)
        except OSError as error:
            raise StartError(
                f"the receiver cannot listen on {self._host}:{self._port} ({error.strerror or error});"
                " end what uses it, or choose another port"
            ) from None
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def answer(self, target: str, *answers: Answer) -> None:
        """Answer what comes to a target with these in turn; the last one repeats."""
        self._scripts[target] = deque(answers)

    def trust(self, target: str, *secrets: str) -> None:
        """Verify what comes to a target with these secrets."""
        self._secrets[target] = secrets

    async def wait_for(self, count: int, timeout: float | None = 10.0) -> list[Arrival]:
        """The arrivals kept, once `count` came since the start. TimeoutError after `timeout` seconds."""
        if self.count < count:
            enough = asyncio.get_running_loop().create_future()
            self._waiting.append((count, enough))
            try:
                await asyncio.wait_for(enough, timeout)
            except TimeoutError:
                raise TimeoutError(f"{self.count} of {count} requests came in {timeout} s") from None
        return list(self.arrivals)

    def receive(self, target: str, headers: Headers, body: bytes) -> Answer:
        """Record a request and say what it is answered."""
        at = self._clock.now()
        answer = self._next_answer(target)
        id = next((value for name, value in headers if name.lower() == "webhook-id"), "")
        self._attempts[target, id] += 1
        attempt = self._attempts[target, id]
        verified, problem = self._verify(target, headers, body, at)
        self._record(Arrival(id, attempt, target, at, headers, body, answer.status, verified, problem))
        return answer

    def _next_answer(self, target: str) -> Answer:
        answers = self._scripts.get(target)
        if answers is None:
            try:
                answers = deque(script(target) or self._answers)
            except ValueError as error:
                return Answer(400, body=f"the query's script cannot be read: {error}\n".encode())
            if len(answers) > 1:
                self._scripts[target] = answers
        return answers.popleft() if len(answers) > 1 else answers[0]

    def _verify(self, target: str, headers: Headers, body: bytes, at: int) -> tuple[bool | None, str | None]:
        secrets = self._secrets.get(target, self._other_secrets)
        if not secrets:
            return None, None
        try:
            self._contract.verify(dict(headers), body, secrets, at, url=self.url + target)
        except Invalid as error:
            return False, error.message
        return True, None

    def _record(self, arrival: Arrival) -> None:
        self.count += 1
        self.arrivals.append(arrival)
        if len(self.arrivals) > self._keep:
            self._forget(self.arrivals.popleft())
        self._tell(arrival)
        for count, enough in self._waiting:
            if count <= self.count and not enough.done():
                enough.set_result(None)
        if self._waiting:
            self._waiting = [waiting for waiting in self._waiting if not waiting[1].done()]

    def _forget(self, arrival: Arrival) -> None:
        # An id that still comes counts on; one whose last arrival goes is forgotten with it.
        key = (arrival.target, arrival.id)
        if self._attempts[key] == arrival.attempt:
            del self._attempts[key]
