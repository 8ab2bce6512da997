"""Named queries from `.sql` files, and the one thing they cannot say themselves: many rows at once."""

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_AS_IT_IS = 32

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load(package: str, *names: str) -> dict[str, str]:
    """The queries of a package's `queries/<name>.sql` files, by their names."""
    found: dict[str, str] = {}
    for name in names:
        text = files(package).joinpath("queries", f"{name}.sql").read_text()
        _, *parts = _NAME.split(text)
        found.update(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    return found


class Migration(NamedTuple):
    """One step of a schema."""

    number: int
    name: str
    text: str


class Plan(NamedTuple):
    """What a database has, by name, and what it needs; both in order."""

    applied: list[str]
    pending: list[Migration]


def migrations(package: str) -> list[Migration]:
    """A package's migrations in order."""
    folder = files(package).joinpath("migrations")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, folder.joinpath(name).read_text()) for name in found]


@cache
def with_rows(sql: str, rows: int, columns: int) -> str:
    """A query with `:rows` filled by that many tuples of placeholders."""
    row = f"({', '.join('?' * columns)})"
    return sql.replace(":rows", ", ".join([row] * rows))


def chunks(total: int) -> list[int]:
    """How to cut `total` rows: in powers of two, and what is under 32 as it is.

    So there are few different statements, all stay prepared, and a usual batch takes one or two.
    SQLite takes 32,766 values in a statement; 512 rows of our widest table are 7,168.
    """
    sizes = []
    size = 512
    while total >= _AS_IT_IS:
        while size > total:
            size //= 2
        sizes.append(size)
        total -= size
    return [*sizes, total] if total else sizes
