"""`hookferry events` and `hookferry explain`: what happened, and why it went where it went."""

from typing import TYPE_CHECKING

import click

from hookferry.cli.options import output_option, page_options, tenant_options, time_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "type", "occurred_at", "idempotency_key")


@click.group()
def events() -> None:
    """Events that were published."""


@events.command("list")
@click.option("--type", help="Only events of this type.")
@click.option("--idempotency-key", help="Only the event that was published with this key.")
@time_options
@page_options
@output_option
@tenant_options
def list_events(api: "Api", out: "Output", limit: int, cursor: str | None, **filters: str | None) -> None:
    """List events, the newest first."""
    out.page(api.rows(api.tenant("events"), filters, limit, cursor), _COLUMNS)


@events.command()
@click.argument("event")
@output_option
@tenant_options
def show(api: "Api", out: "Output", event: str) -> None:
    """Show one event with its payload."""
    out.one(api.get(api.tenant("events", event)))


@click.command()
@click.argument("event")
@click.argument("endpoint")
@output_option
@tenant_options
def explain(api: "Api", out: "Output", event: str, endpoint: str) -> None:
    """Say why an event went to an endpoint, or why not."""
    found = api.get(api.tenant("events", event, "explain"), {"endpoint": endpoint})
    if out.format != "table":
        out.one(found)
        return
    import msgspec

    from hookferry.cli.output import cell

    for reason in msgspec.json.decode(found)["reasons"]:
        click.echo(cell(reason["text"]))
