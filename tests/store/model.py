"""What a store should hold, in memory: deliveries, replays and secrets, and how each action moves them."""

from collections.abc import Iterator, Sequence
from math import ceil

import msgspec

from hookferry import ids
from hookferry.model import EndpointStatus, Job, Replayed
from hookferry.store.replays import first_cursor

FINAL = ("succeeded", "failed", "cancelled")
# How far ahead of time a replay makes deliveries, in milliseconds.
AHEAD = 2_000
RATE = 1_000.0


class Row(msgspec.Struct):
    """A delivery as it should be. `due` in milliseconds; a result counts while `token` is the row's."""

    endpoint: int
    event: str
    status: str
    due: int | None
    of: str | None = None
    job: str | None = None
    attempts: int = 0
    token: int = 1
    worker: str = ""

    @property
    def waits(self) -> bool:
        return self.status in ("pending", "held")


class Replay(msgspec.Struct):
    """A job as it should be: where it has come to, and when its next delivery is due."""

    endpoint: int
    which: Replayed
    until: int
    next_at: int
    cursor: str
    status: str = "running"


class Model:
    """One tenant with two endpoints; mutable throughout. Ids are the store's, in the order they were made."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.events: list[str] = []
        self.jobs: dict[str, Replay] = {}
        self.statuses = [EndpointStatus.ACTIVE, EndpointStatus.ACTIVE]
        self.secrets = ["", ""]
        self.leases: dict[str, int] = {}

    def due(self, now: int) -> set[str]:
        """What a claim takes."""
        return {id for id, row in self.rows.items() if row.status == "pending" and (row.due or 0) <= now}

    def follow(self, endpoint: int, status: EndpointStatus, now: int) -> None:
        """What waits goes with its endpoint."""
        self.statuses[endpoint] = status
        for row in self.rows.values():
            if row.endpoint != endpoint:
                continue
            if status is EndpointStatus.PAUSED and row.status == "pending":
                row.status, row.due = "held", None
            elif status is EndpointStatus.ACTIVE and row.status == "held":
                row.status, row.due = "pending", now
            elif status is EndpointStatus.DELETED and row.waits:
                row.status, row.due = "cancelled", None

    def free(self, now: int) -> None:
        """What workers had whose lease is over is anybody's."""
        for row in self.rows.values():
            if row.status == "leased" and self.leases.get(row.worker, now) <= now:
                row.status = "pending"

    # Replays

    def add_job(self, job: Job, endpoint: int) -> bool:
        """False if the endpoint has one at work."""
        if any(one.endpoint == endpoint and one.status == "running" for one in self.jobs.values()):
            return False
        cursor = first_cursor(job.which, 0)
        self.jobs[job.id] = Replay(endpoint, job.which, job.until, job.next_at, cursor)
        return True

    def step(self, id: str, new_ids: Sequence[str], now: int) -> int:
        """How many deliveries the next step of a job makes."""
        job = self.jobs[id]
        if job.status != "running":
            return 0
        if self.statuses[job.endpoint] is EndpointStatus.DELETED:
            job.status = "failed"
            return 0
        if now + AHEAD < job.next_at:
            return 0
        looked_at = self._looked_at(job)
        if not looked_at:
            untried = any(
                row.job == id and not row.attempts and row.status not in FINAL for row in self.rows.values()
            )
            job.status = "running" if untried else "done"
            return 0
        found = list(self._repeated(job, looked_at))
        job.cursor = looked_at[-1]
        start = max(job.next_at, now)
        held = self.statuses[job.endpoint] is EndpointStatus.PAUSED
        for number, (event, of) in enumerate(found):
            due = None if held else -(-(start + int(number * 1000 / RATE)) // 100) * 100
            status = "held" if held else "pending"
            self.rows[new_ids[number]] = Row(job.endpoint, event, status, due, of, id)
        job.next_at = start + ceil(len(found) * 1000 / RATE)
        return len(found)

    def _looked_at(self, job: Replay) -> list[str]:
        """The ids of its kind that it has not come to yet."""
        missed = job.which is Replayed.MISSED
        known = self.events if missed else self._ended(job.endpoint)
        before = ids.floor("evt" if missed else "dlv", job.until)
        return sorted(id for id in known if job.cursor < id < before)

    def _ended(self, endpoint: int) -> list[str]:
        return [id for id, row in self.rows.items() if row.endpoint == endpoint and row.status in FINAL]

    def _repeated(self, job: Replay, looked_at: list[str]) -> Iterator[tuple[str, str | None]]:
        """Events to send again, each with the delivery that it repeats."""
        for id in looked_at:
            if job.which is Replayed.MISSED:
                if not self._deliveries(job.endpoint, id):
                    yield id, None
                continue
            row = self.rows[id]
            others = self._deliveries(job.endpoint, row.event)
            last = all(other <= id and self.rows[other].status in FINAL for other in others)
            if last and job.which in (Replayed.ANY, row.status):
                yield row.event, id

    def _deliveries(self, endpoint: int, event: str) -> list[str]:
        return [id for id, row in self.rows.items() if (row.endpoint, row.event) == (endpoint, event)]

    def cancel_job(self, id: str) -> bool:
        """What waits of it is cancelled with it; False if it has ended."""
        job = self.jobs[id]
        if job.status in ("done", "failed"):
            return False
        job.status = "cancelled"
        for row in self.rows.values():
            if row.job == id and row.waits:
                row.status, row.due = "cancelled", None
        return True
