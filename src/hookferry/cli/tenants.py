"""`hookferry tenants`: the customers of the product."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.options import given, limit, output_option, page_options, server_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "name", "contract", "features", "created_at")


@click.group()
def tenants() -> None:
    """Tenants: the customers that events belong to."""


def _quota_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options for a tenant's quotas; the command gets `quotas`, None without any."""

    @click.option(
        "--events-per-second",
        type=limit,
        metavar="N",
        help="How many events it may publish, or `none` for no quota.",
    )
    @click.option(
        "--waiting",
        type=limit,
        metavar="N",
        help="How many of its deliveries may wait while it publishes, or `none`.",
    )
    @wraps(command)
    def wanting(*args: Any, events_per_second: Any, waiting: Any, **rest: Any) -> None:
        quotas = given({"events_per_second": events_per_second, "waiting": waiting})
        command(*args, quotas=quotas or None, **rest)

    return wanting


@tenants.command()
@click.argument("name")
@click.option("--id", help="Your own id for it; else one is made.")
@click.option("--contract", help="The wire format of its webhooks; else `standard`.")
@click.option("--feature", "features", multiple=True, help="Turn this feature on for it; repeatable.")
@_quota_options
@output_option
@server_options
def create(api: "Api", out: "Output", **wanted: Any) -> None:
    """Make a tenant."""
    out.one(api.call("POST", api.path("tenants"), given(wanted)))


@tenants.command("list")
@page_options
@output_option
@server_options
def list_tenants(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List tenants."""
    out.page(api.rows(api.path("tenants"), {}, limit, cursor), _COLUMNS)


@tenants.command()
@click.argument("id")
@output_option
@server_options
def show(api: "Api", out: "Output", id: str) -> None:
    """Show one tenant."""
    out.one(api.get(api.path("tenants", id)))


@tenants.command()
@click.argument("id")
@click.option("--name", help="Its new name.")
@click.option("--contract", help="Another wire format; works while it has no endpoints.")
@click.option("--contract-version", metavar="VERSION", help="Move it to this version, or to `latest`.")
@click.option("--feature", "on", multiple=True, help="Turn this feature on for it; repeatable.")
@click.option("--no-feature", "off", multiple=True, help="Turn this feature off for it; repeatable.")
@_quota_options
@output_option
@server_options
def update(
    api: "Api", out: "Output", id: str, on: tuple[str, ...], off: tuple[str, ...], **wanted: Any
) -> None:
    """Change what is given of a tenant and leave the rest."""
    if on or off:
        wanted["features"] = _switched(api.get(api.path("tenants", id)), on, off)
    out.one(api.call("PATCH", api.path("tenants", id), given(wanted)))


def _switched(tenant: bytes, on: tuple[str, ...], off: tuple[str, ...]) -> list[str]:
    """The features of a tenant with some turned on and some off; the API takes all of them at once."""
    import msgspec

    features: list[str] = msgspec.json.decode(tenant)["features"]
    return sorted({*features, *on} - set(off))


@tenants.command()
@click.argument("id")
@click.confirmation_option(prompt="Delete the tenant with its keys and endpoints, and cancel what waits?")
@output_option
@server_options
def delete(api: "Api", out: "Output", id: str) -> None:
    """Delete a tenant with its keys and endpoints, and cancel what waits for them."""
    out.one(api.call("DELETE", api.path("tenants", id)))
