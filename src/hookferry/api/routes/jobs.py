"""/v1/tenants/{tenant}/jobs"""

from typing import Annotated

from litestar import Router, get, post
from msgspec import Meta

from hookferry.api.jobs import Job
from hookferry.api.paging import HistoryQuery, Page, cursor_page
from hookferry.api.parameters import Id, Query, Services
from hookferry.model import JobStatus, Permission


class JobQuery(HistoryQuery, frozen=True, kw_only=True):
    """Which jobs."""

    endpoint: Annotated[str | None, Meta(description="Only those for this endpoint.")] = None
    status: Annotated[JobStatus | None, Meta(description="Only those in this state.")] = None


@get("/", needs=Permission.EVENTS_READ)
async def list_jobs(services: Services, tenant: Id, asked: Query[JobQuery]) -> Page[Job]:
    """List jobs.

    Newest first.
    """
    page = await services.replays.jobs(tenant, asked.rows(), asked.endpoint, asked.status)
    return cursor_page(page, Job.of)


@get("/{id:str}", needs=Permission.EVENTS_READ)
async def get_job(services: Services, tenant: Id, id: Id) -> Job:
    """Read a job."""
    return Job.of(await services.replays.get(tenant, id))


@post("/{id:str}/cancel", needs=Permission.EVENTS_WRITE, status_code=200)
async def cancel_job(services: Services, tenant: Id, id: Id) -> Job:
    """Cancel a job.

    It makes no more deliveries, and those of its own that wait are cancelled: `cancelled` says how many. What
    is on its way may still arrive. Once more, if it was cut short, to cancel the rest.
    """
    return Job.of(await services.replays.cancel(tenant, id))


router = Router(
    "/tenants/{tenant:str}/jobs",
    route_handlers=[list_jobs, get_job, cancel_job],
    tags=["Jobs"],
)
