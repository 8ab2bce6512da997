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


@click.group(invoke_without_command=True)
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the database to this version. `serve` does so by itself with SQLite, and in development."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(up)


@migrate.command()
@_database_options
def up(config_file: Path | None, database: str | None) -> None:
    """Apply what is pending. Several machines may do so at once: one applies, the others wait."""
    from hookferry import databases

    for name in databases.migrate(settings_of(config_file, database=database)):
        click.echo(f"Applied {name}.", err=True)
    click.echo("The database is up to date.", err=True)


@migrate.command()
@output_option
@_database_options
def status(out: "Output", config_file: Path | None, database: str | None) -> None:
    """List the migrations, applied and pending. Changes nothing."""
    from hookferry import databases

    plan = databases.migrations_of(settings_of(config_file, database=database))
    rows = [(name, "applied") for name in plan.applied]
    rows += [(migration.name, "pending") for migration in plan.pending]
    out.rows({"migration": name, "state": state} for name, state in rows)


@migrate.command()
@_database_options
def plan(config_file: Path | None, database: str | None) -> None:
    """Print the SQL of what is pending. Changes nothing."""
    from hookferry import databases

    for migration in databases.migrations_of(settings_of(config_file, database=database)).pending:
        click.echo(f"-- {migration.name}\n{migration.text}")


@migrate.command()
@click.option("--from", "source", required=True, metavar="URL", help="The SQLite file: sqlite:///FILE.")
@click.option("--to", "database", metavar="URL", help="The PostgreSQL database; else HOOKFERRY_DATABASE.")
@output_option
@config_option
def copy(out: "Output", config_file: Path | None, source: str, database: str | None) -> None:
    """Move everything from a SQLite file to an empty PostgreSQL database, all or nothing.

    Stop the server on the file first. Secrets are read with the file's key file, or HOOKFERRY_SECRET_KEY, and
    encrypted anew with HOOKFERRY_SECRET_KEY. If it is cut short, begin again.
    """
    import msgspec

    from hookferry import databases
    from hookferry.cli.copying import progress
    from hookferry.errors import ConfigError

    target = settings_of(config_file, database=database)
    if target.embedded:
        raise ConfigError("Name a PostgreSQL database with HOOKFERRY_DATABASE, or --to.", field="database")
    if not source.startswith("sqlite:///"):
        raise ConfigError('--from: expected "sqlite:///FILE"', field="from")
    with progress() as tell:
        copied = databases.copy(msgspec.structs.replace(target, database=source), target, tell)
    out.rows({"table": table, "rows": str(rows)} for table, rows in copied.items())
    click.echo(
        "Copied. Start servers on the new database, and none on the old file: what waits there would be "
        "delivered twice.",
        err=True,
    )


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

    from hookferry import databases

    pruned = databases.prune(settings_of(config_file, **flags))
    out.one(msgspec.Raw(msgspec.json.encode(pruned)))
