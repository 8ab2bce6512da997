"""Receivers that misbehave, seen from the API: every attempt has its outcome (FAULTS, 17 to 29)."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer
from tests.support.hostile import OK, Peer, Script, answers, answers_and_closes, hostile
from tests.support.process import ServerProcess

HEAD = b"HTTP/1.1 200 OK\r\n"
HTML = b"<script>alert(1)</script>\0\xff"


async def resets(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def closes(peer: Peer) -> None:
    await peer.request()
    peer.close()
    await peer.gone()


async def dribbles(peer: Peer) -> None:
    await peer.request()
    await peer.dribble(HEAD + b"X: y\r\n" * 1000)


async def dribbles_its_body(peer: Peer) -> None:
    await peer.request()
    await peer.send(HEAD + b"Content-Length: 1000\r\n\r\n")
    await peer.dribble(b"x" * 1000)


async def continues(peer: Peer) -> None:
    await peer.request()
    await peer.flood(b"HTTP/1.1 100 Continue\r\n\r\n")


async def chunks(peer: Peer) -> None:
    await peer.request()
    await peer.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    await peer.flood(b"1\r\nx\r\n" * 1000)


OUTCOMES: dict[str, tuple[Script, str]] = {
    "reset": (resets, "connection_reset"),
    "closed": (closes, "connection_closed"),
    "slow headers": (dribbles, "response_timeout"),
    "slow body": (dribbles_its_body, "body_timeout"),
    "endless 100": (continues, "headers_too_large"),
    "endless chunks": (chunks, "response"),
    "large header": (answers(HEAD + b"X: " + b"y" * 2**20 + b"\r\n\r\n"), "headers_too_large"),
    "many headers": (answers(HEAD + b"X: y\r\n" * 100_000 + b"\r\n"), "headers_too_large"),
    "HTTP/0.9": (answers_and_closes(b"hello"), "protocol_error"),
    "101": (answers(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "protocol_error"),
    "two lengths": (
        answers(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
        "protocol_error",
    ),
    "bad chunk": (answers(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "protocol_error"),
    "cut short": (answers_and_closes(HEAD + b"Content-Length: 10\r\n\r\nx"), "connection_closed"),
    "10 GB": (answers(HEAD + b"Content-Length: 10737418240\r\n\r\n" + b"x" * 65536), "response"),
    "HTML and worse": (answers(HEAD + b"Content-Length: %d\r\n\r\n" % len(HTML) + HTML), "response"),
}


@pytest.mark.parametrize(("script", "outcome"), OUTCOMES.values(), ids=OUTCOMES)
async def test_outcomes(tenant: Customer, script: Script, outcome: str) -> None:
    """The attempt is on record with the outcome, and reads as JSON."""
    async with hostile(script) as receiver:
        await tenant.register(receiver.url(), timeout=1)
        async with tenant.tail() as records:
            await tenant.publish()
            await anext(records)
    (delivery,) = await tenant.deliveries()
    assert [attempt["outcome"] for attempt in await tenant.attempts(delivery["id"])] == [outcome]


async def test_refused(tenant: Customer, closed_port: int) -> None:
    """A port where nobody listens is a refused connection."""
    await tenant.register(f"http://127.0.0.1:{closed_port}", timeout=1)
    async with tenant.tail() as records:
        await tenant.publish()
        assert (await anext(records))["outcome"] == "connect_refused"


async def test_neighbours(tenant: Customer) -> None:
    """While endpoints hang, a healthy one gets its event before any of them times out."""
    async with hostile(dribbles) as hanging, Receiver() as receiver:
        for _ in range(20):
            await tenant.register(hanging.url(), timeout=2)
        await tenant.register(receiver.url)
        async with tenant.tail() as records:
            await tenant.publish()
            assert (await anext(records))["outcome"] == "response"


@contextmanager
def no_descriptors(server: ServerProcess) -> Iterator[None]:
    """Meanwhile the server can open nothing more."""
    assert server.process is not None
    before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="there is no prlimit here")
async def test_no_descriptors(tenant: Customer, open_server: ServerProcess) -> None:
    """Without file descriptors deliveries wait, spend no attempt, and go out afterwards (FAULTS, 29)."""
    async with hostile(answers(OK)) as receiver:
        await tenant.register(receiver.url())
        with no_descriptors(open_server):
            for _ in range(5):
                await tenant.publish()
            before = len(receiver.peers)
        found = await tenant.final()
    assert (before, [(one["status"], one["attempts"]) for one in found]) == (0, [("succeeded", 1)] * 5)
