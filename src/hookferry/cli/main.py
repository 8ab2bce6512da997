"""The command line's entry. A command's module is imported only when it is asked for."""

from importlib import import_module
from typing import Any

import click

from hookferry.errors import (
    ConfigError,
    Conflict,
    ContractError,
    Forbidden,
    HookferryError,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unreachable,
)

_COMMANDS = {
    "serve": "serve:serve",
    "demo": "demo:demo",
    "send": "send:send",
    "webhooks": "webhooks:webhooks",
    "alerts": "alerts:alerts",
    "events": "events:events",
    "deliveries": "deliveries:deliveries",
    "retry": "deliveries:retry",
    "replay": "replay:replay",
    "jobs": "replay:jobs",
    "explain": "events:explain",
    "outbox": "outbox:outbox",
    "tail": "tail:tail",
    "listen": "listen:listen",
    "sign": "signing:sign",
    "verify": "signing:verify",
    "tenants": "tenants:tenants",
    "roles": "roles:roles",
    "members": "members:members",
    "keys": "keys:keys",
    "egress": "egress:egress",
    "event-types": "event_types:event_types",
    "contracts": "contracts:contracts",
    "migrate": "storage:migrate",
    "prune": "storage:prune",
    "config": "config:config",
    "doctor": "doctor:doctor",
}
"""A command's name, and the module of this package and the attribute that hold it."""

_EXIT_CODES: dict[type[HookferryError], int] = {
    ConfigError: 2,
    Unauthenticated: 3,
    Forbidden: 3,
    NotFound: 4,
    Invalid: 5,
    TooLarge: 5,
    Conflict: 5,
    ContractError: 5,
    Unreachable: 6,
}

_INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


class Failure(click.ClickException):
    """An error as the user sees it: one sentence on standard error, and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click declares it for the class, and reads it of the object


class CommandLine(click.Group):
    """The group of all commands: imports them lazily, turns errors into sentences and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(f"hookferry.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            meant = get_close_matches(name, _COMMANDS, n=1)
            hint = f" Did you mean {meant[0]!r}?" if meant else ""
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(_INTERRUPTED) from None
        except HookferryError as error:
            raise Failure(error.message, exit_code(error)) from None
        except BrokenPipeError:
            raise  # click ends quietly when the reader of our output is gone
        except OSError as error:
            raise Failure(f"{error.filename or 'the system'}: {error.strerror or error}", 1) from None


def exit_code(error: HookferryError) -> int:
    """The exit code for an error: 1 failure, 2 usage, 3 authentication, 4 not found, 5 invalid, 6 network."""
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 1)


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hookferry", message="hookferry %(version)s")
def main() -> None:
    """Hookferry delivers webhooks and loses none.

    `serve` and `demo` start a server. The other commands talk to one, at HOOKFERRY_URL with the key
    HOOKFERRY_KEY, and print tables on a terminal and JSON elsewhere.
    """
