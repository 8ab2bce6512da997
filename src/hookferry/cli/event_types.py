"""`hookferry event-types`: the catalogue."""

from typing import TYPE_CHECKING

import click

from hookferry.cli.inputs import read_contract
from hookferry.cli.options import format_option, output_in, output_option, page_options, tenant_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("name", "title", "description", "deprecated")


@click.group("event-types", invoke_without_command=True)
@click.option("--contract", metavar="NAME|FILE", help="List this contract's, without a server.")
@format_option
@click.pass_context
def event_types(ctx: click.Context, contract: str | None, format: str | None) -> None:
    """Event types: what can be subscribed to."""
    if ctx.invoked_subcommand is not None:
        return
    if contract is None:
        raise click.UsageError("Name a --contract, or `list` what the server has.")
    import msgspec

    from hookferry.cli.client import Page

    types = read_contract(contract)[1].catalogue.values()
    output_in(format).page(Page([msgspec.Raw(msgspec.json.encode(type)) for type in types]), _COLUMNS)


@event_types.command("list")
@page_options
@output_option
@tenant_options
def list_types(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List what a tenant can subscribe to; without one the deployment's catalogue."""
    path = api.tenant("event-types") if api.names_tenant else api.path("event-types")
    out.page(api.rows(path, {}, limit, cursor), _COLUMNS)
