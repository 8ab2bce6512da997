"""The faults, at random."""

import asyncio
import time
from collections import Counter
from random import Random
from urllib.parse import urlsplit

from tests.chaos.cluster import LEASE, Node
from tests.support.postgres import PostgresServer


class Havoc:
    """Breaks a cluster until `over`. Its mutable state is what it has done.

    `away` are the times, in monotonic seconds, from when to when the database was gone.
    """

    def __init__(self, nodes: list[Node], postgres: PostgresServer, database: str, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self.away: list[tuple[float, float]] = []
        self.over = asyncio.Event()
        self._nodes = nodes
        self._postgres = postgres
        self._database = urlsplit(database).path[1:]
        self._random = Random(seed)
        self._postgres_turn = asyncio.Lock()

    async def run(self) -> None:
        """Faults overlap, but for two of one process, or of the database. All are over when this returns."""
        faults = (self._kill, self._stop, self._cut, self._restart)
        async with asyncio.TaskGroup() as group:
            while not self.over.is_set():
                (fault,) = self._random.choices(faults, (4, 3, 2, 1))
                group.create_task(fault())
                await asyncio.sleep(self._random.uniform(0.3, 2.5))

    def _free(self) -> Node | None:
        free = [node for node in self._nodes if not node.busy]
        return self._random.choice(free) if free else None

    async def _kill(self) -> None:
        if node := self._free():
            node.busy = True
            self.done["kills"] += 1
            # Sometimes it is back within its old lease, sometimes not.
            await node.kill(self._random.choice((0, 0, self._random.uniform(0, 2 * LEASE))))
            node.busy = False

    async def _stop(self) -> None:
        if node := self._free():
            node.busy = True
            self.done["stops"] += 1
            await node.stop(self._random.choice((0.2, 1.5, LEASE + self._random.uniform(0.2, 3))))
            node.busy = False

    async def _cut(self) -> None:
        async with self._postgres_turn:
            self.done["cuts"] += 1
            await asyncio.to_thread(self._postgres.terminate_backends, self._database)

    async def _restart(self) -> None:
        async with self._postgres_turn:
            self.done["restarts"] += 1
            began = time.monotonic()
            await asyncio.to_thread(self._postgres.stop, "immediate")
            await asyncio.sleep(self._random.choice((0, 0, self._random.uniform(0, 2))))
            await asyncio.to_thread(self._postgres.start)
            self.away.append((began, time.monotonic()))
