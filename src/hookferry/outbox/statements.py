"""The SQL that runs in the application's database."""

from functools import cache


@cache
def add() -> str:
    """Adds a row, with a placeholder `:column` for each value."""
    return _read("queries", "add.sql")


@cache
def schema(dialect: str) -> str:
    """The table for `postgresql` or `sqlite`, for the application's own migrations. Raises ValueError."""
    if dialect not in ("postgresql", "sqlite"):
        raise ValueError(f"the outbox has a table for postgresql and sqlite, not for {dialect!r}")
    return _read("schema", f"{dialect}.sql")


def statements(dialect: str) -> list[str]:
    """The same, cut into single statements."""
    return [part.strip() for part in schema(dialect).split(";") if part.strip()]


def _read(folder: str, name: str) -> str:
    # Here, for it is half the time that importing this package would take.
    from importlib.resources import files

    return files("hookferry.outbox").joinpath(folder, name).read_text("utf-8")
