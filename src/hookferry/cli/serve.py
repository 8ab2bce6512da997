"""`hookferry serve`: the API and the delivery engine in one process."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hookferry.cli.options import config_option, settings_of

if TYPE_CHECKING:
    from hookferry.config import Setting


class ServeCommand(click.Command):
    """A command with a flag for each of the server's settings, as config.py declares them.

    They are made when they are asked for: the list of all commands does without the settings.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*self._flags, *super().get_params(ctx)]

    @cached_property
    def _flags(self) -> list[click.Option]:
        from hookferry.config import SETTINGS

        return [
            _flag(setting)
            for setting in SETTINGS.values()
            if not setting.about.secret and not setting.about.client
        ]


def _flag(setting: "Setting") -> click.Option:
    names = [setting.flag, setting.name]
    kind, shown = setting.about.kind, setting.write(setting.default)
    if isinstance(setting.default, bool):
        return click.Option(names, is_flag=True, default=None, help=setting.about.help)
    repeatable = isinstance(setting.default, tuple)
    more = f"  [default: {shown}]" if shown else "  [repeatable]" if repeatable else ""
    metavar = kind.word if "|" in kind.word else kind.word.upper()
    multiple = repeatable or kind.alone
    return click.Option(names, multiple=multiple, metavar=metavar, help=setting.about.help + more)


@click.command(cls=ServeCommand)
@config_option
@click.pass_context
def serve(ctx: click.Context, /, config_file: Path | None, **flags: object) -> None:
    """Run the API and the delivery engine.

    It needs HOOKFERRY_ADMIN_KEY for the first key (32 characters or more), or --dev to try things out.
    Each setting can also come from HOOKFERRY_* or hookferry.toml; secrets come only from there.
    """
    settings = settings_of(config_file, **flags)
    from hookferry import app

    ctx.exit(app.serve(settings))
