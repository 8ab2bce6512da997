"""Which table a URL names."""

from pathlib import Path

from hookferry.errors import ConfigError
from hookferry.kinds import SQLITE
from hookferry.outbox.table import Table


def open_table(url: str) -> Table:
    """The outbox in a database, `sqlite:///FILE` or `postgresql://...`. Raises ConfigError."""
    if url.startswith(SQLITE):
        from hookferry.outbox.sqlite import SqliteTable

        return SqliteTable(Path(url.removeprefix(SQLITE)))
    try:
        from hookferry.outbox.postgresql import PostgresTable
    except ModuleNotFoundError:
        raise ConfigError("PostgreSQL needs one library more: pip install 'hookferry[postgres]'.") from None
    return PostgresTable(url)
