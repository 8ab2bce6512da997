"""What history and a dead endpoint's backlog cost: throughput and memory beside an empty database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.events import TYPE, event
from bench.fill import fill
from bench.processes import wait_until
from bench.receivers import Nginx, Sink, closed_port, counter
from bench.report import Row, at_least, at_most
from bench.run import Run
from bench.server import Tenant, hookferry
from bench.throughput import settled_rate

_DEAD = "bench.dead"


class Found(msgspec.Struct, frozen=True):
    """Settled events a second, and resident memory in MB after them."""

    rate: float
    resident: float


class Place(msgspec.Struct, frozen=True):
    """Where a comparison happens: one receiver and one dead address for both databases."""

    folder: Path
    receiver: Sink | Nginx
    dead: str


def growth(run: Run) -> list[Row]:
    """A database with history and waiting retries, beside an empty one."""
    history, waiting = run.scaled(1_000_000), run.scaled(200_000)
    with _place(run) as place:
        _prepare(place, history, waiting)
        pairs = [(_empty(run, place), _measured(run, place, "full.db")) for _ in range(run.rounds)]
    rates = [full.rate / empty.rate for empty, full in pairs]
    return [
        Row("growth", f"{history:,} attempts and {waiting:,} retries / empty", "", rates, at_least(0.9)),
        Row(
            "growth",
            "resident, full less empty",
            "MB",
            [f.resident - e.resident for e, f in pairs],
            at_most(30),
        ),
        Row("growth", "full, settled", "events/s", [full.rate for _, full in pairs]),
        Row("growth", "empty, settled", "events/s", [empty.rate for empty, _ in pairs]),
    ]


@contextmanager
def _place(run: Run) -> Iterator[Place]:
    with run.folder() as folder, counter(folder) as receiver, closed_port() as dead:
        yield Place(folder, receiver, dead)


def _prepare(place: Place, history: int, waiting: int) -> None:
    """Deliver one event, fail another once, and let `fill` copy both."""
    with hookferry(place.folder, "full.db") as server:
        tenant = server.new_tenant()
        dead = _endpoints(tenant, place)
        tenant.publish(event())
        tenant.publish(event(type=_DEAD))
        wait_until(lambda: tenant.attempts(dead) == 1, "an attempt at the dead endpoint", 30)
        server.drain(1)
    fill(place.folder / "full.db", history, waiting)


def _endpoints(tenant: Tenant, place: Place) -> str:
    tenant.add_endpoint(f"{place.receiver.url}/hook", TYPE)
    return tenant.add_endpoint(place.dead, _DEAD)


def _empty(run: Run, place: Place) -> Found:
    for file in place.folder.glob("empty.db*"):
        file.unlink()
    with hookferry(place.folder, "empty.db") as server:
        _endpoints(server.new_tenant(), place)
    return _measured(run, place, "empty.db")


def _measured(run: Run, place: Place, database: str) -> Found:
    with hookferry(place.folder, database) as server:
        plan = server.tenant().plan([event()], run.seconds)
        return Found(settled_rate(server, plan, place.receiver, place.folder), server.resident())
