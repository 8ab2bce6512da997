"""/v1/tenants"""

from litestar import Router, delete, get, patch, post

from hookferry.api.access import Access
from hookferry.api.answers import Deleted, Tenant
from hookferry.api.paging import Page, PageQuery, page_of
from hookferry.api.parameters import Body, Id, Query, Services, Who
from hookferry.service.forms import NewTenant, TenantChange


@get("/", needs=Access.ANY_KEY, sync_to_thread=False)
def list_tenants(services: Services, principal: Who, asked: Query[PageQuery]) -> Page[Tenant]:
    """List tenants.

    A tenant's key sees its own tenant only.
    """
    return page_of(services.tenants.list(principal), lambda tenant: tenant.id, Tenant.of, asked)


@post("/", needs=Access.OPERATOR)
async def create_tenant(services: Services, given: Body[NewTenant]) -> Tenant:
    """Make a tenant."""
    return Tenant.of(await services.tenants.create(given))


@get("/{tenant:str}", needs=Access.ANY_KEY, sync_to_thread=False)
def get_tenant(services: Services, tenant: Id) -> Tenant:
    """Read a tenant."""
    return Tenant.of(services.tenants.get(tenant))


@patch("/{tenant:str}", needs=Access.OPERATOR)
async def change_tenant(services: Services, tenant: Id, given: Body[TenantChange]) -> Tenant:
    """Change a tenant."""
    return Tenant.of(await services.tenants.change(tenant, given))


@delete("/{tenant:str}", needs=Access.OPERATOR, status_code=200)
async def delete_tenant(services: Services, tenant: Id) -> Deleted:
    """Delete a tenant.

    Its keys end at once, its endpoints are deleted, and what waits for them is cancelled. Its history is
    kept as long as all history is.
    """
    return Deleted(id=tenant, cancelled=await services.tenants.delete(tenant))


router = Router(
    "/tenants",
    route_handlers=[list_tenants, create_tenant, get_tenant, change_tenant, delete_tenant],
    tags=["Tenants"],
)
