"""`hookferry event-types`: the catalogue."""

from typing import TYPE_CHECKING

import click

from hookferry.cli.options import output_option, page_options, server_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("name", "title", "description", "deprecated")


@click.group("event-types")
def event_types() -> None:
    """Event types: what can be subscribed to."""


@event_types.command("list")
@page_options
@output_option
@server_options
def list_types(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List the catalogue, by name."""
    out.page(api.rows(api.path("event-types"), {}, limit, cursor), _COLUMNS)
