"""`hookferry members`: a tenant's people, each with a role."""

from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.options import given, output_option, page_options, tenant_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "name", "email", "role", "created_at")


@click.group()
def members() -> None:
    """Members: a tenant's people. `keys create --member` makes a key for one."""


@members.command()
@click.argument("name")
@click.option("--role", required=True, metavar="ROLE", help="The id of the role that the member has.")
@click.option("--email", help="An address for people to see.")
@output_option
@tenant_options
def create(api: "Api", out: "Output", **wanted: Any) -> None:
    """Add a member."""
    out.one(api.call("POST", api.tenant("members"), given(wanted)))


@members.command("list")
@page_options
@output_option
@tenant_options
def list_members(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List members, the newest first."""
    out.page(api.rows(api.tenant("members"), {}, limit, cursor), _COLUMNS)


@members.command()
@click.argument("member")
@output_option
@tenant_options
def show(api: "Api", out: "Output", member: str) -> None:
    """Show one member."""
    out.one(api.get(api.tenant("members", member)))


@members.command()
@click.argument("member")
@click.option("--name", help="The new name.")
@click.option("--role", metavar="ROLE", help="The id of another role; it holds at once.")
@click.option("--email", help="Another address.")
@output_option
@tenant_options
def update(api: "Api", out: "Output", member: str, **wanted: Any) -> None:
    """Change what is given of a member and leave the rest."""
    out.one(api.call("PATCH", api.tenant("members", member), given(wanted)))


@members.command()
@click.argument("member")
@output_option
@tenant_options
def delete(api: "Api", out: "Output", member: str) -> None:
    """Delete a member; the member's keys end at once."""
    out.one(api.call("DELETE", api.tenant("members", member)))
