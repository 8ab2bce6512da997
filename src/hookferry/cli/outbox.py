"""`hookferry outbox`: events that an application wrote in its own transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hookferry.cli.options import config_option, duration, output_option, server_options, settings_of

if TYPE_CHECKING:
    import asyncio

    from hookferry.cli.client import Api
    from hookferry.cli.output import Output
    from hookferry.outbox.table import Table

_COLUMNS = ("id", "tenant", "type", "failed_at", "error")

from_option = click.option(
    "--from",
    "database",
    metavar="URL",
    help="The application's database, postgresql://... or sqlite:///FILE; else HOOKFERRY_OUTBOX.",
)


@click.group()
def outbox() -> None:
    """Relay events that an application wrote in its own transactions."""


@outbox.command()
@click.option(
    "--dialect", type=click.Choice(["postgresql", "sqlite"]), required=True, help="For which database."
)
def schema(dialect: str) -> None:
    """Print the table, for the application's own migrations."""
    from hookferry.outbox import schema as text

    click.echo(text(dialect), nl=False)


@outbox.command()
@from_option
@click.option("--poll", type=duration, default="200ms", show_default=True, help="How often to look for rows.")
@click.option("--once", is_flag=True, help="Relay what waits now, and end.")
@server_options
def relay(api: "Api", database: str | None, poll: float, once: bool) -> None:
    """Publish what is in the outbox, one event for each row, until SIGTERM.

    The key needs the permissions events:write and events:read. Several relays share the work. With --once the
    exit code is 6 if the server or the database cannot be reached, and then nothing is lost.
    """
    import asyncio

    from hookferry.cli.output import cell
    from hookferry.outbox.relay import Relay

    def tell(text: str) -> None:
        click.echo(cell(text), err=True)

    async def run() -> None:
        async with _opened(database, click.get_current_context().params["config_file"]) as table:
            relay = Relay(table, _Hookferry(api), poll, tell)
            if once:
                await relay.drain()
            else:
                stop = _terminated()
                tell("Relaying until SIGTERM.")
                await relay.run(stop)

    asyncio.run(run())


@outbox.command()
@from_option
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many rows to print."
)
@output_option
@config_option
def failed(out: "Output", database: str | None, config_file: Path | None, limit: int) -> None:
    """List rows that were refused, with the reason. They wait until they are put back."""
    import asyncio

    import msgspec

    from hookferry.cli.client import Page

    async def read() -> list[msgspec.Raw]:
        async with _opened(database, config_file) as table:
            return [msgspec.Raw(msgspec.json.encode(row)) for row in await table.failed(limit + 1)]

    rows = asyncio.run(read())
    out.page(Page(rows[:limit]), _COLUMNS)
    if len(rows) > limit:
        click.echo("There is more: raise --limit.", err=True)


@outbox.command()
@click.argument("row", required=False)
@click.option("--all", "everything", is_flag=True, help="Put all of them back.")
@from_option
@config_option
def retry(row: str | None, everything: bool, database: str | None, config_file: Path | None) -> None:
    """Put a refused ROW back, or --all of them: the relay tries again."""
    import asyncio

    from hookferry.errors import NotFound

    if (row is None) != everything:
        raise click.UsageError("Name a ROW, or say --all.")

    async def put_back() -> int:
        async with _opened(database, config_file) as table:
            return await table.retry(row)

    count = asyncio.run(put_back())
    if row is not None and not count:
        raise NotFound(f"There is no refused row {row!r}.")
    click.echo(f"{count:,} put back.", err=True)


@asynccontextmanager
async def _opened(database: str | None, config_file: Path | None) -> "AsyncIterator[Table]":
    from hookferry.errors import ConfigError
    from hookferry.outbox.opening import open_table

    url = settings_of(config_file, outbox=database).outbox
    if url is None:
        raise ConfigError("Name the application's database with --from or HOOKFERRY_OUTBOX.")
    table = open_table(url)
    try:
        yield table
    finally:
        await table.close()


def _terminated() -> "asyncio.Event":
    """Set by SIGTERM, which lets the batch at hand end."""
    import asyncio
    import signal

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return stop


class _Hookferry:
    """The API as the relay sees it; see `outbox.publishing.Api`."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    def publish(self, tenant: str, events: bytes) -> None:
        self._api.call("POST", self._api.path("tenants", tenant, "events", "batch"), events)

    def knows(self, tenant: str, key: str) -> bool:
        return bool(
            self._api.rows(self._api.path("tenants", tenant, "events"), {"idempotency_key": key}, 1).data
        )
