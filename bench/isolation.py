"""What others feel of one endpoint's trouble: one that hangs, and one event for a thousand endpoints."""

import time

from bench.events import batch, event
from bench.latency import Latency, each, observe, warm_tenant
from bench.receivers import sink
from bench.report import Row, at_most
from bench.run import Run
from bench.server import Tenant, hookferry

_HANGING = "bench.hanging"
_WIDE = "bench.wide"


def isolation(run: Run) -> list[Row]:
    """The healthy endpoints' p99 beside one that hangs and has many deliveries waiting."""
    found = [_beside_a_hanging_one(run) for _ in range(run.rounds)]
    without, beside = (list(windows) for windows in zip(*found, strict=True))
    return _compared("isolation", without, {f"{run.scaled(50_000):,} for a hanging endpoint": beside})


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
    accepted: list[float] = []
    found = [_beside_wide_events(run, count, accepted) for _ in range(run.rounds)]
    without, of_another, of_their_own = (list(windows) for windows in zip(*found, strict=True))
    busy = {"one of another tenant": of_another, "one of their own tenant": of_their_own}
    return [
        Row("fan-out", f"one event to {count:,} endpoints, accepted", "ms", accepted, at_most(100)),
        *_compared("fan-out", without, busy),
    ]


def _beside_wide_events(run: Run, count: int, accepted: list[float]) -> tuple[Latency, Latency, Latency]:
    """Windows of the steady load: without, and with a wide event in the middle."""

    def publish_wide(tenant: Tenant) -> None:
        time.sleep(run.seconds / 2)
        accepted.append(tenant.publish(event(type=_WIDE)) * 1000)

    with run.folder() as folder, sink(folder) as receiver, hookferry(folder) as server:
        tenant, other = warm_tenant(server, receiver), server.new_tenant("other")
        for one in (tenant, other):
            one.add_endpoints([{"url": f"{receiver.url}/hook", "event_types": [_WIDE]}] * count)
        return (
            observe(tenant, receiver, run.seconds),
            observe(tenant, receiver, run.seconds, lambda: publish_wide(other)),
            observe(tenant, receiver, run.seconds, lambda: publish_wide(tenant)),
        )


def _compared(name: str, without: list[Latency], busy: dict[str, list[Latency]]) -> list[Row]:
    """The p99 beside each disturbance and without, one of each in a round.

    Judged from the request on: a late 202 is a harm too, and the time after it is so short that a ratio of
    it tells of the scheduler (0.1 to 0.9 ms in runs without any disturbance).
    """
    low = each(without, "requested", 0.99)
    rows = [Row(name, "request sent to received, p99 without", "ms", low)]
    for beside, windows in busy.items():
        high = each(windows, "requested", 0.99)
        ratios = [one / other for one, other in zip(high, low, strict=True)]
        rows.insert(0, Row(name, f"p99 beside {beside} / without", "", ratios, at_most(1.5)))
        rows.append(Row(name, f"request sent to received, p99 beside {beside}", "ms", high))
    return rows
