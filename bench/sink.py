"""A fast receiver in a process of its own: `python -m bench.sink` says its port, then serves.

POST /timed      200, and the time is kept by the request's webhook-id
POST /hang       never answered
POST elsewhere   200
GET  /count      how many POSTs came
GET  /times      {"webhook-id": time.monotonic_ns()}; Linux shares that clock between processes
"""

import asyncio
import json
import time
from typing import cast

import httptools
import uvloop

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Tally:
    """What came: mutable, one for the process. Only a first arrival counts for the times."""

    def __init__(self) -> None:
        self.count = 0
        self.times: dict[str, int] = {}


class Connection(asyncio.Protocol):
    """One connection of a sender. httptools calls the `on_...` methods."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._id = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"webhook-id":
            self._id = value

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET":
            self._transport.write(self._told())
            return
        self._tally.count += 1
        if self._path == b"/timed":
            self._tally.times.setdefault(self._id.decode(), time.monotonic_ns())
        if self._path != b"/hang":
            self._transport.write(_OK)

    def _told(self) -> bytes:
        body = json.dumps(self._tally.times if self._path == b"/times" else self._tally.count).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def main() -> None:
    tally = Tally()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(tally), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
