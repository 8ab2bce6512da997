"""The processes of the run, and whoever starts them again."""

import asyncio
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path

from hookferry.contracts.texts import builtin_text
from tests.chaos.recorder import TIMEOUT
from tests.support.process import ServerProcess, server_environment

SECRET_KEY = "c1" * 32
LEASE = 3.0
# Requests that a worker has in flight at most.
CONCURRENCY = 64
# The days of the standard schedule in seconds.
_RETRY = 'schedule = ["500ms", "1s", "1s", "2s", "2s", "3s", "3s"]'


def write_contract(folder: Path) -> None:
    """The standard contract with quick retries, as `chaos`."""
    text = builtin_text("standard").text
    lines = {"name = ": 'name = "chaos"', "schedule = ": _RETRY, "total = ": f'total = "{TIMEOUT:g}s"'}
    for start, line in lines.items():
        (old,) = [one for one in text.splitlines() if one.startswith(start)]
        text = text.replace(old, line)
    folder.mkdir()
    (folder / "chaos.toml").write_text(text)


class Node:
    """One process, started again when it ends. Its mutable state: what runs, and the faults that it had.

    `kills` are when it was killed, `stops` from when to when it was stopped (monotonic seconds).
    """

    def __init__(self, folder: Path, name: str, database: str, *flags: str, address: str = "") -> None:
        folder.mkdir()
        self.name = name
        self.address = address
        self.kills: list[float] = []
        self.stops: list[tuple[float, float]] = []
        self.busy = False
        self.died = 0
        environ = {"HOOKFERRY_DATABASE": database, "HOOKFERRY_SECRET_KEY": SECRET_KEY}
        self.server = ServerProcess(folder, *flags, env=environ)

    async def start(self) -> None:
        """Start it until it runs: while the database is away it ends instead, with exit code 1."""
        async with asyncio.timeout(60):
            while True:
                with suppress(RuntimeError):
                    await self.server.start()
                    return
                await asyncio.sleep(0.2)

    async def kill(self, away: float) -> None:
        """SIGKILL, and a start so many seconds later."""
        self._note_death()
        self.kills.append(time.monotonic())
        self.server.kill()
        await asyncio.sleep(away)
        await self.start()

    async def stop(self, seconds: float) -> None:
        """SIGSTOP for so long."""
        assert self.server.process is not None
        began = time.monotonic()
        self.server.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.server.process.send_signal(signal.SIGCONT)
        self.stops.append((began, time.monotonic()))

    @property
    def troubled(self) -> list[float]:
        """When it was killed, stopped, or went on: others may have sent what it had in hand beyond its lease.

        Beside a database that was away only these explain a repeat.
        """
        return [*self.kills, *chain.from_iterable(self.stops)]

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self._note_death()
        return self.server.stop()

    def finish(self) -> None:
        """Whatever happened: it does not run on."""
        if self.server.process is not None:
            self.server.kill()

    def _note_death(self) -> None:
        assert self.server.process is not None
        self.died += self.server.process.poll() is not None

    def complaints(self) -> list[str]:
        """What it logged as an error, or did not even log: none of our faults explains a bug."""
        lines = self.server.log.read_text().splitlines()
        bad = ("Traceback", "Task exception", "Exception in")
        return [
            f"{self.name}: {line[:500]}"
            for line in lines
            if '"level":"error"' in line or line.startswith(bad)
        ]


def migrate(folder: Path, database: str) -> None:
    """Make the tables."""
    subprocess.run(
        [sys.executable, "-m", "hookferry", "migrate", "up"],
        cwd=folder,
        env=server_environment({"HOOKFERRY_DATABASE": database, "HOOKFERRY_SECRET_KEY": SECRET_KEY}),
        check=True,
        capture_output=True,
    )


def cluster(folder: Path, database: str) -> list[Node]:
    """An API and three workers, each of which sends from an address of its own."""
    write_contract(folder / "contracts")
    common = (
        *("--contracts-dir", str(folder / "contracts")),
        *("--lease", f"{LEASE:g}s"),
        *("--grace", "5s"),
        *("--allow-net", "127.0.0.0/8"),
    )
    api = Node(folder / "api", "api", database, "--role", "api", *common)
    workers = [_worker(folder, number, database, *common) for number in (1, 2, 3)]
    return [api, *workers]


def _worker(folder: Path, number: int, database: str, *common: str) -> Node:
    name, address = f"worker-{number}", f"127.0.0.{10 + number}"
    flags = ("--role", "worker", "--bind-address", address, "--concurrency", str(CONCURRENCY))
    return Node(folder / name, name, database, *flags, *common, address=address)
