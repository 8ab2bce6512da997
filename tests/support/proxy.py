"""A TCP proxy that misbehaves when it is told to, between us and the database or a receiver."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on to a port of loopback. Its mutable state is what it does to them, and its connections.

    `latency` delays each piece, in seconds.
    """

    def __init__(self, port: int) -> None:
        self.latency = 0.0
        self._target = port
        self._there = asyncio.Event()
        self._back = asyncio.Event()
        self._held = asyncio.Event()
        self._at = b""
        self._left: int | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.heal()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reset()

    def before(self, url: str) -> str:
        """The URL by way of here."""
        parts = urlsplit(url)
        netloc = parts.netloc.rpartition(":")[0]
        return parts._replace(netloc=f"{netloc}:{self.port}").geturl()

    # What it does

    def black_hole(self) -> None:
        """Nothing passes, in either direction, and nobody is told. What comes meanwhile is held."""
        self._at = b""
        self._there.clear()
        self._back.clear()

    def half_open(self, at: bytes = b"") -> None:
        """What we ask arrives; no answer comes back, on a connection from the first with these bytes on."""
        self._at = at
        self._back.clear()
        self._held.clear()

    def deaf(self) -> None:
        """What we ask does not arrive; answers come back, what was held too."""
        self._there.clear()
        self._back.set()

    async def held(self) -> None:
        """Return once an answer has come that does not go on."""
        await self._held.wait()

    def truncate(self, size: int) -> None:
        """Answers end after so many bytes in all, with a reset of their connection."""
        self._left = size

    def reset(self) -> None:
        """Break every connection (RST)."""
        for writer in tuple(self._writers):
            _reset(writer)

    def heal(self) -> None:
        """Pass everything on, what was held too."""
        self.latency = 0.0
        self._left = None
        self._there.set()
        self._back.set()

    # Passing on

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._there.wait()
                upstream, down = await asyncio.open_connection("127.0.0.1", self._target)
                self._writers.add(down)
                try:
                    await self._both(reader, writer, upstream, down)
                finally:
                    self._writers.discard(down)
                    down.transport.abort()
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream: asyncio.StreamReader,
        down: asyncio.StreamWriter,
    ) -> None:
        """Until either side ends."""
        ways = [
            asyncio.create_task(self._pass(reader, down, self._there)),
            asyncio.create_task(self._return(upstream, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(self.latency)
            await gate.wait()
            writer.write(data)
            await writer.drain()

    async def _return(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(self.latency)
            if self._at in data and not self._back.is_set():
                self._held.set()
                await self._back.wait()
            if self._left is not None:
                data, cut = data[: self._left], len(data) > self._left
                self._left -= len(data)
                writer.write(data)
                await writer.drain()
                if cut:
                    _reset(writer)
                    return
            else:
                writer.write(data)
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the port that a URL names."""
    port = urlsplit(url).port
    assert port is not None
    async with Proxy(port) as proxy:
        yield proxy
