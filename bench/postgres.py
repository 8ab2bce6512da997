"""The same on PostgreSQL, which shares the machine's processors: one process, two, and another's worker."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import psycopg
from tests.support.postgres import PostgresServer

from bench.events import SMALL, TYPE, event
from bench.latency import Latency, each, observe, warm_tenant
from bench.load import Plan
from bench.receivers import counter, free_port, sink
from bench.report import Row, at_least, at_most
from bench.run import Run
from bench.server import forward, hookferry, migrate
from bench.throughput import alternate, settled_rate

_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "min_wal_size": "1GB",
}
# A server that has run for a while uses the files of its log again. A new one makes each, 16 MB of zeros,
# while commits wait: 4 to 44 ms here, more than once a second. These are more than a run of 30 s writes.
_USE_LOG = """
do $$
begin
    for file in 1 .. 60 loop
        perform pg_logical_emit_message(false, 'bench', '');
        perform pg_switch_wal();
    end loop;
end
$$
"""
_STATEMENTS = """
select sum(calls) from pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database())
"""


class Place(msgspec.Struct, frozen=True):
    """A folder and a database at this version."""

    folder: Path
    url: str

    def statements(self) -> int:
        """How many statements the database has run."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute(_STATEMENTS).fetchone()
            return int(row[0]) if row else 0


@contextmanager
def place(run: Run) -> Iterator[Place]:
    with run.folder() as folder, PostgresServer(_SETTINGS) as server:
        url = server.url(server.new_database())
        migrate(url, folder)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create extension pg_stat_statements")
            connection.execute(_USE_LOG)
            connection.execute("checkpoint")
        yield Place(folder, url)


def postgres(run: Run) -> list[Row]:
    """Throughput as a ratio to forward-only, statements for an event, latency, another worker's latency."""
    spent: list[float] = []
    one, base = alternate(run, lambda: _whole(run, 1, spent), lambda: _forwarded(run, 1))
    two, base_of_two = alternate(run, lambda: _whole(run, 2, []), lambda: _forwarded(run, 2))
    alone = [_latency(run) for _ in range(run.rounds)]
    other = [_latency_of_another(run) for _ in range(run.rounds)]
    return [
        Row("postgres", "one process / forward-only", "", _ratios(one, base), at_least(0.3)),
        Row("postgres", "one process, settled", "events/s", one),
        Row("postgres", "forward-only", "events/s", base),
        Row("postgres", "two processes / two forward-only", "", _ratios(two, base_of_two), at_least(0.28)),
        Row("postgres", "two processes, settled", "events/s", two),
        Row("postgres", "two forward-only", "events/s", base_of_two),
        Row("postgres", "statements for an event", "", spent, at_most(0.2)),
        Row("postgres", "accepted to received, median", "ms", each(alone, "accepted", 0.5), at_most(5)),
        Row("postgres", "accepted to received, p99", "ms", each(alone, "accepted", 0.99), at_most(25)),
        Row("postgres", "by another's worker, median", "ms", each(other, "accepted", 0.5)),
        Row("postgres", "by another's worker, p99", "ms", each(other, "accepted", 0.99), at_most(100)),
    ]


def _ratios(ours: list[float], base: list[float]) -> list[float]:
    return [mine / theirs for mine, theirs in zip(ours, base, strict=True)]


def _whole(run: Run, processes: int, spent: list[float]) -> float:
    flags = ("--processes", str(processes)) if processes > 1 else ()
    with (
        place(run) as there,
        counter(there.folder) as receiver,
        hookferry(there.folder, there.url, *flags) as server,
    ):
        tenant = server.new_tenant()
        tenant.add_endpoint(f"{receiver.url}/hook", TYPE)
        before, received = there.statements(), receiver.count()
        rate = settled_rate(server, tenant.plan([event(SMALL)], run.seconds), receiver, there.folder)
        spent.append((there.statements() - before) / (receiver.count() - received))
        return rate


def _forwarded(run: Run, processes: int) -> float:
    with (
        run.folder() as folder,
        counter(folder) as receiver,
        forward(folder, f"{receiver.url}/hook", processes) as server,
    ):
        plan = Plan(f"{server.url}/", "none", [event(SMALL)], run.seconds)
        return settled_rate(server, plan, receiver, folder)


def _latency(run: Run) -> Latency:
    with (
        place(run) as there,
        sink(there.folder) as receiver,
        hookferry(there.folder, there.url) as server,
    ):
        return observe(warm_tenant(server, receiver), receiver, run.seconds)


def _latency_of_another(run: Run) -> Latency:
    with ExitStack() as stack:
        there = stack.enter_context(place(run))
        receiver = stack.enter_context(sink(there.folder))
        server = stack.enter_context(hookferry(there.folder, there.url, "--role", "api"))
        stack.enter_context(hookferry(there.folder, there.url, "--role", "worker", port=free_port()))
        return observe(warm_tenant(server, receiver), receiver, run.seconds)
