"""`hookferry roles`: the named sets of permissions that a tenant's members have."""

from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.keys import permission_option
from hookferry.cli.options import given, output_option, page_options, tenant_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "name", "permissions", "created_at")


@click.group()
def roles() -> None:
    """Roles: what a tenant's members may do."""


@roles.command()
@click.argument("name")
@permission_option("What its members may do")
@output_option
@tenant_options
def create(api: "Api", out: "Output", name: str, permissions: tuple[str, ...] | None) -> None:
    """Make a role; without a permission it allows nothing."""
    out.one(api.call("POST", api.tenant("roles"), {"name": name, "permissions": permissions or ()}))


@roles.command("list")
@page_options
@output_option
@tenant_options
def list_roles(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List roles, the newest first."""
    out.page(api.rows(api.tenant("roles"), {}, limit, cursor), _COLUMNS)


@roles.command()
@click.argument("role")
@output_option
@tenant_options
def show(api: "Api", out: "Output", role: str) -> None:
    """Show one role."""
    out.one(api.get(api.tenant("roles", role)))


@roles.command()
@click.argument("role")
@click.option("--name", help="Its new name.")
@permission_option("What its members may do from now on, in place of what they might")
@output_option
@tenant_options
def update(api: "Api", out: "Output", role: str, **wanted: Any) -> None:
    """Change what is given of a role; it holds for its members' keys at once."""
    out.one(api.call("PATCH", api.tenant("roles", role), given(wanted)))


@roles.command()
@click.argument("role")
@output_option
@tenant_options
def delete(api: "Api", out: "Output", role: str) -> None:
    """Delete a role that no member has."""
    out.one(api.call("DELETE", api.tenant("roles", role)))
