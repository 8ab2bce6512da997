"""One HTTP/1.1 connection of the receiver."""

import asyncio
from collections import deque
from typing import Protocol, cast

import httptools

from hookferry.exchange import Headers
from hookferry.receiver.answers import Answer, wire

_LARGEST_BODY = 16 * 1024 * 1024


class Owner(Protocol):
    """What a connection needs of its receiver."""

    connections: "set[Connection]"

    def receive(self, target: str, headers: Headers, body: bytes) -> Answer:
        """Take a request and say what it is answered."""
        ...


class Connection(asyncio.Protocol):
    """Reads requests and answers them in order, pipelined ones too.

    Its mutable state: the request being read, the answers not yet due, and the timer of the first of them.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._parser = httptools.HttpRequestParser(self)
        self._answers: deque[tuple[Answer, bool]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._owner.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def abort(self) -> None:
        """Close now; what is written is on its way, answers not yet due are dropped."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(501)
        except httptools.HttpParserError:
            self._refuse(400)

    # What the parser calls

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = 0

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= _LARGEST_BODY:
            self._body.append(part)
        else:
            self._refuse(413)

    def on_message_complete(self) -> None:
        if self._transport.is_closing():
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        answer = self._owner.receive(self._target.decode("latin-1"), tuple(self._headers), body)
        self._answers.append((answer, self._parser.should_keep_alive()))
        self._proceed()

    # Answering

    def _proceed(self) -> None:
        while self._answers and self._timer is None:
            delay = self._answers[0][0].delay
            if delay:
                self._timer = asyncio.get_running_loop().call_later(delay, self._wake)
            else:
                self._write()

    def _wake(self) -> None:
        self._timer = None
        self._write()
        self._proceed()

    def _write(self) -> None:
        answer, keep_alive = self._answers.popleft()
        self._transport.write(wire(answer, keep_alive))
        if not keep_alive:
            self._end()

    def _refuse(self, status: int) -> None:
        self._transport.write(wire(Answer(status), False))
        self._end()

    def _end(self) -> None:
        self._answers.clear()
        self._transport.close()
