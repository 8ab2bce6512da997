"""`hookferry contracts`: companies' wire formats, in a file or on a server."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.inputs import names_file, read_bytes, read_contract, read_text
from hookferry.cli.options import given, output_option, page_options, server_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("name", "title", "source", "version", "attempts")


@click.group()
def contracts() -> None:
    """Contracts: wire formats, built in or of your own."""


@contracts.command("list")
@page_options
@output_option
@server_options
def list_contracts(api: "Api", out: "Output", limit: int, cursor: str | None) -> None:
    """List the server's contracts."""
    out.page(api.rows(api.path("contracts"), {}, limit, cursor), _COLUMNS)


@contracts.command()
@click.argument("name")
@click.option("--version", help="Which version; else the latest.")
@click.option("--text", "bare", is_flag=True, help="Print the file alone.")
@output_option
@server_options
def show(api: "Api", out: "Output", name: str, version: str | None, bare: bool) -> None:
    """Show one of the server's contracts."""
    import msgspec

    found = api.get(api.path("contracts", name), {"version": version})
    if bare:
        click.echo(msgspec.json.decode(found)["text"], nl=False)
    else:
        out.one(found)


@contracts.command()
@click.argument("file")
def check(file: str) -> None:
    """Check a contract FILE, or a built-in one, and the vectors beside it.

    Exit code 5, with the line and what is wrong, for one that cannot be used.
    """
    text, contract = read_contract(file)
    vectors = _count(text.vectors)
    said = f"{vectors} of {vectors} vectors" if vectors else "no vectors"
    types = len(contract.catalogue)
    click.echo(
        f"{file}: the contract {contract.name}, version {contract.version}, is valid:"
        f" {said}, {types} event types, {contract.attempts} attempts."
    )


def _count(vectors: str | None) -> int:
    import tomllib

    return sum(len(table) for table in tomllib.loads(vectors or "").values() if isinstance(table, list))


@contracts.command()
@click.argument("file")
@click.option("--event", metavar="FILE", help="The event, as it would be published; else the test event.")
@click.option("--attempt", type=click.IntRange(1), help="Which attempt, from 1.")
@click.option("--secret", help="What to sign with, or @FILE; else an example.")
@click.option("--time", "at", type=int, metavar="SECONDS", help="The time, in seconds since 1970; else now.")
def preview(file: str, event: str | None, at: int | None, secret: str | None, attempt: int | None) -> None:
    """Print the exact request that a contract FILE, or a built-in one, makes of an event.

    \b
    hookferry contracts preview acme.toml --event sample.json
    hookferry contracts preview acme.toml --attempt 3 --secret @secret

    An event is {"type": ..., "payload": ...}, as the API takes it; - reads standard input.
    """
    from hookferry.delivery.wire import agent, encode, target
    from hookferry.service.previews import previewed

    _, contract = read_contract(file)
    changed = {"attempt": attempt, "secret": None if secret is None else read_text(secret)}
    wanted = _wanted(contract.test_event, event, given(changed))
    request = previewed(contract, wanted, at * 1000 if at is not None else time.time_ns() // 1_000_000)
    sys.stdout.buffer.write(encode(request, target(request.url).start, agent()))
    if sys.stdout.isatty():
        click.echo()


def _wanted(test_event: tuple[str, bytes], file: str | None, changed: dict[str, Any]) -> Any:
    import msgspec

    from hookferry.errors import Malformed
    from hookferry.service.previews import NewPreview

    if file is None:
        return NewPreview(type=test_event[0], payload=msgspec.Raw(test_event[1]), **changed)
    try:
        read = msgspec.json.decode(read_bytes("-" if file == "-" else f"@{file}"), type=NewPreview)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"{file}: {error}.") from None
    return msgspec.structs.replace(read, **changed)


@contracts.command()
@click.argument("file", type=click.Path(path_type=Path))
@output_option
@server_options
def upload(api: "Api", out: "Output", file: Path) -> None:
    """Upload a contract FILE, and the vectors beside it, to the server.

    Another text under the same name is a new version: `tenants update --contract-version` moves tenants.
    """
    from hookferry.contracts.texts import read_file

    text, _ = read_file(file)
    body = given({"text": text.text, "vectors": text.vectors})
    out.one(api.call("POST", api.path("contracts"), body))


@contracts.command()
@click.argument("file", metavar="NAME|FILE")
@click.option("--language", help="Print only the code that verifies, in a language such as python.")
@click.option("--more", metavar="LINK", help="A page to link to.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it to FILE, else print it."
)
def guide(file: str, language: str | None, more: str | None, output: Path | None) -> None:
    """Print the page for those who receive a contract's webhooks, in Markdown.

    What arrives, how to verify it in seven languages, when it is tried again, which events there are.
    """
    from hookferry.delivery.wire import agent, target, wire_headers
    from hookferry.guides import LANGUAGES, page, snippet

    text, contract = read_contract(file)
    if language is None:
        made = page(
            contract, text.text, lambda request: wire_headers(request, target(request.url), agent()), more
        )
    elif language in LANGUAGES:
        made = snippet(contract, text.text, language)
    else:
        raise click.BadParameter(f"expected one of {', '.join(LANGUAGES)}", param_hint="--language")
    if output is None:
        click.echo(made, nl=False)
    else:
        output.write_text(made, "utf-8")


@contracts.command()
@click.argument("name")
@output_option
@server_options
def delete(api: "Api", out: "Output", name: str) -> None:
    """Delete an uploaded contract that no tenant has."""
    out.one(api.call("DELETE", api.path("contracts", name)))


@contracts.command()
@click.argument("file", metavar="NAME|FILE")
@click.option(
    "--install",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder to put it into.",
)
def command(file: str, folder: Path) -> None:
    """Install a company's own command, as its contract names it.

    It runs these commands with the contract's defaults; HOOKFERRY_URL and HOOKFERRY_KEY say where and who.
    """
    from hookferry.cli.company import install

    _, contract = read_contract(file)
    source = str(Path(file).resolve()) if names_file(file) else file
    click.echo(f"Installed {install(contract, source, folder)}.", err=True)
