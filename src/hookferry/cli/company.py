"""A company's own command (TT-16): its customers' part of this command line, with its contract's defaults.

`python -m hookferry.cli.company CONTRACT ARGUMENT...` runs it; `install` writes a script that does.
"""

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from hookferry.cli.main import CommandLine
from hookferry.errors import Conflict, HookferryError, Invalid

if TYPE_CHECKING:
    from hookferry.contracts import Contract

_MARK = "Made by `hookferry contracts command`"
# What works with a customer's key, or without a server.
_COMMANDS = (
    "webhooks",
    "event-types",
    "events",
    "deliveries",
    "retry",
    "send",
    "tail",
    "listen",
    "sign",
    "verify",
)
_OF_A_CONTRACT = ("event-types", "listen", "sign", "verify")


class CompanyLine(CommandLine):
    """The commands of a company's customers."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return super().get_command(ctx, name) if name in _COMMANDS else None


def install(contract: "Contract", source: str, folder: Path) -> Path:
    """Write the script of a contract's command into a folder, which is made if it is not there.

    `source` is the contract's name or absolute path. Raises Invalid for a contract without a command,
    Conflict rather than replace a file that is not ours.
    """
    if contract.command is None:
        raise Invalid(f"The contract {contract.name} names no command.", field="command")
    path = folder / contract.command
    if path.exists() and _MARK not in path.read_text("utf-8", "replace"):
        raise Conflict(f"{path} is there already, and is another program.")
    folder.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(_script(contract, source), "utf-8")
    new.chmod(0o755)
    new.replace(path)
    return path


def _script(contract: "Contract", source: str) -> str:
    # A `#!` line cannot name an interpreter with a blank in its path. -P: a file of the working folder that
    # is called like a module must not run.
    return f"""#!/bin/sh
# {contract.command}: webhooks of {contract.name}. {_MARK}.
# HOOKFERRY_URL says where the server is, HOOKFERRY_KEY holds the key.
exec {quote(sys.executable)} -P -m {__name__} {quote(source)} "$@"
"""


def line(contract: "Contract", source: str) -> CompanyLine:
    """The command line of a contract's company."""
    defaults = {command: {"contract": source} for command in _OF_A_CONTRACT}
    return CompanyLine(
        name=contract.command,
        help=f"Webhooks of {contract.title}.\n\n"
        "HOOKFERRY_URL says where the server is, HOOKFERRY_KEY holds your key.",
        context_settings={"help_option_names": ["-h", "--help"], "default_map": defaults},
    )


if __name__ == "__main__":
    from hookferry.cli.inputs import read_contract

    _, source, *arguments = sys.argv
    try:
        contract = read_contract(source)[1]
    except HookferryError as error:
        sys.exit(f"Error: {error.message}")
    line(contract, source)(arguments, prog_name=contract.command)
