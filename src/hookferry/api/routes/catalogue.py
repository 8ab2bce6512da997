"""/v1/event-types and /v1/tenants/{tenant}/event-types"""

from litestar import Router, delete, get, patch, post

from hookferry.api.access import Access
from hookferry.api.answers import Deleted, EventType
from hookferry.api.paging import Page, PageQuery, page_of
from hookferry.api.parameters import Body, Id, Query, Services, Who
from hookferry.model import Permission
from hookferry.service.forms import EventTypeChange, NewEventType


@get("/event-types", needs=Access.ANY_KEY, sync_to_thread=False)
def list_event_types(services: Services, principal: Who, asked: Query[PageQuery]) -> Page[EventType]:
    """List the deployment's event types.

    By name. Where a tenant's contract has a feature for this, the operator opens it.
    """
    services.tenants.check_documents(principal)
    return page_of(services.catalogue.list(), lambda type: type.name, EventType.of, asked)


@post("/event-types", needs=Access.OPERATOR)
async def create_event_type(services: Services, given: Body[NewEventType]) -> EventType:
    """Add an event type."""
    return EventType.of(await services.catalogue.create(given))


@get("/event-types/{name:path}", needs=Access.ANY_KEY, sync_to_thread=False)
def get_event_type(services: Services, principal: Who, name: Id) -> EventType:
    """Read an event type."""
    services.tenants.check_documents(principal)
    return EventType.of(services.catalogue.get(_bare(name)))


@patch("/event-types/{name:path}", needs=Access.OPERATOR)
async def change_event_type(services: Services, name: Id, given: Body[EventTypeChange]) -> EventType:
    """Change an event type."""
    return EventType.of(await services.catalogue.change(_bare(name), given))


@delete("/event-types/{name:path}", needs=Access.OPERATOR, status_code=200)
async def delete_event_type(services: Services, name: Id) -> Deleted:
    """Delete an event type.

    It leaves the catalogue. Endpoints that name it keep receiving it.
    """
    await services.catalogue.delete(_bare(name))
    return Deleted(id=_bare(name))


@get("/tenants/{tenant:str}/event-types", needs=Permission.WEBHOOKS_READ, sync_to_thread=False)
def list_tenant_event_types(
    services: Services, principal: Who, tenant: Id, asked: Query[PageQuery]
) -> Page[EventType]:
    """List a tenant's event types.

    Those that it can subscribe to, by name, operational events too. Where the contract has a feature for
    this, the operator opens it.
    """
    services.tenants.check_documents(principal)
    offered = services.catalogue.subscribable(services.contract_of(tenant))
    by_name = sorted(offered, key=lambda type: type.name)
    return page_of(by_name, lambda type: type.name, EventType.of, asked)


def _bare(name: str) -> str:
    """A name that may contain slashes comes with one before it."""
    return name.removeprefix("/")


event_types = Router(
    "/",
    route_handlers=[
        list_event_types,
        create_event_type,
        get_event_type,
        change_event_type,
        delete_event_type,
        list_tenant_event_types,
    ],
    tags=["Event types"],
)
