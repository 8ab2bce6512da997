"""Options that several commands share, as decorators."""

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.inputs import read_labels

if TYPE_CHECKING:
    from hookferry.cli.output import Output
    from hookferry.config import Settings

Command = Callable[..., None]

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read settings from FILE instead of ./hookferry.toml.",
)


def settings_of(config_file: Path | None, **flags: object) -> "Settings":
    """The settings of this process, with flags by name. Raises ConfigError."""
    from hookferry.config import load

    return load(flags, os.environ, Path.cwd(), config_file)


def server_options(command: Command) -> Command:
    """Options that say which server to talk to; the command gets an `Api` as its first argument."""

    @config_option
    @click.option("--server", metavar="URL", help="The server; else HOOKFERRY_URL.")
    @click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Read the key from FILE; else HOOKFERRY_KEY.",
    )
    @wraps(command)
    def connected(
        *,
        config_file: Path | None,
        server: str | None,
        key_file: Path | None,
        tenant: str | None = None,
        **rest: Any,
    ) -> None:
        from hookferry.cli.client import Api

        key = key_file.read_text("utf-8", "replace").strip() if key_file else None
        with Api(settings_of(config_file, url=server, key=key, tenant=tenant)) as api:
            command(api, **rest)

    return connected


def tenant_options(command: Command) -> Command:
    """As `server_options`, for commands about one tenant."""
    option = click.option(
        "--tenant", metavar="ID", help="The tenant; else HOOKFERRY_TENANT, or the only one."
    )
    return option(server_options(command))


format_option = click.option(
    "-o",
    "--output",
    "format",
    type=click.Choice(["table", "json", "jsonl"]),
    help="How to print: by default a table on a terminal, JSON elsewhere.",
)


def output_in(format: str | None) -> "Output":
    """What prints in a format, or in the one that suits where it goes."""
    from hookferry.cli.output import Output

    return Output(format or ("table" if sys.stdout.isatty() else "json"))


def output_option(command: Command) -> Command:
    """The option `-o`; the command gets an `Output` as its argument `out`."""

    @format_option
    @wraps(command)
    def printing(*args: Any, format: str | None, **rest: Any) -> None:
        command(*args, out=output_in(format), **rest)

    return printing


def page_options(command: Command) -> Command:
    """Options that say which part of a list to print; the command gets `limit` and `cursor`."""
    limit = click.option(
        "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many rows to print."
    )
    cursor = click.option("--cursor", help="Go on after an earlier page: its `next`.")
    return limit(cursor(command))


def subscription_options(command: Command) -> Command:
    """Options that say which events are wanted; the command gets `event_types` and `scope`, None for all."""
    types = click.option(
        "--on",
        "event_types",
        multiple=True,
        callback=lambda ctx, option, types: types or None,
        metavar="TYPE",
        help="An event type; repeatable. Without it all.",
    )
    scope = click.option(
        "--scope",
        multiple=True,
        callback=read_labels,
        metavar="LABEL=VALUE",
        help="Only events with this value of this label; repeatable.",
    )
    return types(scope(command))


def given(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of a command's options: those that are not None."""
    return {name: value for name, value in wanted.items() if value is not None}


def time_options(command: Command) -> Command:
    """Options that narrow a list to a time; the command gets `since` and `until`."""
    since = click.option(
        "--since", callback=moment, metavar="TIME", help='From this time on: "2h" ago, or ISO 8601.'
    )
    until = click.option("--until", callback=moment, metavar="TIME", help="Before this time.")
    return since(until(command))


def moment(ctx: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """A callback for times: a duration ago as ISO 8601; anything else as it is, for the server to read."""
    if text is None:
        return None
    from datetime import UTC, datetime, timedelta

    from hookferry.units import read_duration

    try:
        ago = timedelta(seconds=read_duration(text))
    except ValueError:
        return text
    return (datetime.now(UTC) - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def limit(text: str) -> Any:
    """A type for options: a number, or a null that is sent as one for `none`."""
    from math import isfinite

    from msgspec import Raw

    if text == "none":
        return Raw(b"null")
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise click.BadParameter(f"expected a number or none, got {text!r}")
    return int(number) if number.is_integer() else number


def duration(text: str) -> float:
    """A type for options: seconds."""
    from hookferry.units import read_duration

    try:
        return read_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"expected {error}, got {text!r}") from None
