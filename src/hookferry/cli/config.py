"""`hookferry config`: which settings hold, and where they come from."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hookferry.cli.options import config_option, output_option

if TYPE_CHECKING:
    from hookferry.cli.output import Output


@click.group()
def config() -> None:
    """Settings."""


@config.command()
@config_option
@output_option
def show(out: "Output", config_file: Path | None) -> None:
    """Show each setting, its value and where it comes from; secrets as stars."""
    from hookferry.config import SETTINGS, build, find

    found = find({}, os.environ, Path.cwd(), config_file)
    settings = build(found)
    out.rows(
        {
            "setting": setting.name,
            "value": setting.write(getattr(settings, setting.name)),
            "from": found[setting.name].origin if setting.name in found else "default",
        }
        for setting in SETTINGS.values()
    )
