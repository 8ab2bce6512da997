"""What one process needs: memory after many events, and time from its start until it is ready."""

from bench.events import TYPE, event
from bench.load import run as run_load
from bench.receivers import counter
from bench.report import Row, at_most
from bench.run import Run
from bench.server import hookferry, start_to_ready

_STARTS = 5


def memory(run: Run) -> list[Row]:
    """Resident memory before and after 100,000 events."""
    count = run.scaled(100_000)
    found = [_resident(run, count) for _ in range(run.rounds)]
    return [
        Row("memory", f"resident after {count:,} events", "MB", [after for _, after in found], at_most(120)),
        Row("memory", "resident at the start", "MB", [before for before, _ in found]),
    ]


def _resident(run: Run, count: int) -> tuple[float, float]:
    with run.folder() as folder, counter(folder) as receiver, hookferry(folder) as server:
        tenant = server.new_tenant()
        tenant.add_endpoint(f"{receiver.url}/hook", TYPE)
        before = server.resident()
        run_load(tenant.plan([event()], 300, limit=count))
        server.drain()
        return before, server.resident()


def start(run: Run) -> list[Row]:
    """From the start of the command to a 200 of /readyz, on a new database."""
    seconds = []
    for _ in range(_STARTS):
        with run.folder() as folder:
            seconds.append(start_to_ready(folder))
    return [Row("start", "start to ready", "s", seconds, at_most(1))]
