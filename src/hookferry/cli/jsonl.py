"""Publishing a file of events: lines in batches, with a progress bar on standard error."""

import gzip
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import cast

import msgspec
from msgspec import Raw
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hookferry.cli.client import Api
from hookferry.errors import Conflict, HookferryError, Invalid, Malformed, TooLarge, TooMany

# Under the API's limits of 1,000 events and 16 MiB, and small enough for a bar that moves.
_BATCH = 500
_BATCH_BYTES = 4 * 1024 * 1024

_LONGEST_LINE = 16 * 1024 * 1024

_GZIP = b"\x1f\x8b"


Line = tuple[int, bytes]
"""A line that is not empty, and its number."""


class _Published(msgspec.Struct):
    deliveries: int


class _Answer(msgspec.Struct):
    data: list[_Published]


class Summary(msgspec.Struct):
    """What became of a file. `bytes` are those of its lines, `seconds` the time it took."""

    events: int = 0
    deliveries: int = 0
    bytes: int = 0
    seconds: float = 0.0


def publish_file(api: Api, path: Path) -> Raw:
    """Publish each line of a JSONL file, gzipped or not, `-` for standard input; the summary as JSON.

    Raises the API's error with the number of the line that it is about. All lines before it are stored.
    """
    summary = Summary()
    start = time.monotonic()
    with _opened(path) as file, _progress(path, file) as advance:
        try:
            for batch in _batches(_lines(path, file)):
                _publish(api, batch, summary)
                advance(summary.events)
        except HookferryError as error:
            error.message += f" {summary.events} events before it are stored."
            raise
    summary.seconds = round(time.monotonic() - start, 3)
    return Raw(msgspec.json.encode(summary))


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    if str(path) != "-":
        with path.open("rb") as file:
            yield file
        return
    # Whatever stands in for standard input, this can look at its first bytes.
    file = BufferedReader(cast(RawIOBase, sys.stdin.buffer))
    try:
        yield file
    finally:
        file.detach()


def _lines(path: Path, file: BufferedReader) -> Iterator[Line]:
    source = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == _GZIP else file
    try:
        lines = iter(partial(source.readline, _LONGEST_LINE), b"")
        yield from ((number, line) for number, line in enumerate(map(bytes.strip, lines), 1) if line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Malformed(f"{path} is damaged: {error}.") from None


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for line in lines:
        if len(batch) == _BATCH or size + len(line[1]) > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line[1])
    yield batch


def _publish(api: Api, batch: list[Line], summary: Summary) -> None:
    """Publish a batch; halve one that is refused, until the line at fault stands alone."""
    if not batch:
        return
    body = b"\n".join(line for _, line in batch)
    try:
        answer = _patiently(api, body)
    except (Invalid, TooLarge, Conflict) as error:
        if len(batch) == 1:
            error.message = f"line {batch[0][0]}: {error.message}"
            raise
        middle = len(batch) // 2
        _publish(api, batch[:middle], summary)
        _publish(api, batch[middle:], summary)
        return
    published = msgspec.json.decode(answer, type=_Answer).data
    summary.events += len(published)
    summary.deliveries += sum(event.deliveries for event in published)
    summary.bytes += len(body)


def _patiently(api: Api, body: bytes) -> Raw:
    """Publish lines, as fast as the tenant's quotas allow."""
    while True:
        try:
            return api.call("POST", api.tenant("events", "batch"), body, content_type="application/jsonl")
        except TooMany as error:
            time.sleep(error.retry_after or 1)


@contextmanager
def _progress(path: Path, file: BufferedReader) -> Iterator[Callable[[int], None]]:
    """A bar over the file's bytes, where a terminal shows it; the function moves it on."""
    total = path.stat().st_size if path.is_file() else None
    columns = (TextColumn("{task.fields[events]} events"), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, events=0)
        yield lambda events: progress.update(
            task, completed=file.tell() if total is not None else None, events=events
        )
