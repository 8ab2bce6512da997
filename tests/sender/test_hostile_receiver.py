"""Receivers that refuse, break off, stall and lie (FAULTS, 17 to 20): an outcome, by the deadline."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hookferry.delivery.sender import Sender
from hookferry.exchange import Outcome
from tests.support import hostile as scripts
from tests.support.hostile import OK, Script, hostile
from tests.support.requests import post

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TEN = HEAD + b"Content-Length: 10\r\n\r\n"
HUNDRED = HEAD + b"Content-Length: 100\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
# Seconds: the deadline of attempts that are meant to meet it, and what may be added to it at most.
DEADLINE = 0.2
SLACK = 0.3


def each(cases: dict[str, bytes]) -> list[object]:
    """A parameter for each case, its name (with the fault's number) the test's id."""
    return [pytest.param(answer, id=name) for name, answer in cases.items()]


@pytest.mark.parametrize(
    "answer",
    each(
        {
            "fault_17_nothing": b"",
            "fault_17_in_the_head": HEAD,
            "fault_17_in_the_body": TEN + b"half",
            "fault_17_in_a_chunk": CHUNKED + b"5\r\nab",
            "fault_17_before_the_last_chunk": CHUNKED + b"1\r\na\r\n",
            "fault_17_after_100_continue": b"HTTP/1.1 100 Continue\r\n\r\n",
        }
    ),
)
async def test_closed_before_the_answer_was_whole(sender: Sender, answer: bytes) -> None:
    """A connection that ends too early is a failure, at whatever point it ends."""
    async with hostile(scripts.answers_and_closes(answer)) as receiver:
        assert (await sender.send(post(receiver.url()))).outcome is Outcome.CONNECTION_CLOSED


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(scripts.resets, id="fault_17_after_accept"),
        pytest.param(scripts.answers_and_resets(b""), id="fault_17_after_the_request"),
        pytest.param(scripts.answers_and_resets(TEN + b"half"), id="fault_17_in_the_body"),
        pytest.param(scripts.answers_and_resets(HEAD + b"\r\nhalf"), id="fault_17_in_a_body_until_close"),
    ],
)
async def test_reset_before_the_answer_was_whole(sender: Sender, script: Script) -> None:
    """A connection that breaks is told apart from one that ends."""
    async with hostile(script) as receiver:
        assert (await sender.send(post(receiver.url()))).outcome is Outcome.CONNECTION_RESET


@pytest.mark.parametrize(
    "answer",
    each(
        {
            "fault_20_two_content_lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
            "fault_20_length_and_chunks": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0",
            "fault_20_negative_length": HEAD + b"Content-Length: -1\r\n\r\n",
            "fault_20_length_overflows": HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
            "fault_20_chunk_size_not_hexadecimal": CHUNKED + b"zz\r\n",
            "fault_20_negative_chunk_size": CHUNKED + b"-1\r\n",
            "fault_20_chunk_size_overflows": CHUNKED + b"fffffffffffffffff\r\n",
            "fault_20_chunk_longer_than_its_size": CHUNKED + b"1\r\nab\r\n",
            "fault_20_http_0_9": b"<html>hello</html>",
            "fault_20_http_0_9_by_number": b"HTTP/0.9 200 OK\r\n\r\n",
            "fault_20_http_2_by_number": b"HTTP/2.0 200 OK\r\n\r\n",
            "fault_20_status_0": b"HTTP/1.1 000 Zero\r\n\r\n",
            "fault_20_101": b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "fault_20_101_without_upgrade": b"HTTP/1.1 101 X\r\n\r\n",
            "fault_20_header_with_nul": HEAD + b"X: a\x00b\r\n\r\n",
            "fault_20_header_without_colon": HEAD + b"nonsense\r\n\r\n",
            "fault_20_bare_line_feeds": b"HTTP/1.1 200 OK\nX: 1\n\n",
        }
    ),
)
async def test_answers_that_are_not_http(sender: Sender, answer: bytes) -> None:
    """An answer that can be read in two ways, or in none, is a protocol error at once."""
    async with hostile(scripts.answers(answer)) as receiver:
        assert (await sender.send(post(receiver.url()))).outcome is Outcome.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(scripts.answers(HEAD + b"X: " + b"a" * 2**20), id="fault_20_header_line_of_1_mb"),
        pytest.param(scripts.answers(HEAD + b"X: 1\r\n" * 100_000), id="fault_20_100_000_headers"),
        pytest.param(scripts.floods(HEAD + b"X: ", b"a" * 1000), id="fault_20_endless_header_line"),
        pytest.param(scripts.floods(b"HTTP/1.1 200 ", b"a" * 1000), id="fault_20_endless_reason"),
        pytest.param(scripts.floods(b"", b"HTTP/1.1 100 C\r\n\r\n" * 9), id="fault_19_endless_100_continue"),
    ],
)
async def test_heads_that_are_too_large(sender: Sender, script: Script) -> None:
    """A head over the limit is dropped, interim answers counted."""
    async with hostile(script) as receiver:
        assert (await sender.send(post(receiver.url()))).outcome is Outcome.HEADERS_TOO_LARGE


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        pytest.param(scripts.silent, Outcome.RESPONSE_TIMEOUT, id="fault_19_silence"),
        pytest.param(scripts.dribbles(b"", OK), Outcome.RESPONSE_TIMEOUT, id="fault_19_slow_head"),
        pytest.param(
            scripts.dribbles(b"", INTERIM * 9), Outcome.RESPONSE_TIMEOUT, id="fault_19_slow_100_continue"
        ),
        pytest.param(scripts.dribbles(HUNDRED, b"a" * 100), Outcome.BODY_TIMEOUT, id="fault_19_slow_body"),
        pytest.param(
            scripts.dribbles(CHUNKED, b"1\r\na\r\n" * 9), Outcome.BODY_TIMEOUT, id="fault_19_slow_chunks"
        ),
        pytest.param(
            scripts.answers_half_open(TEN + b"half"), Outcome.BODY_TIMEOUT, id="fault_19_stalled_body"
        ),
        pytest.param(
            scripts.answers_half_open(HEAD + b"\r\n"), Outcome.BODY_TIMEOUT, id="fault_19_never_closed"
        ),
    ],
)
async def test_one_deadline_ends_them_all(sender: Sender, script: Script, outcome: Outcome) -> None:
    """However a receiver drags on, the attempt ends at its deadline, named by the phase that it met."""
    async with hostile(script) as receiver:
        result = await sender.send(post(receiver.url(), timeout=DEADLINE))
        assert (result.outcome, result.duration < DEADLINE + SLACK) == (outcome, True)


async def test_fault_19_a_receiver_that_reads_nothing(sender: Sender) -> None:
    """A request that is not taken in time is a time-out of sending."""
    async with hostile(scripts.deaf) as receiver:
        result = await sender.send(post(receiver.url(), b"x" * 2**24, timeout=DEADLINE))
        assert result.outcome is Outcome.SEND_TIMEOUT


@contextmanager
def refusing() -> Iterator[int]:
    """A port of loopback that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port whose queue is full, so that the kernel drops every SYN."""
    with socket.create_server((host, port), backlog=0) as full, socket.socket() as filler:
        filler.connect(full.getsockname())
        yield full.getsockname()[1]


async def test_fault_17_refused(sender: Sender) -> None:
    """A refused connection is told apart."""
    with refusing() as port:
        result = await sender.send(post(f"http://127.0.0.1:{port}/"))
        assert result.outcome is Outcome.CONNECT_REFUSED


async def test_fault_17_black_hole(sender: Sender) -> None:
    """A connection that is never made ends at the deadline."""
    with black_hole() as port:
        result = await sender.send(post(f"http://127.0.0.1:{port}/", timeout=DEADLINE))
        assert (result.outcome, result.duration < DEADLINE + SLACK) == (Outcome.CONNECT_TIMEOUT, True)
