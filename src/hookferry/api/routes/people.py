"""/v1/tenants/{tenant}/roles and /v1/tenants/{tenant}/members"""

from litestar import Router, delete, get, patch, post

from hookferry.api.answers import Deleted, Member, Role
from hookferry.api.paging import Page, PageQuery, page_of
from hookferry.api.parameters import Body, Id, Query, Services, Who
from hookferry.model import Permission
from hookferry.service.forms import MemberChange, NewMember, NewRole, RoleChange


@get("/", needs=Permission.ADMIN, sync_to_thread=False)
def list_roles(services: Services, principal: Who, tenant: Id, asked: Query[PageQuery]) -> Page[Role]:
    """List roles.

    Newest first.
    """
    roles = services.roles.list(principal, tenant)
    return page_of(roles, lambda role: role.id, Role.of, asked, newest_first=True)


@post("/", needs=Permission.ADMIN)
async def create_role(services: Services, principal: Who, tenant: Id, given: Body[NewRole]) -> Role:
    """Make a role."""
    return Role.of(await services.roles.create(principal, tenant, given))


@get("/{id:str}", needs=Permission.ADMIN, sync_to_thread=False)
def get_role(services: Services, principal: Who, tenant: Id, id: Id) -> Role:
    """Read a role."""
    return Role.of(services.roles.get(principal, tenant, id))


@patch("/{id:str}", needs=Permission.ADMIN)
async def change_role(
    services: Services, principal: Who, tenant: Id, id: Id, given: Body[RoleChange]
) -> Role:
    """Change a role.

    It holds for the keys of all its members at once.
    """
    return Role.of(await services.roles.change(principal, tenant, id, given))


@delete("/{id:str}", needs=Permission.ADMIN, status_code=200)
async def delete_role(services: Services, principal: Who, tenant: Id, id: Id) -> Deleted:
    """Delete a role.

    One that a member has stays: give the member another one first.
    """
    await services.roles.delete(principal, tenant, id)
    return Deleted(id=id)


@get("/", needs=Permission.ADMIN, sync_to_thread=False)
def list_members(services: Services, principal: Who, tenant: Id, asked: Query[PageQuery]) -> Page[Member]:
    """List members.

    Newest first.
    """
    members = services.members.list(principal, tenant)
    return page_of(members, lambda member: member.id, Member.of, asked, newest_first=True)


@post("/", needs=Permission.ADMIN)
async def create_member(services: Services, principal: Who, tenant: Id, given: Body[NewMember]) -> Member:
    """Add a member.

    A key with this `member` may do what the member's role says.
    """
    return Member.of(await services.members.create(principal, tenant, given))


@get("/{id:str}", needs=Permission.ADMIN, sync_to_thread=False)
def get_member(services: Services, principal: Who, tenant: Id, id: Id) -> Member:
    """Read a member."""
    return Member.of(services.members.get(principal, tenant, id))


@patch("/{id:str}", needs=Permission.ADMIN)
async def change_member(
    services: Services, principal: Who, tenant: Id, id: Id, given: Body[MemberChange]
) -> Member:
    """Change a member.

    Another role holds for the member's keys at once.
    """
    return Member.of(await services.members.change(principal, tenant, id, given))


@delete("/{id:str}", needs=Permission.ADMIN, status_code=200)
async def delete_member(services: Services, principal: Who, tenant: Id, id: Id) -> Deleted:
    """Delete a member.

    Its keys end at once.
    """
    await services.members.delete(principal, tenant, id)
    return Deleted(id=id)


roles = Router(
    "/tenants/{tenant:str}/roles",
    route_handlers=[list_roles, create_role, get_role, change_role, delete_role],
    tags=["Members"],
)
members = Router(
    "/tenants/{tenant:str}/members",
    route_handlers=[list_members, create_member, get_member, change_member, delete_member],
    tags=["Members"],
)
