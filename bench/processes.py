"""Processes of a run: started here, ended here, whatever happens. Needs Linux for /proc."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.report import BenchError

ROOT = Path(__file__).parent.parent

# What has not ended after this many seconds is killed: Hookferry would wait longer for a hanging receiver.
_GRACE = 5.0


def python(module: str, *arguments: str) -> list[str]:
    """The command line of one of our own modules, in this interpreter."""
    return [sys.executable, "-m", module, *arguments]


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    env: Mapping[str, str] | None = None,
    *,
    cwd: Path = ROOT,
    speaks: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, its output in `log`; with `speaks` its standard output is a pipe."""
    with log.open("a") as file:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if speaks else file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)
        if process.stdout:
            process.stdout.close()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def announced_port(process: subprocess.Popen[str]) -> int:
    """The port that one of our own processes says first. Raises BenchError if it ended instead."""
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"{process.args!r} ended with {process.wait()}")
    return int(line)


def wait_until(ready: Callable[[], bool], what: str, seconds: float, pause: float = 0.02) -> None:
    """Poll until `ready`. Raises BenchError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise BenchError(f"{what} did not happen within {seconds:g} s")
        time.sleep(pause)


def resident_megabytes(pid: int) -> float:
    """Resident memory of one process, in MB of 1,000,000 bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    if found is None:
        raise BenchError(f"process {pid} has ended")
    return int(found[1]) * 1024 / 1e6
