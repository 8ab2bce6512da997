"""`hookferry migrate` and `hookferry prune`: the commands that open the database themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hookferry.cli.options import config_option, output_option, settings_of

if TYPE_CHECKING:
    from hookferry.cli.output import Output


def _database_options(command: Callable[..., None]) -> Callable[..., None]:
    database = click.option("--database", metavar="URL", help="The database; else HOOKFERRY_DATABASE.")
    return config_option(database(command))


@click.command()
@_database_options
def migrate(config_file: Path | None, database: str | None) -> None:
    """Bring the database to this version. `serve` does so by itself with SQLite."""
    from hookferry import app

    for name in app.migrate(settings_of(config_file, database=database)):
        click.echo(f"Applied {name}.", err=True)
    click.echo("The database is up to date.", err=True)


@click.command()
@click.option("--retention", metavar="DURATION", help="Keep finished work for so long.")
@click.option("--body-retention", metavar="DURATION", help="Keep payloads and answers for so long.")
@output_option
@_database_options
def prune(out: "Output", config_file: Path | None, **flags: str | None) -> None:
    """Delete history that is older than the retention, and print how much.

    `serve` does so by itself, in the background, and owns the database meanwhile.
    """
    import msgspec

    from hookferry import app

    pruned = app.prune(settings_of(config_file, **flags))
    out.one(msgspec.Raw(msgspec.json.encode(pruned)))
