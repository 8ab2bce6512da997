"""One connection to a receiver: a request out, an answer in, nothing else at the same time."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import cast

import msgspec

from hookferry.delivery.answer import AnswerReader
from hookferry.delivery.failures import breaking
from hookferry.exchange import Outcome, Phases, Response


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How one exchange ended. `unanswered`: the connection went before one byte of an answer came."""

    outcome: Outcome
    phases: Phases
    response: Response | None
    detail: str | None
    unanswered: bool = False


class Connection(asyncio.Protocol):
    """An HTTP/1.1 connection, kept alive between exchanges.

    Its mutable state is the exchange under way (`_answer` is its future, None while idle; `_asked` says that
    its request was written), the times of its phases, and one alarm, which stands for the deadline of an
    exchange or for the end of idling.
    `closed` is called when `open` turns false; `gone` is done once the socket is closed as well.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        origin: str,
        body_limit: int,
        closed: Callable[["Connection"], None],
    ) -> None:
        self.origin = origin
        self.address = ""
        self.open = False
        self.gone: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._closed = closed
        self._reader = AnswerReader(body_limit)
        self._answer: asyncio.Future[Ending] | None = None
        self._began = 0.0
        self._sent: float | None = None
        self._first: float | None = None
        self._fresh = True
        self._asked = False
        self._paused = False
        self._due = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0

    def exchange(self, data: bytes, deadline: float) -> "asyncio.Future[Ending]":
        """Send a request; the future brings how it ended, by `deadline` (loop time). It never raises."""
        self._answer = answer = self._loop.create_future()
        self._reader.begin()
        self._sent = self._first = None
        self._asked = self._paused = False
        self._wake_at(deadline)
        self._began = perf_counter()
        if self._fresh:
            # A receiver may refuse at once, before it has read anything: that counts.
            self._fresh = False
            self._write(data)
        else:
            # Together with the others that are started in this turn of the loop: the first write wakes a
            # receiver that sleeps, which costs us 6 µs here, and the rest find it awake.
            self._loop.call_soon(self._write, data)
        return answer

    def _write(self, data: bytes) -> None:
        if self.open:
            self._asked = True
            self._began = perf_counter()
            self.transport.write(data)
            if not self._paused:
                self._sent = perf_counter()

    def rest(self, until: float) -> None:
        """Idle until a time (loop time), then close."""
        self._wake_at(until)

    def close(self) -> None:
        """Drop the connection at once: a close that waits for the peer would let it hold on to us."""
        if self.open:
            self._shut()
            self.transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        if self._answer is None or not self._asked:
            # Nobody asked, or not yet: surplus bytes, or a farewell such as a 408.
            self.close()
            return
        if self._first is None:
            self._first = perf_counter()
        reader = self._reader
        reader.feed(data)
        if reader.complete:
            self._finish(Outcome.RESPONSE)
        elif reader.failure is not None:
            self._finish(*reader.failure)

    def eof_received(self) -> None:
        if self._answer is not None and self._reader.end():
            self._finish(Outcome.RESPONSE)
        self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error)
        if not self.gone.done():
            self.gone.set_result(None)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._sent = perf_counter()

    # How an exchange ends.

    def _end(self, error: Exception | None) -> None:
        self._shut()
        # A receiver that says goodbye and stops reading would hold on to what it has not read.
        self.transport.abort()
        if self._answer is not None:
            self._finish(*breaking(error))

    def _shut(self) -> None:
        self.open = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._closed(self)

    def _expire(self) -> None:
        if self._first is None and self.transport.get_write_buffer_size():
            self._finish(Outcome.SEND_TIMEOUT, "The receiver did not take the request in time.")
        elif not self._reader.status:
            self._finish(Outcome.RESPONSE_TIMEOUT, "The receiver did not answer in time.")
        else:
            self._finish(Outcome.BODY_TIMEOUT, "The receiver did not end its answer in time.")

    def _finish(self, outcome: Outcome, detail: str | None = None) -> None:
        answer, self._answer = cast("asyncio.Future[Ending]", self._answer), None
        phases = self._phases(perf_counter())
        reusable = self.open and self._reader.reusable and outcome is Outcome.RESPONSE
        if not reusable or self.transport.get_write_buffer_size():
            self.close()
        if not answer.done():
            died = outcome in (Outcome.CONNECTION_CLOSED, Outcome.CONNECTION_RESET)
            answer.set_result(
                Ending(outcome, phases, self._reader.response(), detail, died and self._first is None)
            )

    def _phases(self, now: float) -> Phases:
        sent, first = self._sent, self._first
        if sent is None:
            return Phases(send=(first or now) - self._began)
        if first is None:
            return Phases(send=sent - self._began, wait=now - sent)
        return Phases(send=sent - self._began, wait=first - sent, receive=now - first)

    # The alarm. It is moved lazily: when it rings too early, it is set again. A timer that is set and
    # cancelled for each exchange takes 1.9 us of its 16.

    def _wake_at(self, when: float) -> None:
        self._due = when
        if self._alarm is None:
            self._set_alarm(when)
        elif self._alarm_at > when:
            self._alarm.cancel()
            self._set_alarm(when)

    def _set_alarm(self, when: float) -> None:
        self._alarm_at = when
        self._alarm = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._due - self._loop.time() > 0.001:
            self._set_alarm(self._due)
        elif self._answer is not None:
            self._expire()
        else:
            self.close()
