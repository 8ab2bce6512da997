"""The least that a webhook service could do: `python -m bench.forward URL PORT` says its port, then forwards.

A raw ASGI handler on the server that Hookferry uses answers 202 and sends the body on with Hookferry's
sender through its guard. It stores, matches and signs nothing: the base of the throughput's ratio.
"""

import asyncio
import gc
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import IPv4Network
from typing import Any

import uvicorn
import uvloop

from hookferry.delivery.guard import Guard
from hookferry.delivery.sender import Sender
from hookferry.exchange import Outcome, Request

Message = MutableMapping[str, Any]

# In flight at most, as many as the load has connections; then publish waits. More gained nothing.
_ROOM = 64
_HEADERS = (("content-type", "application/json"),)
_ACCEPTED: Message = {
    "type": "http.response.start",
    "status": 202,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
}


class Forward:
    """The ASGI application. Mutable: the deliveries on their way."""

    def __init__(self, sender: Sender, url: str) -> None:
        self._sender = sender
        self._url = url
        self._room = asyncio.Semaphore(_ROOM)
        self._on_way: set[asyncio.Task[None]] = set()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["method"] == "GET":
            await self._tell_backlog(send)
            return
        body = await _read(receive)
        await self._room.acquire()
        task = asyncio.create_task(self._deliver(body))
        self._on_way.add(task)
        task.add_done_callback(self._on_way.discard)
        await send(_ACCEPTED)
        await send({"type": "http.response.body", "body": b"{}"})

    async def _deliver(self, body: bytes) -> None:
        result = await self._sender.send(Request("POST", self._url, _HEADERS, (body,), 30.0))
        self._room.release()
        if result.outcome is not Outcome.RESPONSE:
            raise ConnectionError(f"{result.outcome}: {result.detail}")

    async def _tell_backlog(self, send: Callable[[Message], Awaitable[None]]) -> None:
        body = b'hookferry_backlog{state="leased"} %d\n' % len(self._on_way)
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


async def _read(receive: Callable[[], Awaitable[Message]]) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    return body


async def main(url: str, port: int) -> None:
    sender = Sender(Guard([IPv4Network("127.0.0.0/8")]))
    # As in hookferry/app.py.
    config = uvicorn.Config(
        Forward(sender, url),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    with socket.create_server(("127.0.0.1", port), backlog=config.backlog, reuse_port=True) as listener:
        print(listener.getsockname()[1], flush=True)
        gc.collect()
        gc.freeze()
        await uvicorn.Server(config).serve(sockets=[listener])
    await sender.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
