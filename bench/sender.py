"""The sender alone: `python -m bench.sender URL SECONDS SIZE` prints its requests a second."""

import asyncio
import subprocess
import sys
import time
from ipaddress import IPv4Network

import uvloop

from bench.events import LARGE, SMALL, payload
from bench.processes import ROOT, python
from bench.receivers import counter
from bench.report import BenchError, Row
from bench.run import Run
from hookferry.delivery.guard import Guard
from hookferry.delivery.sender import Sender
from hookferry.exchange import Outcome, Request

_AT_A_TIME = 64
_HEADERS = (("content-type", "application/json"),)


def sender(run: Run) -> list[Row]:
    """Requests a second of the sender without anything around it."""
    sizes = {"0.3 KB": SMALL, "8 KB": LARGE}
    return [
        Row(
            "sender",
            f"{label}, {_AT_A_TIME} at a time",
            "requests/s",
            [_rate(run, size) for _ in range(run.rounds)],
        )
        for label, size in sizes.items()
    ]


def _rate(run: Run, size: int) -> float:
    with run.folder() as folder, counter(folder) as receiver:
        command = python("bench.sender", f"{receiver.url}/hook", str(run.short), str(size))
        return float(subprocess.check_output(command, cwd=ROOT, timeout=run.short + 60))


async def main(url: str, seconds: float, size: int) -> None:
    sender = Sender(Guard([IPv4Network("127.0.0.0/8")]))
    request = Request("POST", url, _HEADERS, (payload(size).encode(),), 30.0)
    started = time.monotonic()

    async def repeat() -> int:
        count = 0
        while time.monotonic() < started + seconds:
            result = await sender.send(request)
            if result.outcome is not Outcome.RESPONSE:
                raise BenchError(f"{result.outcome}: {result.detail}")
            count += 1
        return count

    counts = await asyncio.gather(*(repeat() for _ in range(_AT_A_TIME)))
    print(sum(counts) / (time.monotonic() - started))
    await sender.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
