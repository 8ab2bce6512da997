"""Ports of loopback for servers that are told their number, and for none at all."""

import os
import socket
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager


def _bound() -> tuple[socket.socket, int]:
    """A socket that holds a free port, and does not listen."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]


def reserved_port(owner: object) -> int:
    """A port for the servers that `owner` starts, one after the other; nobody else gets it while that lives.

    Several processes run tests and ask the system for ports all the time. On Linux a server can listen at a
    port that a socket holds without listening; elsewhere it is only free at this moment.
    """
    holder, port = _bound()
    if sys.platform == "linux":
        weakref.finalize(owner, os.close, holder.detach())
    else:
        holder.close()
    return port


@contextmanager
def closed_port() -> Iterator[int]:
    """A port where nobody listens meanwhile: connections are refused."""
    holder, port = _bound()
    with holder:
        yield port
