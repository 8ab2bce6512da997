"""`serve --processes N`: several processes that share a port and a database, and one that watches them."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from hookferry.config import Settings
from hookferry.errors import HookferryError

_log = structlog.get_logger("hookferry.processes")

# A process that ended is started again after so many seconds, so that one that cannot live does not spin.
_AGAIN = 1.0
# So many ends in a row of processes that did not live as long as this: they cannot start.
_MOST_FAILURES = 5
_LIVED = 10.0


def serve_many(settings: Settings, serve: Callable[[Settings], int]) -> int:
    """Run `serve` in `settings.processes` processes until a signal; the exit code.

    The kernel spreads the connections over them (SO_REUSEPORT). One that dies is replaced.
    """
    with _reserved(settings) as port:
        return _Family(msgspec.structs.replace(settings, port=port.getsockname()[1]), serve).run()


def _reserved(settings: Settings) -> socket.socket:
    """A socket that holds the port for the children and listens to nobody itself."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    holder = socket.socket(family, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind((settings.host, settings.port))
    return holder


class _Family:
    """Its mutable state is the children that live, when each began, and whether they are to end."""

    def __init__(self, settings: Settings, serve: Callable[[Settings], int]) -> None:
        self._settings = settings
        self._serve = serve
        self._children: dict[int, float] = {}
        self._stopping = False
        self._failures = 0
        self._worst = 0

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        for _ in range(self._settings.processes):
            self._spawn()
        while self._children:
            self._reap()
        return self._worst if self._failures >= _MOST_FAILURES else 0

    def _pass_on(self, number: int, frame: object) -> None:
        self._stopping = True
        self._tell(number)

    def _tell(self, number: int) -> None:
        for child in self._children:
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def _spawn(self) -> None:
        child = os.fork()
        if not child:
            self._be_child()
        self._children[child] = time.monotonic()

    def _be_child(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        code = 1
        try:
            code = self._serve(self._settings)
        except HookferryError as error:
            print(f"Error: {error.message}", file=sys.stderr)
        finally:
            os._exit(code)

    def _reap(self) -> None:
        child, status = os.wait()
        began = self._children.pop(child, 0.0)
        code = os.waitstatus_to_exitcode(status)
        if self._stopping:
            return
        self._failures = 0 if time.monotonic() - began > _LIVED else self._failures + 1
        self._worst = code if code > 0 else 1
        _log.error("a process ended", process=child, code=code)
        if self._failures >= _MOST_FAILURES:
            self._stopping = True
            self._tell(signal.SIGTERM)
            return
        time.sleep(_AGAIN)
        if not self._stopping:
            self._spawn()
