"""Connections that wait for their next request."""

import asyncio

from hookferry.delivery.connection import Connection

# Servers commonly close after 5 to 75 s of idling; a connection they closed under us costs one retry.
_IDLE = 15.0
# A busy connection would never end: its receiver may have moved to another address since (its DNS records
# changed, or it is being drained behind a balancer). Seconds.
_AGE = 60.0
_PER_ORIGIN = 128
_IN_ALL = 256


class Pool:
    """Idle connections by origin; the one used last is used next, so that the others can go.

    `idle` is how long they may wait, `age` how long they are used, in seconds. How many are in use is the
    caller's matter. The mutable state is two views of them, both oldest first, and when each has to go, those
    in use too.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, idle: float = _IDLE, age: float = _AGE) -> None:
        self._loop = loop
        self._idle = idle
        self._age = age
        self._ends: dict[Connection, float] = {}
        self._origins: dict[str, dict[Connection, None]] = {}
        self._all: dict[Connection, None] = {}
        self._closed = False

    def take(self, origin: str) -> Connection | None:
        """An idle connection to an origin, no longer the pool's, or None."""
        idle = self._origins.get(origin)
        if idle is None:
            return None
        connection, _ = idle.popitem()
        if not idle:
            del self._origins[origin]
        del self._all[connection]
        return connection

    def put(self, connection: Connection) -> None:
        """Keep an open connection for later, unless it is old; the oldest go when there are too many."""
        now = self._loop.time()
        end = self._ends.setdefault(connection, now + self._age)
        if self._closed or now >= end:
            connection.close()
            return
        idle = self._origins.setdefault(connection.origin, {})
        idle[connection] = None
        self._all[connection] = None
        connection.rest(now + self._idle)
        if len(idle) > _PER_ORIGIN:
            self._drop(next(iter(idle)))
        elif len(self._all) > _IN_ALL:
            self._drop(next(iter(self._all)))

    def forget(self, connection: Connection) -> None:
        """Let go of a connection that is gone."""
        self._ends.pop(connection, None)
        if connection in self._all:
            del self._all[connection]
            idle = self._origins[connection.origin]
            del idle[connection]
            if not idle:
                del self._origins[connection.origin]

    def shrink(self) -> None:
        """Close the older half: their descriptors are needed (FAULTS, 29)."""
        for connection in list(self._all)[: (len(self._all) + 1) // 2]:
            self._drop(connection)

    async def close(self) -> None:
        """Close all that are idle, and those that come back later."""
        self._closed = True
        gone = [connection.gone for connection in self._all]
        for connection in list(self._all):
            self._drop(connection)
        if gone:
            await asyncio.wait(gone)

    def _drop(self, connection: Connection) -> None:
        self.forget(connection)
        connection.close()
