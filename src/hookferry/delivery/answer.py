"""Reads HTTP/1.1 answers from the bytes of a connection, within limits. No I/O.

llhttp's traps, found by trying: it has no call for the end of the file, so an answer that ends with the
connection is judged here; it reports "message complete" after a 1xx; it reads on into a second answer;
httptools joins the pieces of a header line by copying, which is quadratic, so the bytes of a head are
counted before it sees them.
"""

from httptools import HttpParserError, HttpResponseParser

from hookferry.exchange import Outcome, Response

HEAD_LIMIT = 64 * 1024
"""How many bytes may come before the body, interim answers (1xx) counted."""

# A body in chunks of one byte takes six bytes for each; more than this is framing for its own sake.
_FRAMING = 8


class _Stop(Exception):
    """Nothing more is read from this answer."""


class AnswerReader:
    """Reads one answer after another, each begun with `begin`.

    Its mutable state is the answer so far. `status` is 0 until the final head is whole. `complete` says
    that the answer counts, `reusable` that another may follow on the connection. `failure` is why it
    never will, with a sentence for people.
    """

    def __init__(self, body_limit: int) -> None:
        self._body_limit = body_limit
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Forget the last answer."""
        self.status = 0
        self.complete = False
        self.reusable = False
        self.failure: tuple[Outcome, str] | None = None
        self._truncated = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_room = self._body_limit
        self._head_room = HEAD_LIMIT
        self._framing_room = HEAD_LIMIT + _FRAMING * self._body_limit

    def feed(self, data: bytes) -> None:
        """Take what came. Afterwards look at `complete` and `failure`."""
        if self.status:
            self._feed_body(data)
        elif len(data) <= self._head_room:
            self._head_room -= len(data)
            self._parse(data)
        else:
            self._feed_large_head(data)

    def end(self) -> bool:
        """The connection ended in good order. True if that makes the answer whole."""
        return self.status != 0 and self._ends_with_connection()

    def response(self) -> Response | None:
        """The answer as far as it came, None before its head was whole."""
        if not self.status:
            return None
        headers = tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers])
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        return Response(self.status, headers, body, self._truncated)

    def _feed_large_head(self, data: bytes) -> None:
        head, rest = data[: self._head_room], data[self._head_room :]
        self._head_room = 0
        self._parse(head)
        if self.complete:
            self.reusable = False
        elif self.status:
            self._feed_body(rest)
        elif self.failure is None:
            self.failure = (Outcome.HEADERS_TOO_LARGE, f"The headers are larger than {HEAD_LIMIT} bytes.")

    def _feed_body(self, data: bytes) -> None:
        if self._framing_room <= 0:
            self._truncated = self.complete = True
            return
        self._framing_room -= len(data)
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            if self.complete:
                # Surplus bytes: the answer counts, the connection is no longer in step.
                self.reusable = False
            elif self.failure is None:
                self.failure = (Outcome.PROTOCOL_ERROR, f"The answer is not valid HTTP: {error}.")

    def _ends_with_connection(self) -> bool:
        """True for a body that only the end of the connection delimits (RFC 9112, 6.3)."""
        names = [name.lower() for name, _ in self._headers]
        if b"transfer-encoding" in names:
            codings = b",".join(
                value for name, value in self._headers if name.lower() == b"transfer-encoding"
            )
            return b"chunked" not in codings.lower()
        return b"content-length" not in names

    # What llhttp calls back.

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False
            raise _Stop

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        version = self._parser.get_http_version()
        if status < 100 or status == 101 or version not in ("1.1", "1.0"):
            self.failure = (Outcome.PROTOCOL_ERROR, f"The answer is HTTP/{version} with status {status}.")
            raise _Stop
        if status < 200:
            self._headers.clear()
        else:
            self.status = status

    def on_body(self, data: bytes) -> None:
        if len(data) > self._body_room:
            self._body.append(data[: self._body_room])
            self._truncated = self.complete = True
            raise _Stop
        self._body_room -= len(data)
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()
