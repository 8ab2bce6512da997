"""`hookferry serve`: the API and the delivery engine in one process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hookferry.cli.options import config_option, settings_of
from hookferry.config import SETTINGS, Setting


def _flag(setting: Setting) -> Callable[..., Any]:
    kind, shown = setting.about.kind, setting.write(setting.default)
    help = setting.about.help + (f"  [default: {shown}]" if shown and shown != "false" else "")
    if isinstance(setting.default, bool):
        return click.option(setting.flag, setting.name, is_flag=True, default=None, help=help)
    multiple = isinstance(setting.default, tuple)
    metavar = kind.word if "|" in kind.word else kind.word.upper()
    return click.option(setting.flag, setting.name, multiple=multiple, metavar=metavar, help=help)


def _settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """A flag for each of the server's settings, as config.py declares them."""
    for setting in reversed(SETTINGS.values()):
        if not setting.about.secret and not setting.about.client:
            command = _flag(setting)(command)
    return command


@click.command()
@config_option
@_settings
@click.pass_context
def serve(ctx: click.Context, /, config_file: Path | None, **flags: object) -> None:
    """Run the API and the delivery engine.

    It needs HOOKFERRY_ADMIN_KEY for the first key (32 characters or more), or --dev to try things out.
    Each setting can also come from HOOKFERRY_* or hookferry.toml; secrets come only from there.
    """
    settings = settings_of(config_file, **flags)
    from hookferry import app

    ctx.exit(app.serve(settings))
