"""What the sender puts on the wire, what it brings home, and how it keeps connections."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import version
from ipaddress import ip_network

import pytest

from hookferry.delivery.connection import Connection
from hookferry.delivery.guard import Guard
from hookferry.delivery.resolver import Resolver
from hookferry.delivery.sender import Sender
from hookferry.errors import Unavailable
from hookferry.exchange import Headers, Outcome, Request
from tests.support.dns import NXDOMAIN, stub_dns
from tests.support.hostile import OK, Peer, answers, answers_and_closes, hangs_up, hostile, silent
from tests.support.requests import post


async def test_request_on_the_wire(sender: Sender) -> None:
    """The caller's headers keep their case and order; ours stand around them; the body follows."""
    async with hostile(answers(OK)) as receiver:
        headers = (("X-Second", "2"), ("x-first", "1"), ("X-Second", "again"))
        await sender.send(post(receiver.url("/a?b=c"), b'{"\xc3\xa9":1}', headers=headers))
        assert receiver.requests == [
            b"POST /a?b=c HTTP/1.1\r\n"
            b"Host: 127.0.0.1:%d\r\n"
            b"Accept-Encoding: identity\r\n"
            b"X-Second: 2\r\nx-first: 1\r\nX-Second: again\r\n"
            b"User-Agent: Hookferry/%s\r\n"
            b"Content-Length: 8\r\n\r\n"
            b'{"\xc3\xa9":1}' % (receiver.port, version("hookferry").encode())
        ]


async def test_user_agent_of_the_caller(sender: Sender) -> None:
    """A contract's own User-Agent is the only one."""
    async with hostile(answers(OK)) as receiver:
        await sender.send(post(receiver.url(), headers=(("user-agent", "OpenTrack/2"),)))
        lines = receiver.requests[0].lower().split(b"\r\n")
        assert [line for line in lines if line.startswith(b"user-agent")] == [b"user-agent: opentrack/2"]


@pytest.mark.parametrize(
    "headers",
    [
        (("X-A", "1\r\nX-B: 2"),),
        (("X-A", "1\n"),),
        (("X-A", "\x00"),),
        (("X-A", "é"),),
        (("X-A: 1\r\nX-B", "2"),),
        (("X A", "1"),),
        (("", "1"),),
        (("Host", "other"),),
        (("content-LENGTH", "0"),),
        (("Transfer-Encoding", "chunked"),),
        (("Connection", "close"),),
        (("Accept-Encoding", "gzip"),),
    ],
)
async def test_headers_that_cannot_be_sent(sender: Sender, headers: Headers) -> None:
    """A header that would break or steer the message is not sent; the attempt says so."""
    result = await sender.send(post("http://127.0.0.1:9/", headers=headers))
    assert result.outcome is Outcome.UNRENDERABLE


async def test_methods_that_cannot_be_sent(sender: Sender) -> None:
    """A method outside the known ones is not sent."""
    result = await sender.send(Request("POST / HTTP/1.1\r\n", "http://127.0.0.1:9/", (), (), 1.0))
    assert result.outcome is Outcome.UNRENDERABLE


async def test_a_large_body_arrives_unchanged(sender: Sender) -> None:
    """A body of a megabyte arrives byte for byte."""
    body = bytes(range(256)) * 4096
    async with hostile(answers(OK)) as receiver:
        await sender.send(post(receiver.url(), body))
        assert receiver.requests[0].partition(b"\r\n\r\n")[2] == body


async def test_an_answer_as_it_came(sender: Sender) -> None:
    """Status, headers in case and order, and the body's bytes come home."""
    answer = (
        b"HTTP/1.1 404 Gone away\r\nX-B: 1\r\nx-a: \xe9\r\nX-B: 2\r\nContent-Length: 5\r\n\r\n\x00\xff<b>"
    )
    async with hostile(answers(answer)) as receiver:
        result = await sender.send(post(receiver.url()))
        assert result.response is not None
        assert (result.response.status, result.response.headers, result.response.body) == (
            404,
            (("X-B", "1"), ("x-a", "é"), ("X-B", "2"), ("Content-Length", "5")),
            b"\x00\xff<b>",
        )


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nT: 1\r\n\r\n",
            b"abc",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nL: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ],
)
async def test_answers_that_keep_the_connection(sender: Sender, answer: bytes, body: bytes) -> None:
    """Two answers of any proper framing come over one connection."""
    async with hostile(answers(answer)) as receiver:
        bodies = []
        for _ in range(2):
            result = await sender.send(post(receiver.url()))
            bodies.append(result.response and result.response.body)
        assert (bodies, len(receiver.peers)) == ([body, body], 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
    ],
)
async def test_answers_that_end_the_connection(sender: Sender, answer: bytes) -> None:
    """An answer that ends with its connection counts, and the next request has a fresh one."""
    async with hostile(answers_and_closes(answer)) as receiver:
        outcomes = [(await sender.send(post(receiver.url()))).outcome for _ in range(2)]
        assert (outcomes, len(receiver.peers)) == ([Outcome.RESPONSE] * 2, 2)


async def test_phases_of_a_fresh_connection(sender: Sender) -> None:
    """Every phase that took place has a duration; together they are at most the whole."""
    async with hostile(answers(OK)) as receiver:
        result = await sender.send(post(receiver.url(host="localhost")))
        phases = result.phases
        taken = [phases.dns, phases.connect, phases.send, phases.wait, phases.receive]
        times = [time for time in taken if time is not None]
        assert (len(times), phases.tls, sum(times) <= result.duration) == (5, None, True)


async def test_phases_of_a_pooled_connection(sender: Sender) -> None:
    """A reused connection has no phases before sending, and still its address."""
    async with hostile(answers(OK)) as receiver:
        await sender.send(post(receiver.url()))
        result = await sender.send(post(receiver.url()))
        assert (result.phases.dns, result.phases.connect, result.address) == (None, None, "127.0.0.1")


async def test_requests_at_once_have_connections_of_their_own(sender: Sender) -> None:
    """A connection carries one exchange at a time."""
    async with hostile(answers(OK)) as receiver:
        await asyncio.gather(*[sender.send(post(receiver.url())) for _ in range(5)])
        assert len(receiver.peers) == 5


async def test_idle_connections_are_bounded(sender: Sender) -> None:
    """After a burst of 150 requests at once at most 128 connections stay open."""
    async with hostile(answers(OK)) as receiver:
        await asyncio.gather(*[sender.send(post(receiver.url())) for _ in range(150)])
        ends = [asyncio.create_task(peer.ended()) for peer in receiver.peers]
        done, waiting = await asyncio.wait(ends, timeout=0.2)
        for task in waiting:
            task.cancel()
        assert (len(done), len(waiting)) == (22, 128)


async def test_closing_closes_idle_connections(sender: Sender) -> None:
    """The receiver sees its connection end when the sender closes."""
    async with hostile(answers(OK)) as receiver:
        await sender.send(post(receiver.url()))
        await sender.close()
        async with asyncio.timeout(1):
            await receiver.peers[0].ended()


async def test_cancelling_drops_the_connection(sender: Sender) -> None:
    """A request that is cancelled on its way leaves no open connection."""
    async with hostile(silent) as receiver:
        task = asyncio.create_task(sender.send(post(receiver.url())))
        await receiver.accepted()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with asyncio.timeout(1):
            await receiver.peers[0].ended()


async def once(peer: Peer) -> None:
    """Answer one request; hang up on the next."""
    await peer.request()
    await peer.send(OK)
    await hangs_up(peer)


async def once_and_a_byte(peer: Peer) -> None:
    """Answer one request; begin to answer the next and hang up."""
    await peer.request()
    await peer.send(OK)
    await answers_and_closes(b"H")(peer)


async def test_fault_18_a_dead_pooled_connection_is_replaced(sender: Sender) -> None:
    """A pooled connection that dies without a byte of an answer costs one retry on a fresh one."""
    async with hostile(once, answers(OK)) as receiver:
        await sender.send(post(receiver.url()))
        result = await sender.send(post(receiver.url()))
        assert (result.outcome, len(receiver.peers)) == (Outcome.RESPONSE, 2)


async def test_fault_18_only_one_retry(sender: Sender) -> None:
    """A fresh connection that dies too is a failure."""
    async with hostile(once, hangs_up, answers(OK)) as receiver:
        await sender.send(post(receiver.url()))
        result = await sender.send(post(receiver.url()))
        assert (result.outcome, len(receiver.peers)) == (Outcome.CONNECTION_CLOSED, 2)


async def test_fault_18_no_retry_after_a_byte(sender: Sender) -> None:
    """Once a byte of an answer came, there is no retry."""
    async with hostile(once_and_a_byte, answers(OK)) as receiver:
        await sender.send(post(receiver.url()))
        result = await sender.send(post(receiver.url()))
        assert (result.outcome, len(receiver.peers)) == (Outcome.CONNECTION_CLOSED, 1)


async def test_fault_18_a_farewell_while_idle(sender: Sender) -> None:
    """An answer that nobody asked for, such as a 408, is not taken for the next one's."""

    async def farewell(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    async with hostile(farewell, answers(OK)) as receiver:
        await sender.send(post(receiver.url()))
        result = await sender.send(post(receiver.url()))
        assert result.response is not None
        assert result.response.status == 200


async def test_fault_18_an_answer_before_the_request() -> None:
    """What a used connection brings before a request was written cannot be its answer."""
    loop = asyncio.get_running_loop()
    async with hostile(answers(OK)) as receiver:
        make = partial(Connection, loop, "origin", 1024, lambda connection: None)
        _, connection = await loop.create_connection(make, "127.0.0.1", receiver.port)
        request = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
        await connection.exchange(request, loop.time() + 5)
        exchange = connection.exchange(request, loop.time() + 5)
        connection.data_received(OK)
        assert (await exchange).unanswered
        await connection.gone


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Within it nothing can be opened; what is open stays so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_fault_29_no_descriptors_to_connect(sender: Sender) -> None:
    """Without descriptors there is no attempt: Unavailable, nothing else."""
    async with hostile(answers(OK)) as receiver:
        with no_descriptors(), pytest.raises(Unavailable):
            await sender.send(post(receiver.url()))


async def test_fault_29_no_descriptors_to_look_up() -> None:
    """A look-up that fails for want of descriptors is not the receiver's failure."""
    async with stub_dns(gone=NXDOMAIN) as dns:
        sender = Sender(Guard([ip_network("127.0.0.0/8")]), Resolver([dns.address]))
        await sender.send(post("http://gone.test/"))
        with no_descriptors(), pytest.raises(Unavailable):
            await sender.send(post("http://other.test/"))
        await sender.close()


async def test_fault_29_idle_connections_give_way(sender: Sender) -> None:
    """When descriptors run out, idle connections are closed, so that the next attempt finds some."""
    async with hostile(answers(OK)) as idle, hostile(answers(OK)) as wanted:
        await asyncio.gather(*[sender.send(post(idle.url())) for _ in range(4)])
        with no_descriptors():
            with suppress(Unavailable):
                await sender.send(post(wanted.url()))
            async with asyncio.timeout(1):
                await idle.peers[0].ended()
