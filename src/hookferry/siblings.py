"""The processes of one port, who ask each other for their metrics: a scrape of the port meets any of them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from hookferry.delivery.merging import merged

# Seconds. Who does not answer by then is late, or stops or starts: what it told last is told again.
_PATIENCE = 1.0
# Behind all that is told: without it who told it has died meanwhile.
_END = b"# EOF\n"
_PIECE = 64 * 1024


class Inbox(NamedTuple):
    """Where a process is asked: what comes is a socket to answer to. It has no name, and no file."""

    ours: socket.socket
    theirs: socket.socket


def inboxes(count: int) -> list[Inbox]:
    """For so many processes that are forked off this one; each may be restarted with its own."""
    made = [Inbox(*socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)) for _ in range(count)]
    for inbox in made:
        inbox.ours.setblocking(False)
        inbox.theirs.setblocking(False)
    return made


class Siblings:
    """One process among others: `mine` is its number. Its mutable state is the answers on their way, and what
    it heard last from each other one.
    """

    def __init__(self, inboxes: Sequence[Inbox], mine: int) -> None:
        self._mine = inboxes[mine].ours
        self._others = [inbox.theirs for number, inbox in enumerate(inboxes) if number != mine]
        self._answers: set[asyncio.Task[None]] = set()
        self._heard: list[bytes | None] = [None] * len(self._others)

    @asynccontextmanager
    async def answering(self, tell: Callable[[], bytes]) -> AsyncIterator[None]:
        """Tell this process's metrics to whichever other one asks."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._mine, self._on_asked, tell)
        try:
            yield
        finally:
            loop.remove_reader(self._mine)
            for answer in self._answers:
                answer.cancel()

    def _on_asked(self, tell: Callable[[], bytes]) -> None:
        with suppress(BlockingIOError):
            _, descriptors, _, _ = socket.recv_fds(self._mine, 1, 1)
            for descriptor in descriptors:
                self._answer(socket.socket(fileno=descriptor), tell())

    def _answer(self, asker: socket.socket, metrics: bytes) -> None:
        def done(task: asyncio.Task[None]) -> None:
            self._answers.discard(task)
            asker.close()

        task = asyncio.get_running_loop().create_task(_send(asker, metrics + _END))
        self._answers.add(task)
        task.add_done_callback(done)

    async def ask(self) -> list[bytes]:
        """The metrics of each other process: what it answers in time, else what it told this one last.

        A sum that fell by all that one has counted would be taken for counters that began anew. Whether it
        has died is not known here: what replaces it answers for it.
        """
        told = await asyncio.gather(*map(_ask, self._others))
        self._heard = [old if new is None else new for new, old in zip(told, self._heard, strict=True)]
        return [metrics for metrics in self._heard if metrics is not None]

    def together(self, mine: Callable[[], Awaitable[bytes]]) -> Callable[[], Awaitable[bytes]]:
        """What `/metrics` answers for all of them."""

        async def metrics() -> bytes:
            return merged([await mine(), *await self.ask()])

        return metrics


async def _send(asker: socket.socket, answer: bytes) -> None:
    # It may have gone: it asked while this process was not there yet.
    with suppress(OSError, TimeoutError):
        asker.setblocking(False)
        async with asyncio.timeout(_PATIENCE):
            await asyncio.get_running_loop().sock_sendall(asker, answer)


async def _ask(inbox: socket.socket) -> bytes | None:
    here, there = socket.socketpair()
    told = b""
    with here, suppress(OSError, TimeoutError):
        here.setblocking(False)
        with there:
            socket.send_fds(inbox, [b"?"], [there.fileno()])
        async with asyncio.timeout(_PATIENCE):
            while piece := await asyncio.get_running_loop().sock_recv(here, _PIECE):
                told += piece
    return told.removesuffix(_END) if told.endswith(_END) else None
