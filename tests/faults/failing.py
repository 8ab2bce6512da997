"""`hookferry` that kills itself with SIGKILL at a durable boundary: `python failing.py POINT serve ...`.

It wraps what the product calls there. The product has no failpoints, so that none can be left on.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from hookferry.cli.main import main
from hookferry.delivery.sender import Sender
from hookferry.store import queue
from hookferry.store.postgres import PostgresStore
from hookferry.store.shared import SharedStore
from hookferry.store.sqlite import SqliteStore

STORES: tuple[Any, ...] = (SqliteStore, PostgresStore)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(owner: Any, name: str, fatal: Callable[[Any], bool] = lambda result: True) -> None:
    """Die when a coroutine has given its result."""
    whole = getattr(owner, name)

    async def failing(*args: Any, **kwargs: Any) -> Any:
        result = await whole(*args, **kwargs)
        if fatal(result):
            die()
        return result

    setattr(owner, name, failing)


def written() -> None:
    """A publish is in the transaction, which is not committed."""
    after(queue, "ingest")


def committed() -> None:
    """A publish is committed, and nobody knows."""
    for store in STORES:
        whole = store.ingest

        def failing(self: Any, *args: Any, whole: Any = whole) -> "asyncio.Future[Any]":
            future: asyncio.Future[Any] = whole(self, *args)
            future.add_done_callback(lambda done: None if done.exception() else die())
            return future

        store.ingest = failing


def claimed() -> None:
    """A delivery is claimed and not yet sent."""
    for store in STORES:
        after(store, "claim", bool)


def answered() -> None:
    """A receiver has answered, and nothing of it is written."""
    after(Sender, "send")


def settled() -> None:
    """A result is committed, and nobody knows."""
    whole = SharedStore._on_settled

    def failing(self: SharedStore, settled: Any) -> None:
        if settled:
            die()
        whole(self, settled)

    SharedStore._on_settled = failing  # type: ignore[method-assign]


POINTS = {point.__name__: point for point in (written, committed, claimed, answered, settled)}

if __name__ == "__main__":
    POINTS[sys.argv.pop(1)]()
    sys.exit(main())
