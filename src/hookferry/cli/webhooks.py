"""`hookferry webhooks`: where a tenant wants its events. The API calls them endpoints."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.deliveries import ATTEMPT_COLUMNS
from hookferry.cli.inputs import read_headers, read_text
from hookferry.cli.options import (
    duration,
    given,
    limit,
    output_option,
    page_options,
    subscription_options,
    tenant_options,
)

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "status", "health.state", "url", "event_types", "name")


@click.group()
def webhooks() -> None:
    """Endpoints: where events are delivered to."""


def _described(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what an endpoint is like, each None if it is not given."""
    for option in (
        click.option(
            "--rate-limit", type=limit, metavar="N", help="Requests a second at most, or `none` for no limit."
        ),
        click.option("--timeout", type=duration, help="How long an attempt may take, in all."),
        click.option(
            "--header",
            "headers",
            multiple=True,
            callback=lambda *args: read_headers(*args) or None,
            metavar="NAME:VALUE",
            help="A header to send along; repeatable.",
        ),
        click.option("--name", help="A name for people."),
        subscription_options,
    ):
        command = option(command)
    return command


_own_secret = click.option(
    "--secret",
    callback=lambda ctx, option, secret: None if secret is None else read_text(secret),
    help="A signing secret of your own, or @FILE; else one is made.",
)


@webhooks.command()
@click.option("--url", required=True, help="Where to deliver to.")
@_described
@_own_secret
@output_option
@tenant_options
def register(api: "Api", out: "Output", **wanted: Any) -> None:
    """Register an endpoint and print its secret, or its public key where a secret is never shown."""
    out.one(api.call("POST", api.tenant("endpoints"), given(wanted)))


@webhooks.command("list")
@page_options
@output_option
@tenant_options
def list_webhooks(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List endpoints, the newest first."""
    out.page(api.rows(api.tenant("endpoints"), {}, limit, cursor), _COLUMNS)


@webhooks.command()
@click.argument("endpoint")
@click.option("--url", help="Where to deliver to.")
@_described
@output_option
@tenant_options
def update(api: "Api", out: "Output", endpoint: str, **wanted: Any) -> None:
    """Change what is given of an endpoint and leave the rest."""
    out.one(api.call("PATCH", api.tenant("endpoints", endpoint), given(wanted)))


@webhooks.command()
@click.argument("endpoint")
@output_option
@tenant_options
def show(api: "Api", out: "Output", endpoint: str) -> None:
    """Show one endpoint."""
    out.one(api.get(api.tenant("endpoints", endpoint)))


@webhooks.command()
@click.argument("endpoint")
@output_option
@tenant_options
def pause(api: "Api", out: "Output", endpoint: str) -> None:
    """Hold what the endpoint would receive until it is resumed."""
    out.one(api.call("POST", api.tenant("endpoints", endpoint, "pause")))


@webhooks.command()
@click.argument("endpoint")
@output_option
@tenant_options
def resume(api: "Api", out: "Output", endpoint: str) -> None:
    """Let a paused or disabled endpoint receive again."""
    out.one(api.call("POST", api.tenant("endpoints", endpoint, "resume")))


@webhooks.command()
@click.argument("endpoint")
@click.option("--overlap", type=duration, help="How long the old secret signs along; else the contract's.")
@_own_secret
@output_option
@tenant_options
def rotate(api: "Api", out: "Output", endpoint: str, **wanted: Any) -> None:
    """Give an endpoint a new secret and print it."""
    out.one(api.call("POST", api.tenant("endpoints", endpoint, "rotate"), given(wanted)))


@webhooks.command()
@click.argument("endpoint")
@output_option
@tenant_options
def test(api: "Api", out: "Output", endpoint: str) -> None:
    """Send the endpoint a test event."""
    out.one(api.call("POST", api.tenant("endpoints", endpoint, "test")))


@webhooks.command()
@click.argument("endpoint")
@page_options
@output_option
@tenant_options
def executions(api: "Api", out: "Output", endpoint: str, limit: int, cursor: str | None) -> None:
    """List the attempts at an endpoint, the newest first."""
    out.page(api.rows(api.tenant("endpoints", endpoint, "attempts"), {}, limit, cursor), ATTEMPT_COLUMNS)


@webhooks.command()
@click.argument("endpoint")
@output_option
@tenant_options
def delete(api: "Api", out: "Output", endpoint: str) -> None:
    """Delete an endpoint and cancel what waits for it."""
    out.one(api.call("DELETE", api.tenant("endpoints", endpoint)))
