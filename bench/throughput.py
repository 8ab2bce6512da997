"""Events a second through the whole way beside a process that only forwards; batches beside single events."""

import time
from collections.abc import Callable
from pathlib import Path

from bench.closed import drive
from bench.events import LARGE, SMALL, TYPE, batch, event
from bench.load import Plan
from bench.processes import wait_until
from bench.receivers import Nginx, Sink, counter
from bench.report import BenchError, Row, at_least
from bench.run import Run, touch_memory
from bench.server import Server, forward, hookferry

# Eight connections keep the server busy with batches; 64 would hold 64,000 events in flight.
_BATCHING = 8


def settled_rate(server: Server, plan: Plan, receiver: Sink | Nginx, folder: Path) -> float:
    """Settled events a second, from the first publish until the backlog is as before. Raises BenchError."""
    touch_memory()
    rest = server.backlog()
    before = receiver.count()
    started = time.monotonic()
    load = drive(plan, folder)
    server.drain(rest)
    seconds = time.monotonic() - started
    wait_until(lambda: receiver.count() - before >= load.accepted, f"receipt of {load.accepted} events", 10)
    return (receiver.count() - before) / seconds


def throughput(run: Run) -> list[Row]:
    """Published, committed, signed, delivered and settled, as a ratio to forward-only."""
    return _compared(run, SMALL, "0.3 KB") + _compared(run, LARGE, "8 KB")


def _compared(run: Run, size: int, label: str) -> list[Row]:
    ours, base = alternate(run, lambda: _whole(run, size), lambda: _forwarded(run, size))
    ratios = [mine / theirs for mine, theirs in zip(ours, base, strict=True)]
    return [
        Row("throughput", f"{label}: hookferry / forward-only", "", ratios, at_least(0.25)),
        Row("throughput", f"{label}: hookferry, settled", "events/s", ours),
        Row("throughput", f"{label}: forward-only", "events/s", base),
    ]


def alternate(
    run: Run, one: Callable[[], float], other: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """The figures of two things measured in turn, A B A B, so that both see the same weather."""
    pairs = [(one(), other()) for _ in range(run.rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _whole(run: Run, size: int) -> float:
    with run.folder() as folder, counter(folder) as receiver, hookferry(folder) as server:
        tenant = server.new_tenant()
        tenant.add_endpoint(f"{receiver.url}/hook", TYPE)
        return settled_rate(server, tenant.plan([event(size)], run.seconds), receiver, folder)


def _forwarded(run: Run, size: int) -> float:
    with (
        run.folder() as folder,
        counter(folder) as receiver,
        forward(folder, f"{receiver.url}/hook") as server,
    ):
        plan = Plan(f"{server.url}/", "none", [event(size)], run.seconds)
        return settled_rate(server, plan, receiver, folder)


def batches(run: Run) -> list[Row]:
    """Accepted events a second by the batch route, as a ratio to single publish."""
    single: list[float] = []
    ratios: dict[int, list[float]] = {100: [], 1000: []}
    for _ in range(run.rounds):
        single.append(_accepted(run, 1))
        for count, found in ratios.items():
            found.append(_accepted(run, count) / single[-1])
    return [
        *(
            Row("batch", f"batches of {count:,} / single", "", found, at_least(2))
            for count, found in ratios.items()
        ),
        Row("batch", "single, accepted", "events/s", single),
    ]


def _accepted(run: Run, count: int) -> float:
    """What publish takes while deliveries go on; what waits in the end goes out before the next."""
    with run.folder() as folder, counter(folder) as receiver, hookferry(folder) as server:
        tenant = server.new_tenant()
        tenant.add_endpoint(f"{receiver.url}/hook", TYPE)
        plan = tenant.plan([event()], run.short)
        if count > 1:
            plan = tenant.plan([batch(count)], run.short, route="events/batch", connections=_BATCHING)
        load = drive(plan, folder)
        server.drain()
        if receiver.count() < load.accepted * count:
            raise BenchError(f"{load.accepted * count} events were accepted, {receiver.count()} received")
        return load.accepted * count / load.seconds
