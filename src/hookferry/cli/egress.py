"""`hookferry egress`: where deliveries come from."""

from typing import TYPE_CHECKING

import click

from hookferry.cli.options import output_option, server_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output


@click.command()
@output_option
@server_options
def egress(api: "Api", out: "Output") -> None:
    """Print the addresses that deliveries come from, for receivers that allow by address."""
    out.one(api.get(api.path("egress")))
