"""The metrics of several processes as if they were one."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hookferry.delivery.histogram import Histogram
from hookferry.delivery.merging import merged


def exposition(delivered: int = 0, backlog: int = 0, in_flight: int = 0, **causes: int) -> bytes:
    """What a process tells that counted so much."""
    registry = CollectorRegistry()
    Counter("hookferry_delivered", "Taken.", registry=registry).inc(delivered)
    failures = Counter("hookferry_failed_attempts", "Not taken.", ["cause"], registry=registry)
    for cause, count in causes.items():
        failures.labels(cause).inc(count)
    Gauge("hookferry_backlog", "Waiting.", ["status"], registry=registry).labels("pending").set(backlog)
    Gauge("hookferry_in_flight", "On their way.", registry=registry).set(in_flight)
    seconds = Histogram("hookferry_attempt_seconds", "How long.", (0.1, 1), registry)
    for _ in range(delivered):
        seconds.observe(0.5)
    return generate_latest(registry)


def values(text: bytes) -> dict[str, float]:
    """Each sample by its name and labels."""
    return {
        ",".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_counters_are_summed() -> None:
    """Over all processes."""
    assert values(merged([exposition(2), exposition(3), exposition(4)]))["hookferry_delivered_total"] == 9


def test_each_label_has_its_sum() -> None:
    """Also one that only another process has."""
    found = values(merged([exposition(dns=1, tls=2), exposition(tls=3, reset=4)]))
    assert [found[f"hookferry_failed_attempts_total,{cause}"] for cause in ("dns", "tls", "reset")] == [
        1,
        5,
        4,
    ]


def test_histograms_are_summed() -> None:
    """Their buckets, their sum and their count."""
    found = values(merged([exposition(2), exposition(3)]))
    names = ("bucket,0.1", "bucket,1.0", "bucket,+Inf", "sum", "count")
    assert [found[f"hookferry_attempt_seconds_{name}"] for name in names] == [0, 5, 5, 2.5, 5]


def test_what_is_the_databases_is_taken_once() -> None:
    """From the process that looked just now."""
    assert values(merged([exposition(backlog=7), exposition(backlog=6)]))["hookferry_backlog,pending"] == 7


def test_gauges_of_a_process_are_summed() -> None:
    """Requests of all processes are on their way."""
    assert values(merged([exposition(in_flight=2), exposition(in_flight=3)]))["hookferry_in_flight"] == 5


def test_the_sum_began_when_the_last_one_did() -> None:
    """It fell when that one began at zero."""
    texts = [exposition(), exposition()]
    times = [values(text)["hookferry_delivered_created"] for text in texts]
    assert values(merged(texts))["hookferry_delivered_created"] == max(times)


def test_how_many_they_are_is_said() -> None:
    """One that did not answer is missed in the sums."""
    assert values(merged([exposition()] * 3))["hookferry_processes"] == 3


def test_nothing_else_is_changed() -> None:
    """Names, kinds and helps are those of one process."""
    one = exposition(2, 3, 4, dns=1)
    with_count = merged([one]).decode().splitlines()
    assert [line for line in with_count if "hookferry_processes" not in line] == one.decode().splitlines()
