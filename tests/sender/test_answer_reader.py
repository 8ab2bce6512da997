"""The reader of answers, without sockets: any bytes, in any pieces."""

from hypothesis import given
from hypothesis import strategies as st

from hookferry.delivery.answer import AnswerReader
from hookferry.exchange import Response

WHOLE = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTail: x\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nX: 1\r\nX: 2\r\n\r\n",
    b"HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 3\r\n\r\n\x00\xff\n",
]


def read(pieces: list[bytes]) -> tuple[bool, bool, Response | None]:
    reader = AnswerReader(1024)
    for piece in pieces:
        reader.feed(piece)
    return reader.complete, reader.reusable, reader.response()


@given(st.sampled_from(WHOLE), st.lists(st.integers(1, 100), max_size=20))
def test_pieces_do_not_matter(answer: bytes, cuts: list[int]) -> None:
    """An answer is the same however the network cut it."""
    ends = sorted({min(cut, len(answer)) for cut in cuts} | {len(answer)})
    pieces = [answer[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    assert read(pieces) == read([answer])


@given(st.sampled_from(WHOLE), st.integers(0, 120), st.binary(max_size=60))
def test_any_bytes_are_complete_or_failed_or_wanting(answer: bytes, cut: int, tail: bytes) -> None:
    """Garbage at any point never raises, and never is both an answer and a failure."""
    reader = AnswerReader(16)
    reader.feed(answer[:cut] + tail)
    assert not (reader.complete and reader.failure)
