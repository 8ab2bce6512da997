"""/v1/tenants/{tenant}/endpoints"""

from typing import Annotated

from litestar import Router, delete, get, patch, post
from msgspec import Meta

from hookferry import model
from hookferry.api.answers import CreatedEndpoint, Deleted, Endpoint, EndpointHealth, Published, Secrets
from hookferry.api.attempts import Attempt
from hookferry.api.jobs import Job
from hookferry.api.paging import HistoryQuery, Page, PageQuery, cursor_page, page_of
from hookferry.api.parameters import Body, Id, Query, Services, Who
from hookferry.exchange import Outcome
from hookferry.model import Permission
from hookferry.service.forms import EndpointChange, NewEndpoint, NewReplay, Rotation


class AttemptQuery(HistoryQuery, frozen=True, kw_only=True):
    """Which attempts."""

    outcome: Annotated[Outcome | None, Meta(description="Only those that ended so.")] = None


def _shown(services: Services, endpoint: model.Endpoint) -> Endpoint:
    health = EndpointHealth.of(*services.endpoints.health(endpoint))
    return Endpoint.of(endpoint, services.contract_of(endpoint.tenant), health)


@get("/", needs=Permission.WEBHOOKS_READ, sync_to_thread=False)
def list_endpoints(services: Services, tenant: Id, asked: Query[PageQuery]) -> Page[Endpoint]:
    """List endpoints.

    Newest first.
    """
    endpoints = services.endpoints.list(tenant)
    return page_of(
        endpoints,
        lambda endpoint: endpoint.id,
        lambda endpoint: _shown(services, endpoint),
        asked,
        newest_first=True,
    )


@post("/", needs=Permission.WEBHOOKS_WRITE)
async def create_endpoint(
    services: Services, principal: Who, tenant: Id, given: Body[NewEndpoint]
) -> CreatedEndpoint:
    """Register an endpoint.

    It receives the events that are published from now on. The answer shows its signing secret, or the public
    key of one that is never shown. Some contracts want each URL once, at least or at most so many event
    types, or a secret that the operator issues with `rotate`: until then nothing goes out.
    """
    endpoint = await services.endpoints.create(tenant, given, principal)
    return CreatedEndpoint.of_new(endpoint, services.contract_of(tenant))


@get("/{id:str}", needs=Permission.WEBHOOKS_READ, sync_to_thread=False)
def get_endpoint(services: Services, tenant: Id, id: Id) -> Endpoint:
    """Read an endpoint."""
    return _shown(services, services.endpoints.get(tenant, id))


@patch("/{id:str}", needs=Permission.WEBHOOKS_WRITE)
async def change_endpoint(services: Services, tenant: Id, id: Id, given: Body[EndpointChange]) -> Endpoint:
    """Change an endpoint.

    What is left out stays. What waits for the endpoint goes to its new URL.
    """
    return _shown(services, await services.endpoints.change(tenant, id, given))


@delete("/{id:str}", needs=Permission.WEBHOOKS_DELETE, status_code=200)
async def delete_endpoint(services: Services, tenant: Id, id: Id) -> Deleted:
    """Delete an endpoint.

    What waits for it is cancelled. Its history is kept.
    """
    return Deleted(id=id, cancelled=await services.endpoints.delete(tenant, id))


@post("/{id:str}/pause", needs=Permission.WEBHOOKS_WRITE, status_code=200)
async def pause_endpoint(services: Services, tenant: Id, id: Id) -> Endpoint:
    """Pause an endpoint.

    What it would receive is held until it is resumed.
    """
    return _shown(services, await services.endpoints.pause(tenant, id))


@post("/{id:str}/resume", needs=Permission.WEBHOOKS_WRITE, status_code=200)
async def resume_endpoint(services: Services, tenant: Id, id: Id) -> Endpoint:
    """Resume an endpoint.

    One that is paused or disabled receives again, slowly at first. Nothing is held against it any more. What
    was held is due now; what was missed can be replayed.
    """
    return _shown(services, await services.endpoints.resume(tenant, id))


@post("/{id:str}/rotate", needs=Permission.WEBHOOKS_WRITE, status_code=200)
async def rotate_secret(
    services: Services, principal: Who, tenant: Id, id: Id, given: Body[Rotation]
) -> Secrets:
    """Rotate a secret.

    The old secret signs too until the overlap ends. The body may be left out.
    """
    return Secrets.of(
        await services.secrets.rotate(tenant, id, given, principal), services.contract_of(tenant)
    )


@post("/{id:str}/test", needs=Permission.WEBHOOKS_WRITE, publishes=True, status_code=202)
async def check_endpoint(services: Services, tenant: Id, id: Id) -> Published:
    """Test an endpoint.

    It is sent the contract's test event, whatever it is subscribed to.
    """
    done = await services.endpoints.test(tenant, id)
    return Published(id=done.event, deliveries=done.deliveries)


@post("/{id:str}/replay", needs=Permission.EVENTS_WRITE, status_code=202)
async def replay_events(services: Services, tenant: Id, id: Id, given: Body[NewReplay]) -> Job:
    """Replay events.

    Sends what failed, was cancelled or was missed to the endpoint again, each event once, as a job that goes
    on by itself at its rate; `total` is counted before the answer. With `dry_run` nothing else happens: the
    job's `id` is null and its status `planned`. An endpoint has one job at work at most.
    """
    if given.dry_run:
        return Job.planned(await services.replays.plan(tenant, id, given))
    return Job.of(await services.replays.start(tenant, id, given))


@get("/{id:str}/secret", needs=Permission.WEBHOOKS_WRITE, sync_to_thread=False)
def reveal_secret(services: Services, tenant: Id, id: Id) -> Secrets:
    """Read an endpoint's secrets."""
    return Secrets.of(services.secrets.reveal(tenant, id), services.contract_of(tenant))


@get("/{id:str}/attempts", needs=Permission.EVENTS_READ)
async def list_endpoint_attempts(
    services: Services, tenant: Id, id: Id, asked: Query[AttemptQuery]
) -> Page[Attempt]:
    """List the attempts at an endpoint.

    Newest first, as they were on the wire.
    """
    services.endpoints.get(tenant, id)
    page = await services.history.endpoint_attempts(tenant, id, asked.rows(), asked.outcome)
    return cursor_page(page, Attempt.of)


router = Router(
    "/tenants/{tenant:str}/endpoints",
    route_handlers=[
        list_endpoints,
        create_endpoint,
        get_endpoint,
        change_endpoint,
        delete_endpoint,
        pause_endpoint,
        resume_endpoint,
        rotate_secret,
        check_endpoint,
        replay_events,
        reveal_secret,
        list_endpoint_attempts,
    ],
    tags=["Endpoints"],
)
