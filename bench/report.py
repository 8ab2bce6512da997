"""What a measurement gives, as a table for people and as JSON."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table


class BenchError(Exception):
    """A measurement that gave no figure: something did not start, did not end in time or lost an event."""


class Limit(msgspec.Struct, frozen=True):
    """What a figure should be: at least, or at most, `value`."""

    value: float
    at_least: bool

    def holds(self, measured: float) -> bool:
        return measured >= self.value if self.at_least else measured <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.value:g}"


def at_least(value: float) -> Limit:
    return Limit(value, at_least=True)


def at_most(value: float) -> Limit:
    return Limit(value, at_least=False)


class Row(msgspec.Struct, frozen=True):
    """One figure. `samples` are those of the rounds and the figure is their median."""

    measurement: str
    what: str
    unit: str
    samples: list[float]
    limit: Limit | None = None

    @property
    def value(self) -> float:
        return statistics.median(self.samples)

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        return "ok" if self.limit.holds(self.value) else "MISSED"


class Report(msgspec.Struct):
    """A whole run. `failures` says why a measurement gave no figure."""

    about: dict[str, str]
    rows: list[Row]
    failures: dict[str, str]

    def write(self, path: Path) -> None:
        rows = [
            {**msgspec.to_builtins(row), "value": row.value, "verdict": row.verdict or None}
            for row in self.rows
        ]
        document = {"about": self.about, "rows": rows, "failures": self.failures}
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2))

    def show(self, console: Console) -> None:
        console.print(" · ".join(f"{name} {value}" for name, value in self.about.items()), style="dim")
        console.print(self._table())
        for name, reason in self.failures.items():
            console.print(f"{name}: no figure: {reason}", style="bold red", markup=False)
        console.print(self._summary())

    def _table(self) -> Table:
        table = Table(title="Hookferry benchmark")
        for heading in ("measurement", "what"):
            table.add_column(heading)
        for heading in ("median", "target", "", "min", "max"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(*_cells(row), style="bold" if row.limit else "dim")
        return table

    def _summary(self) -> str:
        judged = [row for row in self.rows if row.limit]
        missed = sum(row.verdict == "MISSED" for row in judged)
        found = f"{len(judged)} targets: {len(judged) - missed} ok, {missed} MISSED"
        return f"{found}; measurements without a figure: {len(self.failures)}"


def _cells(row: Row) -> list[str]:
    colour = {"ok": "green", "MISSED": "red"}.get(row.verdict)
    return [
        row.measurement,
        row.what,
        f"{_figure(row.value)} {row.unit}".rstrip(),
        str(row.limit or ""),
        f"[{colour}]{row.verdict}[/]" if colour else "",
        _figure(min(row.samples)),
        _figure(max(row.samples)),
    ]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: `share` 0.99 gives p99."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
