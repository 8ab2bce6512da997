"""Answers that are odd, too much or cut short, and what is kept of them (FAULTS, 19 to 21 and 27)."""

import asyncio
import time
import tracemalloc

import pytest

from hookferry.delivery.answer import HEAD_LIMIT
from hookferry.delivery.sender import BODY_LIMIT, Sender
from hookferry.exchange import Outcome, Response
from tests.support import hostile as scripts
from tests.support.hostile import OK, Script, hostile
from tests.support.requests import post

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TEN = HEAD + b"Content-Length: 10\r\n\r\n"
ENDLESS = HEAD + b"Content-Length: 10000000000\r\n\r\n"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            scripts.floods(CHUNKED, b"400\r\n" + b"a" * 1024 + b"\r\n"), id="fault_19_endless_chunks"
        ),
        pytest.param(scripts.floods(ENDLESS, b"a" * 65536), id="fault_20_10_gb"),
        pytest.param(scripts.floods(HEAD + b"\r\n", b"a" * 1000), id="fault_20_until_close"),
        pytest.param(
            scripts.floods(HEAD + b"Content-Encoding: gzip\r\n\r\n", b"\x1f\x8b" * 500),
            id="fault_20_compressed",
        ),
        pytest.param(
            scripts.answers(HEAD + b"Content-Length: 16385\r\n\r\n" + b"a" * 16385),
            id="fault_20_one_too_many",
        ),
    ],
)
async def test_bodies_are_cut_at_the_cap(sender: Sender, script: Script) -> None:
    """A body without an end is kept up to the cap, says so, and counts as an answer."""
    async with hostile(script) as receiver:
        result = await sender.send(post(receiver.url()))
        assert result.response is not None
        assert (result.outcome, len(result.response.body), result.response.truncated) == (
            Outcome.RESPONSE,
            BODY_LIMIT,
            True,
        )


async def test_a_body_of_exactly_the_cap(sender: Sender) -> None:
    """A body that just fits is whole."""
    answer = HEAD + b"Content-Length: %d\r\n\r\n" % BODY_LIMIT + b"a" * BODY_LIMIT
    async with hostile(scripts.answers(answer)) as receiver:
        result = await sender.send(post(receiver.url()))
        assert result.response is not None
        assert (len(result.response.body), result.response.truncated) == (BODY_LIMIT, False)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(scripts.floods(CHUNKED + b"0\r\nT: ", b"a" * 1000), id="fault_19_endless_trailer"),
        pytest.param(scripts.floods(CHUNKED + b"1;", b"a" * 1000), id="fault_19_endless_chunk_extension"),
        pytest.param(
            scripts.floods(CHUNKED, b"1;" + b"x" * 998 + b"\r\na\r\n"), id="fault_19_extension_on_each_chunk"
        ),
    ],
)
async def test_endless_framing_is_cut(sender: Sender, script: Script) -> None:
    """Framing without an end is cut like a body."""
    async with hostile(script) as receiver:
        result = await sender.send(post(receiver.url()))
        assert result.response is not None
        assert (result.outcome, result.response.truncated) == (Outcome.RESPONSE, True)


async def test_a_head_of_just_the_limit(sender: Sender) -> None:
    """A head that just fits is read whole, with the body that came with it."""
    head = HEAD + b"Content-Length: 2\r\nX: "
    filler = b"a" * (HEAD_LIMIT - len(head) - 4)
    async with hostile(scripts.answers(head + filler + b"\r\n\r\nok")) as receiver:
        result = await sender.send(post(receiver.url()))
        assert result.response is not None
        assert result.response.body == b"ok"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_fault_21_redirects_are_not_followed(sender: Sender, status: int) -> None:
    """A redirect is an answer like any other, its Location recorded, nothing fetched."""
    async with hostile(scripts.answers(OK)) as other:
        location = other.url("/secret")
        answer = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        async with hostile(scripts.answers(answer)) as receiver:
            result = await sender.send(post(receiver.url()))
            assert result.response is not None
            assert (result.response.status, dict(result.response.headers)["Location"], other.peers) == (
                status,
                location,
                [],
            )


@pytest.mark.parametrize(
    "surplus", [b"x", b"\x00" * 9, OK, OK * 1000], ids=["byte", "nul", "second_answer", "many_answers"]
)
async def test_surplus_bytes_end_the_connection(sender: Sender, surplus: bytes) -> None:
    """An answer with something behind it counts; its connection is not used again."""
    async with hostile(scripts.answers(OK + surplus)) as receiver:
        results = [await sender.send(post(receiver.url())) for _ in range(2)]
        assert ([result.response for result in results], len(receiver.peers)) == (
            [Response(200, (("Content-Length", "2"),), b"ok")] * 2,
            2,
        )


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (scripts.answers_and_closes(TEN + b"half"), Outcome.CONNECTION_CLOSED),
        (scripts.answers_and_resets(TEN + b"half"), Outcome.CONNECTION_RESET),
        (scripts.answers_half_open(TEN + b"half"), Outcome.BODY_TIMEOUT),
    ],
)
async def test_a_2xx_that_is_cut_short_is_a_failure(sender: Sender, script: Script, outcome: Outcome) -> None:
    """What came of the answer is attached to the failure."""
    async with hostile(script) as receiver:
        result = await sender.send(post(receiver.url(), timeout=0.2))
        assert (result.outcome, result.response) == (
            outcome,
            Response(200, (("Content-Length", "10"),), b"half"),
        )


async def test_an_answer_byte_by_byte(sender: Sender) -> None:
    """An answer in the smallest pieces is read like one in one piece."""
    answer = b"HTTP/1.1 200 OK\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    async with hostile(scripts.answers(*[bytes([byte]) for byte in answer])) as receiver:
        result = await sender.send(post(receiver.url()))
        assert result.response == Response(200, (("X", "1"), ("Transfer-Encoding", "chunked")), b"ok")


async def test_an_answer_before_the_request_is_read(sender: Sender) -> None:
    """An early refusal counts, though the request could not be sent to its end."""

    async def refuses(peer: scripts.Peer) -> None:
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.get_running_loop().create_future()

    async with hostile(refuses) as receiver:
        result = await sender.send(post(receiver.url(), b"x" * 2**24))
        assert result.response is not None
        assert result.response.status == 413


async def test_fault_27_a_body_of_any_bytes(sender: Sender) -> None:
    """NUL, invalid UTF-8 and script come home as they are."""
    body = b"\x00\xff\xfe<script>alert(1)</script>\xc3"
    async with hostile(scripts.answers(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)) as receiver:
        result = await sender.send(post(receiver.url()))
        assert result.response is not None
        assert result.response.body == body


async def test_fault_20_a_flood_costs_little_memory(sender: Sender) -> None:
    """Twenty floods at once take less than 16 MB, sender and receiver together."""
    async with hostile(scripts.floods(ENDLESS, b"a" * 65536)) as receiver:
        tracemalloc.start()
        try:
            await asyncio.gather(*[sender.send(post(receiver.url())) for _ in range(20)])
            assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
        finally:
            tracemalloc.stop()


async def test_fault_20_a_large_head_costs_little_time(sender: Sender) -> None:
    """A header line without an end, in small pieces, is dropped within half a second of our time."""
    async with hostile(scripts.floods(HEAD + b"X: ", b"a" * 100)) as receiver:
        began = time.process_time()
        await sender.send(post(receiver.url()))
        assert time.process_time() - began < 0.5
