"""`hookferry demo`: the main job, for real, in a few seconds."""

import click


@click.command()
@click.pass_context
def demo(ctx: click.Context, /) -> None:
    """Run the main job for real: a server, a database, a receiver that fails at first, signed deliveries.

    Everything is in a temporary folder and on loopback. Exit code 0 only if all arrived and verified.
    """
    import uvloop

    from hookferry.cli.demonstration import demonstrate, report

    rows = uvloop.run(demonstrate())
    if not report(rows):
        ctx.exit(1)
