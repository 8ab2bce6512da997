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
        contract_option,
    ):
        command = option(command)
    return command


@click.command()
@_signature_options
@click.option("--secret", required=True, help="The signing secret, or @FILE.")
@click.option("--id", default="evt_test", show_default=True, help="The event's id.")
@click.option("--url", default="", help="The endpoint's URL, for contracts that sign it.")
def sign(body: str, secret: str, id: str, at: int | None, url: str, contract: str) -> None:
    """Print the headers that sign BODY: a text, @FILE, or - for standard input.

    They go into curl as they are: `curl -H @headers --data-binary @body URL`. Where the contract adds to the
    URL, the one to call is told on standard error.
    """
    now = (at if at is not None else int(time.time())) * 1000
    content = read_bytes(body)
    _, known = read_contract(contract)
    called = known.called(url, content, id, now)
    for name, value in known.sign(content, id, read_text(secret), now, called):
        click.echo(f"{name}: {value}")
    if called != url:
        click.echo(f"Call {called}", err=True)


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
@click.option("--url", default="", help="The URL that was called, for contracts that sign it.")
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
