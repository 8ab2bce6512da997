"""`hookferry keys`: who may use the API."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.options import Command, given, output_option, page_options, server_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "prefix", "name", "tenant", "permissions", "member", "created_at", "expires_at")
_PERMISSIONS = ("events:write", "events:read", "webhooks:read", "webhooks:write", "webhooks:delete", "admin")


def permission_option(text: str) -> Callable[[Command], Command]:
    """The option `--permission`; the command gets `permissions`, None if it is not given."""
    return click.option(
        "--permission",
        "permissions",
        type=click.Choice(_PERMISSIONS),
        multiple=True,
        callback=lambda ctx, option, words: words or None,
        help=f"{text}; repeatable.",
    )


@click.group()
def keys() -> None:
    """Keys for the API."""


@keys.command()
@permission_option("What the key may do")
@click.option("--member", metavar="ID", help="Whose key it is: it may do what the member's role says.")
@click.option("--tenant", "owner", metavar="ID", help="Bind the key to this tenant; else it is as yours.")
@click.option("--name", help="A name for people.")
@click.option("--expires-at", metavar="TIME", help="When it ends, in ISO 8601; else never.")
@output_option
@server_options
def create(api: "Api", out: "Output", owner: str | None, **wanted: Any) -> None:
    """Make a key and print it, this once.

    It has permissions of its own, or is a member's.
    """
    out.one(api.call("POST", api.path("keys"), given({"tenant": owner, **wanted})))


@keys.command("list")
@page_options
@output_option
@server_options
def list_keys(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List keys, the newest first."""
    out.page(api.rows(api.path("keys"), {}, limit, cursor), _COLUMNS)


@keys.command()
@click.argument("key")
@output_option
@server_options
def delete(api: "Api", out: "Output", key: str) -> None:
    """Revoke a key at once."""
    out.one(api.call("DELETE", api.path("keys", key)))
