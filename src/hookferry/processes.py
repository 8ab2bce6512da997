"""`serve --processes N`: several processes that share a port and a database, and one that watches them."""

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import msgspec
import structlog

from hookferry.config import Settings
from hookferry.errors import HookferryError, StartError
from hookferry.siblings import Siblings, inboxes

_log = structlog.get_logger("hookferry.processes")

# A process that ended is started again after so many seconds, so that one that cannot live does not spin.
_AGAIN = 1.0
# So many ends in a row of processes that did not live as long as this: they cannot start.
_MOST_FAILURES = 5
_LIVED = 10.0
_STOPS = (signal.SIGTERM, signal.SIGINT)


Serve = Callable[[Settings, Siblings], int]


def serve_many(settings: Settings, serve: Serve) -> int:
    """Run `serve` in `settings.processes` processes until a signal; the exit code.

    The kernel spreads the connections over them (SO_REUSEPORT). One that dies is replaced.
    """
    with bound(settings, listen=False) as port:
        return _Family(msgspec.structs.replace(settings, port=port.getsockname()[1]), serve).run()


def bound(settings: Settings, *, listen: bool) -> socket.socket:
    """A socket at the address of the settings, which processes of one port share. Raises StartError.

    One that does not listen only holds the port.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if settings.processes > 1:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.setblocking(False)
        held.bind((settings.host, settings.port))
        if listen:
            held.listen()
    except (OSError, ValueError, TypeError) as error:
        held.close()
        raise StartError(_why_not(settings, error)) from error
    return held


def _why_not(settings: Settings, error: Exception) -> str:
    """Why nobody can listen there, and what to do about it."""
    number, reason = (error.errno, error.strerror) if isinstance(error, OSError) else (None, "it is no name")
    if number in (errno.EADDRINUSE, errno.EACCES):
        return (
            f"Port {settings.port} of {settings.host} cannot be used: {reason}. "
            "Stop what uses it, or choose another one with --port."
        )
    return f"The address {settings.host} cannot be used: {reason}. Name one of this machine with --host."


class _Child(NamedTuple):
    number: int
    began: float


class _Family:
    """Its mutable state is the children that live, how many signals came, whether any child has lived for
    long, and the worst end of one.
    """

    def __init__(self, settings: Settings, serve: Serve) -> None:
        self._settings = settings
        self._serve = serve
        self._inboxes = inboxes(settings.processes)
        self._children: dict[int, _Child] = {}
        self._signals = 0
        self._proved = False
        self._failures = 0
        self._code = 0
        # Our end closes with us, however we end: that is how children see it.
        self._theirs, self._ours = os.pipe()

    def run(self) -> int:
        for stop in _STOPS:
            signal.signal(stop, self._pass_on)
        for number in range(self._settings.processes):
            self._spawn(number)
        while self._children:
            self._reap()
        return self._code

    def _pass_on(self, number: int, frame: object) -> None:
        self._signals += 1
        if self._signals > 1:
            self._code = 128 + number
        # To a child that has not looked at the first yet, two of a kind are one.
        self._tell(number if self._signals == 1 else signal.SIGKILL)

    def _tell(self, number: int) -> None:
        for child in self._children:
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def _spawn(self, number: int) -> None:
        # A signal in between would tell all but the new one, or come to the new one as if it were the parent.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        child = os.fork()
        if not child:
            self._be_child(number)
        self._children[child] = _Child(number, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

    def _be_child(self, number: int) -> None:
        for stop in _STOPS:
            signal.signal(stop, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        os.close(self._ours)
        threading.Thread(target=_end_with, args=(self._theirs,), daemon=True).start()
        code = 1
        try:
            code = self._serve(self._settings, Siblings(self._inboxes, number))
        except HookferryError as error:
            print(f"Error: {error.message}", file=sys.stderr)
        finally:
            os._exit(code)

    def _reap(self) -> None:
        child, status = os.wait()
        ended = self._children.pop(child)
        if self._signals:
            return
        code = os.waitstatus_to_exitcode(status)
        lived = _old(ended)
        self._proved = self._proved or lived or any(map(_old, self._children.values()))
        self._failures = 0 if lived else self._failures + 1
        _log.error("a process ended", process=child, code=code)
        # One that ends by itself before any has lived for long cannot start, nor can the others.
        if (code > 0 and not self._proved) or self._failures >= _MOST_FAILURES:
            self._code = max(code, 1)
            self._signals = 1
            self._tell(signal.SIGTERM)
            return
        time.sleep(_AGAIN)
        if not self._signals:
            self._spawn(ended.number)


def _end_with(pipe: int) -> None:
    """Stop this process in order once nobody holds the other end of a pipe."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _old(child: _Child) -> bool:
    return time.monotonic() - child.began > _LIVED
