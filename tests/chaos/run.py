"""One run: publish, break, be quiet, count."""

import asyncio
import json
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tests.chaos import count
from tests.chaos.cluster import LEASE, Node, cluster, migrate
from tests.chaos.havoc import Havoc
from tests.chaos.publishers import TENANT, Operator, Publishers
from tests.chaos.recorder import Recorder, Success
from tests.support.postgres import PostgresServer
from tests.support.process import new_endpoint

_PUBLISHERS = 8
_TARGETS = ("/0", "/1", "/2")
# Within so many seconds after a success it is committed, while the database is there.
_COMMITTED = 2.0
# A process that is stopped within a transaction keeps what it has locked for as long: an endpoint's health,
# which the others' results write too. PostgreSQL ends it then (`idle_in_transaction_session_timeout`).
_LOCKED = 3.0
# The database's clock, by which requests are signed, and ours are as far apart at most.
_CLOCKS = 0.1
# Within so many seconds after a stop a process sends what it had in hand.
_AWAKE = 1.5
# So long before a success, at most, its request was sent.
_ANSWERED = 1.5
_AUDIT_EVERY = 5.0
# Until everything is quiet: the whole schedule of retries, and leases that lapse.
_QUIET = 90.0


class Tally(msgspec.Struct):
    """What happened. The promise: acknowledged = succeeded + failed + cancelled, for each endpoint."""

    seed: int
    seconds: float
    acknowledged: int = 0
    requests: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    repeats: int = 0
    """Successes beyond the first of an event at an endpoint."""
    late: int = 0
    """Answers that came too late."""
    kills: int = 0
    stops: int = 0
    cuts: int = 0
    restarts: int = 0
    changes: int = 0
    refused: int = 0
    """Publishes that were answered 503 or not at all, and came again."""
    quiet_seconds: float = 0
    problems: dict[str, int] = {}
    """What must not be: by its name, how often."""
    unexplained: list[str] = []
    """Where and when: the first repeats that nothing explains."""
    complaints: list[str] = []
    """What the processes logged as bugs."""

    @property
    def good(self) -> bool:
        """True if the promise held."""
        return self.acknowledged > 0 and not self.problems and not self.complaints


class Run:
    """One run in a folder. Its mutable state is the tally."""

    def __init__(self, folder: Path, seconds: float, seed: int) -> None:
        self.tally = Tally(seed, seconds)
        self._folder = folder

    async def run(self) -> Tally:
        """Have all of it happen. Raises TimeoutError where a process does not come back."""
        with PostgresServer() as postgres:
            database = postgres.url(postgres.new_database())
            migrate(self._folder, database)
            nodes = cluster(self._folder, database)
            try:
                await asyncio.gather(*(node.start() for node in nodes))
                await self._with(postgres, database, nodes)
            finally:
                for node in nodes:
                    node.finish()
        return self.tally

    async def _with(self, postgres: PostgresServer, database: str, nodes: list[Node]) -> None:
        api = nodes[0]
        async with Recorder(self.tally.seed) as recorder:
            endpoints = await self._endpoints(api, recorder)
            publishers = Publishers(api.server)
            operator = Operator(api.server, recorder, endpoints, self.tally.seed)
            havoc = Havoc(nodes, postgres, database, self.tally.seed)
            async with asyncio.TaskGroup() as group:
                for number in range(_PUBLISHERS):
                    group.create_task(publishers.publish(number))
                group.create_task(operator.work())
                breaking = group.create_task(havoc.run())
                await self._look_on(database)
                havoc.over.set()
                await breaking
                began = time.monotonic()
                recorder.calm = True
                operator.over.set()
                publishers.over.set()
            self._expect("not quiet", not await count.quiet(database, _QUIET))
            self.tally.quiet_seconds = round(time.monotonic() - began, 1)
            self._expect("no exit code 0", sum(node.end() != 0 for node in nodes))
            self._count(database, publishers, operator, recorder)
            self._explain(database, recorder, nodes, havoc)
        self.tally.changes = operator.changes
        for name, times in havoc.done.items():
            setattr(self.tally, name, times)
        self._expect("processes that ended by themselves", sum(node.died for node in nodes))
        self.tally.complaints = [line for node in nodes for line in node.complaints()][:10]

    async def _endpoints(self, api: Node, recorder: Recorder) -> dict[str, str]:
        """The ids of the endpoints, by their target."""
        found = {}
        async with api.server.client() as client:
            made = {"id": TENANT, "name": TENANT, "contract": "chaos"}
            (await client.post("/v1/tenants", json=made)).raise_for_status()
            for target in _TARGETS:
                endpoint = await new_endpoint(client, recorder.url + target, TENANT)
                recorder.trust(target, endpoint["secret"])
                found[target] = endpoint["id"]
        return found

    async def _look_on(self, database: str) -> None:
        """Until the time is over; now and then an event must not be half there."""
        end = time.monotonic() + self.tally.seconds
        while (left := end - time.monotonic()) > 0:
            since = int((time.time() - 2 * _AUDIT_EVERY) * 1000)
            await asyncio.sleep(min(left, _AUDIT_EVERY))
            # While the database is away there is nothing to look at.
            with count.unless_away():
                self._expect("half there", await asyncio.to_thread(count.partial, database, since))

    def _expect(self, problem: str, times: int) -> None:
        """Note what must not be."""
        if times:
            self.tally.problems[problem] = self.tally.problems.get(problem, 0) + times

    def _count(
        self,
        database: str,
        publishers: Publishers,
        operator: Operator,
        recorder: Recorder,
    ) -> None:
        tally = self.tally
        books = count.audit(database)
        acknowledged = set(publishers.acknowledged.values())
        by_status = {
            status: {(urlsplit(one.url).path, one.event) for one in books.deliveries if one.status == status}
            for status in ("succeeded", "failed", "cancelled")
        }
        tally.acknowledged = len(acknowledged)
        tally.requests, tally.refused = recorder.requests, publishers.refused
        tally.succeeded, tally.failed, tally.cancelled = map(len, by_status.values())
        wanted = {(target, event) for target in _TARGETS for event in acknowledged}
        tally.late = len(recorder.late)
        arrived = recorder.late | recorder.successes.keys()
        cancelled = {one.id for one in books.deliveries if one.status == "cancelled"}
        self._expect("acknowledged and not there", len(acknowledged - books.events))
        more = len(books.events - acknowledged)
        self._expect("there and never acknowledged", max(0, more - publishers.unsure))
        self._expect("keys with two events", publishers.torn)
        self._expect("deliveries missing", books.missing)
        self._expect("deliveries twice", books.double)
        self._expect("not final", len(books.stuck))
        self._expect("in no final state", len(wanted - set().union(*by_status.values())))
        self._expect("succeeded and never arrived", len(by_status["succeeded"] - arrived))
        self._expect("cancelled in vain", len(operator.cancelled - cancelled))
        self._expect("cancelled by nobody", len(cancelled - operator.cancelled - operator.unsure))
        self._expect("unverified", recorder.unverified)

    def _explain(self, database: str, recorder: Recorder, nodes: list[Node], havoc: Havoc) -> None:
        """Each repeat needs a fault before the first success was committed, or a sender that slept."""
        senders = {node.address: node for node in nodes}
        stops = [stop for node in nodes for stop in node.stops]
        for what, successes in recorder.successes.items():
            for first, again in pairwise(successes):
                self.tally.repeats += 1
                troubled = senders[first.sender].troubled
                if not (
                    explained(first, again, troubled, havoc.away, stops)
                    or overslept(first, again, senders[again.sender].stops)
                ):
                    self._expect("repeats that nothing explains", 1)
                    faults = [*((fault,) for fault in troubled), *havoc.away, *stops]
                    found = count.attempts(database, *what)
                    told = f"{what}: {_told(first, again, faults)}; on record {found}"
                    self.tally.unexplained.append(told)
        del self.tally.unexplained[10:]


def explained(
    first: Success,
    again: Success,
    troubled: Sequence[float],
    away: Sequence[tuple[float, float]],
    stops: Sequence[tuple[float, float]],
) -> bool:
    """True if its sender was killed or stopped, or the database gone, before a success was committed."""
    committed = first.at + _COMMITTED
    locked = [(start, min(end, start + _LOCKED)) for start, end in stops]
    for start, end in sorted([*away, *locked]):
        if start <= committed and first.at - _ANSWERED <= end:
            if (start, end) in away and start <= again.at and end - start > LEASE / 2:
                # So long that leases may have lapsed.
                return True
            committed = max(committed, end + _COMMITTED)
    return any(first.at - _ANSWERED <= fault <= min(committed, again.at) for fault in troubled)


def overslept(first: Success, again: Success, stops: Sequence[tuple[float, float]]) -> bool:
    """True if the second's sender was stopped with the request in hand, and the first came when the lease of
    that may have lapsed: it is renewed when a third of it is over, which may take a while.

    Who is stopped between its look at the clock and the request sends it when it goes on. What it looks at
    then it signs then.
    """
    return any(
        again.signed <= start + _CLOCKS
        and start + LEASE / 3 <= first.arrived
        and again.arrived <= end + _AWAKE
        for start, end in stops
    )


def _told(first: Success, again: Success, faults: Sequence[Sequence[float]]) -> str:
    """A repeat, and the faults around it: seconds since its first success."""
    near = sorted(
        [round(time - first.at, 2) for time in fault]
        for fault in faults
        if fault[0] <= again.at and fault[-1] >= first.at - 10
    )
    return f"from {first.sender}, after {again.at - first.at:.2f} s from {again.sender}; faults {near}"


def report(tally: Tally) -> str:
    """One line of JSON."""
    return json.dumps(msgspec.to_builtins(tally))
