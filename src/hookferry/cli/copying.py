"""How far a copy has come, as bars on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """To be told a table, how many of its rows are done, and of how many: a bar for each that has rows."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:

        def tell(table: str, done: int, total: int) -> None:
            if total:
                if table not in bars:
                    bars[table] = shown.add_task(table, total=total)
                shown.update(bars[table], completed=done)

        yield tell
