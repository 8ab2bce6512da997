"""`hookferry alerts`: rules that name endpoints."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.options import given, output_option, page_options, subscription_options, tenant_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "active", "name", "event_types", "scope", "endpoints")


@click.group()
def alerts() -> None:
    """Alerts: which endpoints are notified of which events."""


def _described(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what an alert is like, each None or empty if it is not given."""
    for option in (
        click.option(
            "--url",
            "urls",
            multiple=True,
            help="A new endpoint to create and to notify; repeatable. Its secret is printed.",
        ),
        click.option("--notify", multiple=True, metavar="ENDPOINT", help="An endpoint's id; repeatable."),
        subscription_options,
        click.option("--message", help="What to tell; it goes with each notification."),
    ):
        command = option(command)
    return command


def _body(wanted: dict[str, Any]) -> dict[str, Any]:
    """What was given; endpoints by their ids and new ones by their URLs are one list."""
    endpoints = [*wanted.pop("notify"), *({"url": url} for url in wanted.pop("urls"))]
    return given({**wanted, "endpoints": endpoints or None})


@alerts.command()
@click.argument("name")
@_described
@output_option
@tenant_options
def create(api: "Api", out: "Output", **wanted: Any) -> None:
    """Create an alert. It needs an endpoint at least, by --notify or --url."""
    out.one(api.call("POST", api.tenant("alerts"), _body(wanted)))


@alerts.command("list")
@page_options
@output_option
@tenant_options
def list_alerts(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List alerts, the newest first."""
    out.page(api.rows(api.tenant("alerts"), {}, limit, cursor), _COLUMNS)


@alerts.command()
@click.argument("alert")
@output_option
@tenant_options
def show(api: "Api", out: "Output", alert: str) -> None:
    """Show one alert."""
    out.one(api.get(api.tenant("alerts", alert)))


@alerts.command()
@click.argument("alert")
@click.option("--name", help="A name for people.")
@_described
@click.option("--active/--silent", default=None, help="Whether events set it off.")
@output_option
@tenant_options
def update(api: "Api", out: "Output", alert: str, **wanted: Any) -> None:
    """Change what is given of an alert and leave the rest; endpoints replace the list."""
    out.one(api.call("PATCH", api.tenant("alerts", alert), _body(wanted)))


@alerts.command()
@click.argument("alert")
@output_option
@tenant_options
def delete(api: "Api", out: "Output", alert: str) -> None:
    """Delete an alert; its endpoints stay."""
    out.one(api.call("DELETE", api.tenant("alerts", alert)))
