"""`hookferry send`: publish one event, or a file of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.inputs import read_bytes, read_labels
from hookferry.cli.options import given, output_option, tenant_options

if TYPE_CHECKING:
    from hookferry.cli.client import Api
    from hookferry.cli.output import Output


@click.command()
@click.argument("type", required=False)
@click.option("--data", metavar="JSON", help="The payload: a JSON text, @FILE, or - for standard input.")
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="Publish each line of a JSONL file (may be .gz; - for standard input) as an event.",
)
@click.option("--idempotency-key", metavar="KEY", help="The same key again gives the same event.")
@click.option("--occurred-at", metavar="TIME", help="When it happened, in ISO 8601; else now.")
@click.option(
    "--scope", multiple=True, callback=read_labels, metavar="LABEL=VALUE", help="A label; repeatable."
)
@output_option
@tenant_options
def send(
    api: "Api", out: "Output", type: str | None, data: str | None, file: Path | None, **more: Any
) -> None:
    """Publish an event of TYPE with a payload, or the events of a file.

    \b
    hookferry send order.created --data '{"order": 17}'
    hookferry send order.created < order.json
    hookferry send --file events.jsonl.gz

    A line of a file is {"type": ..., "payload": ...}, as the API takes it. Payloads go out byte for byte.
    """
    if file is not None:
        if type is not None or data is not None or given(more):
            raise click.UsageError("With --file the lines say everything; leave TYPE and the rest out.")
        _send_file(api, out, file)
    elif type is None:
        raise click.UsageError("Name the event's TYPE, or give a --file of events.")
    else:
        out.one(api.call("POST", api.tenant("events"), _event(type, _payload(data), given(more))))


def _payload(data: str | None) -> bytes:
    if data is None and sys.stdin.isatty():
        raise click.UsageError("Give the payload with --data, or on standard input.")
    return read_bytes("-" if data is None else data)


def _event(type: str, payload: bytes, more: dict[str, Any]) -> dict[str, Any]:
    from msgspec import Raw

    from hookferry.cli.inputs import check_json

    check_json(payload)
    return {"type": type, "payload": Raw(payload), **more}


def _send_file(api: "Api", out: "Output", file: Path) -> None:
    from hookferry.cli.jsonl import publish_file

    out.one(publish_file(api, file))
