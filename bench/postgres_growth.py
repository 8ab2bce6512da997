"""What history and waiting retries cost on PostgreSQL, beside an empty database of the same server."""

import time
from pathlib import Path

import psycopg

from bench.events import TYPE, event
from bench.postgres import Place, place
from bench.processes import wait_until
from bench.receivers import Nginx, Sink, closed_port, counter
from bench.report import Row, at_least, at_most
from bench.run import Run
from bench.server import Tenant, hookferry
from bench.throughput import settled_rate

_DEAD = "bench.dead"
_SPAN = 6 * 3_600_000
# A million retries over ten hours are 28 a second, as in `growth`.
_AHEAD = 10 * 3_600_000

_Found = tuple[float, float]
"""Settled events a second, and resident memory in MB."""


def postgres_growth(run: Run) -> list[Row]:
    """5,000,000 attempts of history and 1,000,000 retries that wait."""
    history, waiting = run.scaled(5_000_000), run.scaled(1_000_000)
    with place(run) as full, counter(full.folder) as receiver, closed_port() as dead:
        _prepare(full, receiver, dead, history, waiting)
        pairs = [(_empty(run, receiver, dead), _measured(run, full, receiver)) for _ in range(run.rounds)]
    return [
        Row(
            "postgres growth",
            f"{history:,} attempts and {waiting:,} retries / empty",
            "",
            [full[0] / empty[0] for empty, full in pairs],
            at_least(0.85),
        ),
        Row("postgres growth", "full, settled", "events/s", [full[0] for _, full in pairs]),
        Row("postgres growth", "empty, settled", "events/s", [empty[0] for empty, _ in pairs]),
        Row(
            "postgres growth",
            "resident, full less empty",
            "MB",
            [full[1] - empty[1] for empty, full in pairs],
            at_most(30),
        ),
    ]


def _prepare(where: Place, receiver: Sink | Nginx, dead: str, history: int, waiting: int) -> None:
    """Deliver one event, fail another once, and copy both."""
    with hookferry(where.folder, where.url) as server:
        tenant = server.new_tenant()
        failing = _endpoints(tenant, receiver, dead)
        tenant.publish(event())
        tenant.publish(event(type=_DEAD))
        wait_until(lambda: tenant.attempts(failing) == 1, "an attempt at the dead endpoint", 30)
        server.drain(1)
    now = time.time_ns() // 1_000_000
    given = {
        "history": history,
        "waiting": waiting,
        "now": now,
        "since": now - _SPAN,
        "span": _SPAN,
        "ahead": _AHEAD,
    }
    with psycopg.connect(where.url, autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
            connection.execute(statement.encode(), given)
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def _endpoints(tenant: Tenant, receiver: Sink | Nginx, dead: str) -> str:
    tenant.add_endpoint(f"{receiver.url}/hook", TYPE)
    return tenant.add_endpoint(dead, _DEAD)


def _empty(run: Run, receiver: Sink | Nginx, dead: str) -> _Found:
    with place(run) as empty:
        with hookferry(empty.folder, empty.url) as server:
            _endpoints(server.new_tenant(), receiver, dead)
        return _measured(run, empty, receiver)


def _measured(run: Run, where: Place, receiver: Sink | Nginx) -> _Found:
    with hookferry(where.folder, where.url) as server:
        plan = server.tenant().plan([event()], run.seconds)
        return settled_rate(server, plan, receiver, where.folder), server.resident()
