"""`hookferry sign` and `hookferry verify`: signatures without a server."""

import time
from collections.abc import Callable, Sequence

import click

from hookferry.cli.inputs import contract_option, read_bytes, read_contract, read_headers, read_text
from hookferry.cli.options import duration


def _signature_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.argument("body", default="-"),
        click.option(
            "--time", "at", type=int, metavar="SECONDS", help="The time, in seconds since 1970; else now."
        ),
        click.option("--url", default="", help="The URL that is called, for contracts that sign it."),
        contract_option,
    ):
        command = option(command)
    return command


@click.command()
@_signature_options
@click.option("--secret", required=True, help="The signing secret, or @FILE.")
@click.option("--id", default="evt_test", show_default=True, help="The event's id.")
def sign(body: str, secret: str, id: str, at: int | None, url: str, contract: str) -> None:
    """Print the headers that sign BODY: a text, @FILE, or - for standard input.

    They go into curl as they are: `curl -H @headers --data-binary @body URL`.
    """
    now = at if at is not None else int(time.time())
    _, known = read_contract(contract)
    for name, value in known.sign(read_bytes(body), id, read_text(secret), now * 1000, url):
        click.echo(f"{name}: {value}")


@click.command()
@_signature_options
@click.option(
    "--secret", "secrets", required=True, multiple=True, help="A secret or public key, or @FILE; repeatable."
)
@click.option(
    "-H",
    "--header",
    "headers",
    multiple=True,
    callback=read_headers,
    metavar="NAME:VALUE",
    help="A header that came with it, or @FILE with a line for each; repeatable.",
)
@click.option(
    "--tolerance", type=duration, default="5m", show_default=True, help="How far off its time may be."
)
def verify(
    body: str,
    secrets: Sequence[str],
    headers: dict[str, str],
    tolerance: float,
    at: int | None,
    url: str,
    contract: str,
) -> None:
    """Check that BODY was signed with a secret: a text, @FILE, or - for standard input.

    Exit code 5, and the reason, if it was not.
    """
    now = at if at is not None else int(time.time())
    known = [read_text(secret) for secret in secrets]
    read_contract(contract)[1].verify(headers, read_bytes(body), known, now * 1000, tolerance, url)
    click.echo("The signature is valid.")
