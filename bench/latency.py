"""How long from accepted to received, at a steady 200 events a second."""

from collections.abc import Callable

import msgspec

from bench.events import event
from bench.load import Running
from bench.processes import wait_until
from bench.receivers import Sink, sink
from bench.report import Row, at_most, percentile
from bench.run import Run
from bench.server import Server, Tenant, hookferry

_RATE = 200.0
_HEALTHY = [f"bench.healthy.{number}" for number in range(4)]


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds to the receipt of each event, from its 202 and from its request.

    The receiver can have an event before the client has read the 202: then 0.
    """

    accepted: list[float]
    requested: list[float]


def observe(
    tenant: Tenant, receiver: Sink, seconds: float, meanwhile: Callable[[], None] = lambda: None
) -> Latency:
    """The latencies of 200 events a second over the healthy endpoints, while something else may be done."""
    plan = tenant.plan([event(type=type) for type in _HEALTHY], seconds, connections=8, rate=_RATE)
    with Running(plan) as load:
        meanwhile()
        answers = load.result().answers
    wanted = {answer.id for answer in answers}
    wait_until(lambda: wanted <= receiver.times().keys(), "the receipt of every event", 60)
    times = receiver.times()
    return Latency(
        accepted=[max(0, times[answer.id] - answer.accepted) / 1e6 for answer in answers],
        requested=[(times[answer.id] - answer.sent) / 1e6 for answer in answers],
    )


def warm_tenant(server: Server, receiver: Sink) -> Tenant:
    """A tenant whose healthy endpoints have been used for a second: what is compared is not the first use."""
    tenant = server.new_tenant()
    for type in _HEALTHY:
        tenant.add_endpoint(f"{receiver.url}/timed", type)
    observe(tenant, receiver, 1)
    return tenant


def latency(run: Run) -> list[Row]:
    """Median and p99 from accepted to received."""
    found = [_alone(run) for _ in range(run.rounds)]
    return [
        Row("latency", "accepted to received, median", "ms", each(found, "accepted", 0.5), at_most(3)),
        Row("latency", "accepted to received, p99", "ms", each(found, "accepted", 0.99), at_most(15)),
        Row("latency", "request sent to received, median", "ms", each(found, "requested", 0.5)),
        Row("latency", "request sent to received, p99", "ms", each(found, "requested", 0.99)),
    ]


def _alone(run: Run) -> Latency:
    with run.folder() as folder, sink(folder) as receiver, hookferry(folder) as server:
        return observe(warm_tenant(server, receiver), receiver, run.seconds)


def each(found: list[Latency], since: str, share: float) -> list[float]:
    """A percentile of each round; `since` is a field of `Latency`."""
    return [percentile(getattr(latency, since), share) for latency in found]
