"""A receiver on raw sockets that misbehaves by script.

A script is a coroutine that is given each connection; the first connection gets the first script, and so
on, the last one all that follow. Scripts wait for bytes or for the sender to go, never for time alone.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Script = Callable[["Peer"], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# Slow enough that a dribble of a few bytes outlasts a test's deadline, fast enough to show progress.
_BEAT = 0.02


class Peer:
    """One accepted connection, seen from the receiver. `requests` are the whole requests that it read."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, news: asyncio.Event
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._news = news
        self._ended = asyncio.Event()
        self.requests: list[bytes] = []

    async def request(self) -> bytes:
        """Read one whole request. Raises IncompleteReadError when the sender goes before that."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        self.requests.append(head + await self._reader.readexactly(length))
        self._news.set()
        return self.requests[-1]

    async def some(self) -> bytes:
        """Read whatever comes first."""
        return await self._reader.read(65536)

    async def send(self, data: bytes) -> None:
        """Write, as fast as the sender reads. Raises ConnectionError once it is gone."""
        self._writer.write(data)
        await self._writer.drain()

    async def dribble(self, data: bytes) -> None:
        """Write a byte at each beat, until the sender goes."""
        for byte in data:
            await self.send(bytes([byte]))
            with suppress(TimeoutError):
                await asyncio.wait_for(self.gone(), _BEAT)
                return

    async def flood(self, data: bytes) -> None:
        """Write the same without an end, until the sender goes."""
        while not self._reader.at_eof():
            await self.send(data)

    @property
    def address(self) -> str:
        """Where the sender calls from."""
        address: str = self._writer.get_extra_info("peername")[0]
        return address

    async def gone(self) -> None:
        """Read on until the sender ends the connection."""
        with suppress(ConnectionError):
            while await self._reader.read(65536):
                pass

    async def ended(self) -> None:
        """Wait until the script is over, which it is once the sender has gone."""
        await self._ended.wait()

    def end(self) -> None:
        """The script is over: drop the connection."""
        self._writer.transport.abort()
        self._ended.set()

    def finish(self) -> None:
        """End the own direction only (FIN)."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Break the connection (RST)."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        """End the connection in good order."""
        self._writer.close()


class Receiver:
    """What the receiver has seen. `peers` are its connections in the order of their acceptance."""

    def __init__(self, host: str, port: int, scheme: str) -> None:
        self.host = host
        self.port = port
        self.scheme = scheme
        self.peers: list[Peer] = []
        self._news = asyncio.Event()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Peer:
        """A connection has come."""
        peer = Peer(reader, writer, self._news)
        self.peers.append(peer)
        self._news.set()
        return peer

    async def accepted(self) -> None:
        """Wait for the first connection; what comes by it may be on its way still."""
        await self._until(lambda: bool(self.peers))

    async def asked(self, count: int = 1) -> None:
        """Wait until so many whole requests have been read."""
        await self._until(lambda: len(self.requests) >= count)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self._news.clear()
                await self._news.wait()

    def url(self, path: str = "/hook", host: str | None = None) -> str:
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    @property
    def requests(self) -> list[bytes]:
        return [request for peer in self.peers for request in peer.requests]


@asynccontextmanager
async def hostile(
    *scripts: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """Listen on loopback and play the scripts; at the end every connection is dropped."""
    tasks: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = scripts[min(len(receiver.peers), len(scripts) - 1)]
        peer = receiver.accept(reader, writer)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            # The sender may hang up at any point of a script: that is what most tests are about.
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await script(peer)
        finally:
            peer.end()
            tasks.discard(task)

    server = await asyncio.start_server(play, host, 0, ssl=tls, backlog=512)
    receiver = Receiver(host, server.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# Scripts


def answers(*pieces: bytes) -> Script:
    """Answer every request with these pieces, each in a write of its own, and keep the connection."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            for piece in pieces:
                await peer.send(piece)
                # Lets the piece go out alone.
                await asyncio.sleep(0)

    return script


def answers_and_closes(answer: bytes) -> Script:
    """Answer one request, then end the connection in good order."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        peer.close()
        await peer.gone()

    return script


def answers_and_resets(answer: bytes) -> Script:
    """Answer one request, wait until the answer has been read, then break the connection."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await asyncio.sleep(_BEAT)
        peer.reset()

    return script


def answers_half_open(answer: bytes) -> Script:
    """Answer one request and say no more, but keep the connection."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await peer.gone()

    return script


def dribbles(start: bytes, slow: bytes) -> Script:
    """Answer one request: the start at once, the rest byte by byte."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(start)
        await peer.dribble(slow)
        await peer.gone()

    return script


def floods(start: bytes, endless: bytes) -> Script:
    """Answer one request with a start and something without an end."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(start)
        await peer.flood(endless)

    return script


async def silent(peer: Peer) -> None:
    """Read everything and answer nothing."""
    await peer.gone()


async def deaf(peer: Peer) -> None:
    """Read nothing at all."""
    await asyncio.get_running_loop().create_future()


async def resets(peer: Peer) -> None:
    """Break the connection as soon as it is accepted."""
    peer.reset()


async def hangs_up(peer: Peer) -> None:
    """Read the request and end the connection without an answer."""
    await peer.request()
    peer.close()
    await peer.gone()


def talks_past(answer: bytes) -> Script:
    """Take whatever comes for a request: answer it and end the connection."""

    async def script(peer: Peer) -> None:
        await peer.some()
        await peer.send(answer)
        peer.close()
        await peer.gone()

    return script
