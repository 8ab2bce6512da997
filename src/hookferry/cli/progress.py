"""Waiting for a job, with a progress bar on standard error."""

import time

import msgspec
from msgspec import Raw
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hookferry.cli.client import Api

_EVERY = 0.5


class _Job(msgspec.Struct, frozen=True):
    status: str
    total: int
    done: int
    progress: float


def watch(api: Api, id: str) -> Raw:
    """The job as the API shows it, once it has ended. Ctrl-C leaves it at work."""
    columns = (TextColumn("{task.fields[done]} of {task.fields[of]}"), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=1.0, done=0, of=0)
        while True:
            answer = api.get(api.tenant("jobs", id))
            job = msgspec.json.decode(answer, type=_Job)
            progress.update(task, completed=job.progress, done=job.done, of=job.total)
            if job.status != "running":
                return answer
            time.sleep(_EVERY)
