"""Data on standard output: tables for people, JSON for programs."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
import msgspec
from msgspec import Raw

from hookferry.cli.client import Page

# Wide enough for all columns of ours, where no terminal says how wide it is.
_WIDTH = 250

_DELETE_AND_C1 = re.compile("[\x7f-\x9f]")


class Output:
    """Prints in one format: `table`, `json` or `jsonl`."""

    def __init__(self, format: str) -> None:
        self.format = format

    def one(self, row: Raw) -> None:
        """Print one object."""
        if self.format == "table":
            print_table((), [(_head(name), cell(value)) for name, value in _decoded(row).items()])
        else:
            click.echo(self._json(row))

    def page(self, page: Page, columns: Sequence[str]) -> None:
        """Print rows of a list. A table has these columns, and says on standard error how to go on."""
        if self.format == "json":
            click.echo(self._json(Raw(msgspec.json.encode(page))))
        elif self.format == "jsonl":
            for row in page.data:
                click.echo(self._json(row))
        else:
            rows = [_decoded(row) for row in page.data]
            print_table(map(_head, columns), [[cell(_value(row, name)) for name in columns] for row in rows])
            if page.next is not None:
                click.echo(f"There is more: raise --limit, or go on with --cursor {page.next}", err=True)

    def rows(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Print rows of our own: a list in JSON, a table of all their columns."""
        rows = list(rows)
        if self.format == "table":
            print_table(rows[0], [tuple(row.values()) for row in rows])
        elif self.format == "json":
            click.echo(self._json(Raw(msgspec.json.encode(rows))))
        else:
            for row in rows:
                click.echo(self._json(Raw(msgspec.json.encode(row))))

    def live(self, row: Raw, text: str) -> None:
        """Print one of those that never end: a text for people, or a line of JSON."""
        if self.format == "table":
            click.echo(text)
        else:
            click.echo(_format(row, indent=-1))

    def _json(self, row: Raw) -> str:
        return _format(row, indent=2 if self.format == "json" else -1)


def _format(row: Raw, indent: int) -> str:
    # Formatted as text, so that numbers stay as the API wrote them.
    text = msgspec.json.format(row, indent=indent).decode()
    # JSON lets these through, and some terminals obey them (FAULTS, 27).
    return _DELETE_AND_C1.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cell(value: Any) -> str:
    """A value as a table shows it, harmless whatever a receiver or a publisher wrote."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(cell, value))
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def print_table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a plain table; without heads the first column is one."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    heads = tuple(heads)
    table = Table(box=None, pad_edge=False, show_header=bool(heads), header_style="bold")
    for head in heads or ("", ""):
        # Folded, never cut: an id in a narrow terminal stays whole.
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False).print(table)


def _head(name: str) -> str:
    return name.partition(".")[0].replace("_", " ")


def _value(row: Mapping[str, Any], name: str) -> Any:
    """What a column shows; `health.state` is what is inside."""
    outer, _, inner = name.partition(".")
    value = row.get(outer)
    return value.get(inner) if inner and isinstance(value, dict) else value


def _decoded(row: Raw) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(row)
    return found
