"""`hookferry doctor`: is this machine ready?"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hookferry.cli.options import config_option, output_option

if TYPE_CHECKING:
    from hookferry.cli.finding import Finding
    from hookferry.cli.output import Output


@click.command()
@config_option
@output_option
@click.pass_context
def doctor(ctx: click.Context, /, out: "Output", config_file: Path | None) -> None:
    """Check settings, database, disk, limits, port and clock; the server too if HOOKFERRY_URL is set.

    Says for each what to do. Exit code 1 if one of them fails.
    """
    findings = _findings(config_file)
    out.rows(
        {"check": each.check, "state": each.state, "found": each.found, "advice": each.advice}
        for each in findings
    )
    if any(each.state == "fail" for each in findings):
        ctx.exit(1)


def _findings(config_file: Path | None) -> "list[Finding]":
    from hookferry.cli.checks import check_all
    from hookferry.cli.finding import Finding, State
    from hookferry.config import FILE, build, find
    from hookferry.errors import ConfigError

    try:
        found = find({}, os.environ, Path.cwd(), config_file)
        settings = build(found)
    except ConfigError as error:
        return [
            Finding(
                "settings", State.FAIL, error.message, "Mend it; docs/configuration.md lists all settings."
            )
        ]
    count = f"{len(found)} given, the others by default"
    return [
        Finding("settings", State.OK, count),
        *check_all(settings, config_file or Path(FILE), "url" in found),
    ]
