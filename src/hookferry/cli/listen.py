"""`hookferry listen`: a receiver on this machine that verifies and prints what arrives."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hookferry.cli.inputs import contract_option, read_contract, read_text
from hookferry.cli.options import duration, output_option

if TYPE_CHECKING:
    from hookferry.cli.output import Output
    from hookferry.receiver import Arrival, Receiver


def _statuses(ctx: click.Context, option: click.Parameter, text: str) -> list[int]:
    try:
        statuses = [int(status) for status in text.split(",")]
    except ValueError:
        statuses = [0]
    if not all(200 <= status <= 599 for status in statuses):
        raise click.BadParameter(f"expected statuses from 200 to 599, such as 500,200, got {text!r}")
    return statuses


@click.command()
@output_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=9000, show_default=True, help="0: a free one.")
@click.option("--secret", "secrets", multiple=True, help="Verify with this secret, or @FILE; repeatable.")
@contract_option
@click.option(
    "--status",
    "statuses",
    default="200",
    callback=_statuses,
    metavar="STATUS,...",
    help="Answer these in turn at each path; the last one repeats.",
)
@click.option("--delay", type=duration, default="0s", help="Wait so long before each answer.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many requests.")
@click.pass_context
def listen(
    ctx: click.Context,
    /,
    out: "Output",
    host: str,
    port: int,
    secrets: Sequence[str],
    contract: str,
    statuses: list[int],
    delay: float,
    count: int | None,
) -> None:
    """Receive webhooks on this machine: verify, answer and print each.

    With --count, the exit code is 5 if one of them did not verify.
    """
    import asyncio

    from hookferry.cli.live import arrival_json, arrival_text
    from hookferry.receiver import Answer, Receiver

    signatures: Counter[bool | None] = Counter()

    def tell(arrival: "Arrival") -> None:
        signatures[arrival.verified] += 1
        out.live(arrival_json(arrival), arrival_text(arrival))

    receiver = Receiver(
        host=host,
        port=port,
        answers=[Answer(status, delay) for status in statuses],
        secrets=[read_text(secret) for secret in secrets],
        contract=read_contract(contract)[1],
        tell=tell,
    )
    asyncio.run(_listen(receiver, count, delay))
    if signatures[False]:
        ctx.exit(5)


async def _listen(receiver: "Receiver", count: int | None, delay: float) -> None:
    """Receive until `count` requests came, or for ever."""
    import asyncio

    async with receiver:
        click.echo(f"Listening on {receiver.url} until Ctrl-C.", err=True)
        click.echo(f"  hookferry webhooks register --url {receiver.url}/hooks", err=True)
        click.echo("lets events come here, if the server was started with --allow-net 127.0.0.0/8.", err=True)
        if count is None:
            await asyncio.Event().wait()
        else:
            await receiver.wait_for(count, timeout=None)
            await asyncio.sleep(delay)  # the last answer is still to come
