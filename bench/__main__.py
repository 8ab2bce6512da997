"""`python -m bench [measurement ...]`: measure, print a table, write JSON."""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console

from bench.closed import tool
from bench.contracts import contracts
from bench.footprint import memory, start
from bench.growth import growth
from bench.isolation import fanout, isolation
from bench.latency import latency
from bench.matching import matching
from bench.postgres import postgres
from bench.postgres_growth import postgres_growth
from bench.processes import ROOT
from bench.rendering import rendering
from bench.report import BenchError, Report, Row
from bench.run import Run
from bench.sender import sender
from bench.throughput import batches, throughput

MEASUREMENTS: dict[str, Callable[[Run], list[Row]]] = {
    "throughput": throughput,
    "batch": batches,
    "latency": latency,
    "growth": growth,
    "isolation": isolation,
    "fanout": fanout,
    "matching": matching,
    "rendering": rendering,
    "contracts": contracts,
    "postgres": postgres,
    "postgres-growth": postgres_growth,
    "memory": memory,
    "start": start,
    "sender": sender,
}


def main() -> None:
    """A missed target is a finding and exits with 0; a measurement without a figure is an error, 1."""
    wanted = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    home = ROOT / ".bench"
    home.mkdir(exist_ok=True)
    run = (
        Run(home, 2.0, 1, quick=True)
        if wanted.quick
        else Run(home, wanted.seconds, wanted.rounds, quick=False)
    )
    report = Report(_about(run), [], {})
    console = Console(width=None if sys.stdout.isatty() else 120)
    for name in wanted.measurements or MEASUREMENTS:
        console.print(f"measuring {name} ...", style="dim")
        _measure(name, run, report)
        report.write(wanted.output)
    report.show(console)
    console.print(f"written to {wanted.output}", style="dim")
    sys.exit(1 if report.failures else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("measurements", nargs="*", metavar="measurement", help=", ".join(MEASUREMENTS))
    parser.add_argument("--seconds", type=float, default=30.0, help="how long a steady load lasts (30)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each comparison is made (3)")
    parser.add_argument(
        "--quick", action="store_true", help="see that everything works; the figures mean nothing"
    )
    parser.add_argument("--output", type=Path, default=ROOT / ".bench" / "result.json", help="the JSON file")
    wanted = parser.parse_args()
    unknown = set(wanted.measurements) - MEASUREMENTS.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(MEASUREMENTS)}")
    return wanted


def _measure(name: str, run: Run, report: Report) -> None:
    try:
        report.rows += MEASUREMENTS[name](run)
    except (BenchError, OSError, httpx.HTTPError, subprocess.SubprocessError) as error:
        report.failures[name] = str(error)


def _about(run: Run) -> dict[str, str]:
    return {
        "load": tool(),
        "receiver": "nginx" if shutil.which("nginx") else "bench.sink",
        "steady load": f"{run.seconds:g} s",
        "rounds": f"{run.rounds}{' (QUICK: no measurement)' if run.quick else ''}",
        "CPUs": str(os.cpu_count()),
        "Python": platform.python_version(),
        "disk": _filesystem(run.home),
    }


def _filesystem(folder: Path) -> str:
    """The kind of file system under a folder: tmpfs would make fsync free."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return max((len(point), kind) for _, point, kind, *_ in mounts if folder.is_relative_to(point))[1]


if __name__ == "__main__":
    main()
