"""`hookferry replay` and `hookferry jobs`: events sent to an endpoint again."""

from typing import TYPE_CHECKING, Any

import click

from hookferry.cli.options import given, moment, output_option, page_options, tenant_options, time_options

if TYPE_CHECKING:
    from msgspec import Raw

    from hookferry.cli.client import Api
    from hookferry.cli.output import Output

_COLUMNS = ("id", "status", "endpoint", "replayed", "total", "done", "rate", "created_at")
_WHICH = ("failed", "cancelled", "succeeded", "any", "missed")
_STATUSES = ("running", "done", "cancelled", "failed")


@click.command()
@click.argument("endpoint")
@click.option(
    "--since",
    required=True,
    callback=moment,
    metavar="TIME",
    help='From this time on: "2h" ago, or ISO 8601.',
)
@click.option("--until", callback=moment, metavar="TIME", help="Before this time; else now.")
@click.option(
    "--status",
    type=click.Choice(_WHICH),
    default="failed",
    show_default=True,
    help="What became of an event's last delivery; missed: there was none.",
)
@click.option("--type", "event_types", multiple=True, help="Only events of this type; repeatable.")
@click.option(
    "--rate", type=float, default=50.0, show_default=True, metavar="N", help="How many deliveries a second."
)
@click.option("--dry-run", is_flag=True, help="Count, and send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Wait for the end, with a progress bar.")
@output_option
@tenant_options
def replay(
    api: "Api", out: "Output", endpoint: str, dry_run: bool, yes: bool, wait: bool, **wanted: Any
) -> None:
    """Send an endpoint again what failed, was cancelled or was missed."""
    path = api.tenant("endpoints", endpoint, "replay")
    body = given({**wanted, "event_types": wanted["event_types"] or None})
    if dry_run or not yes:
        plan = api.call("POST", path, {**body, "dry_run": True})
        if dry_run:
            out.one(plan)
            return
        total = _job(plan)["total"]
        click.confirm(
            f"Send {total:,} events to {endpoint} again, {wanted['rate']:g} a second?", True, True, err=True
        )
    job = api.call("POST", path, body)
    out.one(_watched(api, job) if wait else job)


def _watched(api: "Api", job: "Raw") -> "Raw":
    """A job once it has ended. What failed, or was cancelled, is a failure of the command too."""
    from hookferry.cli.progress import watch

    ended = watch(api, _job(job)["id"])
    found = _job(ended)
    if found["status"] != "done":
        from hookferry.errors import HookferryError

        reason = f": {found['reason']}" if found["reason"] else ""
        raise HookferryError(
            f"The job {found['id']} is {found['status']}{reason}, after {found['done']} deliveries."
        )
    return ended


def _job(job: "Raw") -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.json.decode(job)
    return found


@click.group()
def jobs() -> None:
    """Jobs: replays that go on by themselves."""


@jobs.command("list")
@click.option("--endpoint", metavar="ID", help="Only jobs for this endpoint.")
@click.option("--status", type=click.Choice(_STATUSES), help="Only jobs in this state.")
@time_options
@page_options
@output_option
@tenant_options
def list_jobs(api: "Api", out: "Output", limit: int, cursor: str | None, **filters: Any) -> None:
    """List jobs, the newest first."""
    out.page(api.rows(api.tenant("jobs"), filters, limit, cursor), _COLUMNS)


@jobs.command()
@click.argument("job")
@click.option("--wait", is_flag=True, help="Wait for the end, with a progress bar.")
@output_option
@tenant_options
def show(api: "Api", out: "Output", job: str, wait: bool) -> None:
    """Show one job."""
    found = api.get(api.tenant("jobs", job))
    out.one(_watched(api, found) if wait else found)


@jobs.command()
@click.argument("job")
@output_option
@tenant_options
def cancel(api: "Api", out: "Output", job: str) -> None:
    """End a job, and cancel those of its deliveries that still wait."""
    out.one(api.call("POST", api.tenant("jobs", job, "cancel")))
