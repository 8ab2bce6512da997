"""`hookferry deliveries` and `hookferry retry`: what goes where, and how it went."""

from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.options import output_option, page_options, tenant_options, time_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "status", "type", "endpoint", "attempts", "next_attempt_at")
_STATUSES = ("pending", "succeeded", "failed", "cancelled")
ATTEMPT_COLUMNS = ("number", "started_at", "outcome", "status_code", "duration_ms", "delivery")


@click.group()
def deliveries() -> None:
    """Deliveries: one event for one endpoint."""


@deliveries.command("list")
@click.option(
    "--status", type=click.Choice(_STATUSES), multiple=True, help="Only deliveries in this state; repeatable."
)
@click.option("--endpoint", metavar="ID", help="Only deliveries for this endpoint.")
@click.option("--event", metavar="ID", help="Only deliveries of this event.")
@click.option("--type", help="Only deliveries of events of this type.")
@time_options
@page_options
@output_option
@tenant_options
def list_deliveries(api: "Api", out: "Output", limit: int, cursor: str | None, **filters: Any) -> None:
    """List deliveries, the newest first."""
    out.page(api.rows(api.tenant("deliveries"), filters, limit, cursor), _COLUMNS)


@deliveries.command()
@click.argument("delivery")
@output_option
@tenant_options
def show(api: "Api", out: "Output", delivery: str) -> None:
    """Show one delivery."""
    out.one(api.get(api.tenant("deliveries", delivery)))


@deliveries.command()
@click.argument("delivery")
@page_options
@output_option
@tenant_options
def attempts(api: "Api", out: "Output", delivery: str, limit: int, cursor: str | None) -> None:
    """List the attempts of one delivery, the newest first."""
    out.page(api.rows(api.tenant("deliveries", delivery, "attempts"), {}, limit, cursor), ATTEMPT_COLUMNS)


@deliveries.command()
@click.argument("delivery")
@output_option
@tenant_options
def cancel(api: "Api", out: "Output", delivery: str) -> None:
    """Cancel a delivery that is still pending."""
    out.one(api.call("POST", api.tenant("deliveries", delivery, "cancel")))


@click.command()
@click.argument("delivery")
@output_option
@tenant_options
def retry(api: "Api", out: "Output", delivery: str) -> None:
    """Send a delivery again: a pending one now, a final one as a new delivery."""
    out.one(api.call("POST", api.tenant("deliveries", delivery, "retry")))
