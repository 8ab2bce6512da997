"""How long and how large a run is, and where it works."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

# What databases and their logs fill in 30 s: a quarter of what is free at most.
_MEMORY = 1 << 30

# What `--quick` divides amounts by: enough to see that a measurement works, too little to measure.
_QUICK = 50


class Run(msgspec.Struct, frozen=True):
    """`seconds` is the length of a steady load; comparisons are made `rounds` times, A B A B."""

    home: Path
    seconds: float
    rounds: int
    quick: bool

    @property
    def short(self) -> float:
        """The length of a load that makes a backlog, or of a window around one event, in seconds."""
        return max(1.0, self.seconds / 6)

    def scaled(self, amount: int) -> int:
        """An amount as the targets have it, less in a quick run."""
        return amount // _QUICK if self.quick else amount

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A fresh folder for databases and logs, gone afterwards: a run of 8 KB payloads writes gigabytes."""
        with tempfile.TemporaryDirectory(dir=self.home) as name:
            yield Path(name)


def touch_memory() -> None:
    """Have the host give a virtual machine the memory that a run is going to fill.

    Where the host takes back what is free, a page of it costs 10 µs and not 2: that took 4 % of PostgreSQL's
    throughput here, from the eighth second on.
    """
    page, free = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_AVPHYS_PAGES")
    size = min(_MEMORY, free // 4 * page)
    with mmap.mmap(-1, size) as memory:
        for at in range(0, size, page):
            memory[at] = 1
