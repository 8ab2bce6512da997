"""What others feel of one endpoint's trouble: one that hangs, and one event for a thousand endpoints."""

import time

from bench.events import batch, event
from bench.latency import Latency, each, observe, warm_tenant
from bench.receivers import sink
from bench.report import Row, at_most
from bench.run import Run
from bench.server import hookferry

_HANGING = "bench.hanging"
_WIDE = "bench.wide"


def isolation(run: Run) -> list[Row]:
    """The healthy endpoints' p99 beside one that hangs and has many deliveries waiting."""
    pairs = [_beside_a_hanging_one(run) for _ in range(run.rounds)]
    return _compared("isolation", f"{run.scaled(50_000):,} for a hanging endpoint", pairs)


def _beside_a_hanging_one(run: Run) -> tuple[Latency, Latency]:
    with run.folder() as folder, sink(folder) as receiver, hookferry(folder) as server:
        tenant = warm_tenant(server, receiver)
        tenant.add_endpoint(f"{receiver.url}/hang", _HANGING)
        without = observe(tenant, receiver, run.seconds)
        for _ in range(run.scaled(50_000) // 1000):
            tenant.publish(batch(1000, type=_HANGING), "events/batch")
        return without, observe(tenant, receiver, run.seconds)


def fanout(run: Run) -> list[Row]:
    """One event to many endpoints: how soon it is accepted, and what the others' p99 becomes."""
    count = run.scaled(1000)
    found = [_beside_a_wide_event(run, count) for _ in range(run.rounds)]
    pairs = [(without, beside) for without, beside, _ in found]
    accepted = [seconds * 1000 for _, _, seconds in found]
    return [
        Row("fan-out", f"one event to {count:,} endpoints, accepted", "ms", accepted, at_most(100)),
        *_compared("fan-out", "one such event", pairs),
    ]


def _beside_a_wide_event(run: Run, count: int) -> tuple[Latency, Latency, float]:
    """The event comes in the middle of a short window, so that it weighs in that window's p99."""
    accepted: list[float] = []

    def publish_wide() -> None:
        time.sleep(run.short / 2)
        accepted.append(tenant.publish(event(type=_WIDE)))

    with run.folder() as folder, sink(folder) as receiver, hookferry(folder) as server:
        tenant = warm_tenant(server, receiver)
        tenant.add_endpoints([{"url": f"{receiver.url}/hook", "event_types": [_WIDE]}] * count)
        without = observe(tenant, receiver, run.short)
        beside = observe(tenant, receiver, run.short, publish_wide)
        return without, beside, accepted[0]


def _compared(name: str, beside: str, pairs: list[tuple[Latency, Latency]]) -> list[Row]:
    """The p99 with a disturbance and without.

    Judged from the request on: a late 202 is a harm too, and the time after it is so short that a ratio of
    it tells of the scheduler (0.1 to 0.9 ms in runs without any disturbance).
    """
    quiet, busy = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    low, high = each(quiet, "requested", 0.99), each(busy, "requested", 0.99)
    ratios = [one / other for one, other in zip(high, low, strict=True)]
    return [
        Row(name, f"p99 beside {beside} / without", "", ratios, at_most(1.5)),
        Row(name, "request sent to received, p99 beside it", "ms", high),
        Row(name, "request sent to received, p99 without", "ms", low),
        Row(name, "accepted to received, p99 beside it", "ms", each(busy, "accepted", 0.99)),
        Row(name, "accepted to received, p99 without", "ms", each(quiet, "accepted", 0.99)),
    ]
