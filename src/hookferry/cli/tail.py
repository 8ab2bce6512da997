"""`hookferry tail`: attempts as they happen."""

from typing import TYPE_CHECKING

import click

from hookferry.cli.options import output_option, tenant_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output


@click.command()
@output_option
@tenant_options
def tail(api: "Api", out: "Output") -> None:
    """Print attempts as they happen, until Ctrl-C."""
    from hookferry.cli.live import attempts

    for record, text in attempts(api.lines(api.tenant("tail"))):
        out.live(record, text)
    click.echo("The server has ended the stream.", err=True)
