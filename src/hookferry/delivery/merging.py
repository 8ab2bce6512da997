"""The metrics of several processes as if they were one; pure."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

_SUMMED = ("counter", "histogram")
# Gauges of a process. Others are of the database, and each process would say the same.
_OF_A_PROCESS = ("hookferry_in_flight", "hookferry_unsettled")


def merged(expositions: Sequence[bytes]) -> bytes:
    """Expositions in Prometheus' text format, of processes of one version, in one.

    What is not to be summed is the first one's. `hookferry_processes` says how many they are.
    """
    first, *others = [list(text_string_to_metric_families(text.decode())) for text in expositions]
    families = {family.name: family for family in first}
    for family in (family for other in others for family in other):
        mine = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
        mine.samples = _together(mine, family)
    count = GaugeMetricFamily(
        "hookferry_processes", "Processes of this port whose numbers these are.", value=len(expositions)
    )
    registry = CollectorRegistry()
    registry.register(_Given([*families.values(), count]))
    return generate_latest(registry)


class _Given(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _together(mine: Metric, theirs: Metric) -> list[Sample]:
    """The samples of a family: summed, or for the time of the last start from zero the latest."""
    values = {_key(sample): sample for sample in mine.samples}
    for sample in theirs.samples:
        key = _key(sample)
        if theirs.type in _SUMMED or theirs.name in _OF_A_PROCESS:
            values[key] = sample._replace(value=sample.value + (values[key].value if key in values else 0))
        elif theirs.name.endswith("_created"):
            values[key] = max(sample, values.get(key, sample), key=lambda one: one.value)
    return list(values.values())


def _key(sample: Sample) -> tuple[str, frozenset[tuple[str, str]]]:
    return sample.name, frozenset(sample.labels.items())
