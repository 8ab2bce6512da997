"""Roles and members: what a tenant's admin grants, and the operator where no admin can (OC-9 to OC-14)."""

import pytest

from hookferry.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from hookferry.model import Member, Permission, Role
from hookferry.service.forms import MemberChange, NewKey, NewMember, NewRole, NewTenant, RoleChange
from hookferry.service.principal import OPERATOR, Principal
from hookferry.service.services import Services

READ, WRITE, ADMIN = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_WRITE, Permission.ADMIN
DEMO_ADMIN = Principal("key_demo", "demo", frozenset({ADMIN}))
OTHER_ADMIN = Principal("key_other", "other", frozenset({ADMIN}))
WRITER = Principal("key_writer", "demo", frozenset({READ, WRITE}))


@pytest.fixture
async def role(services: Services) -> Role:
    """Reads endpoints."""
    return await services.roles.create(DEMO_ADMIN, "demo", NewRole(name="Reader", permissions=[READ]))


@pytest.fixture
async def ada(services: Services, role: Role) -> Member:
    """A member with the role."""
    wanted = NewMember(name="Ada", role=role.id, email="ada@example.com")
    return await services.members.create(DEMO_ADMIN, "demo", wanted)


async def key_of(services: Services, member: Member) -> str:
    """The text of a new key of the member's."""
    _, text = await services.keys.create(DEMO_ADMIN, NewKey(member=member.id))
    return text


async def test_role(services: Services, role: Role) -> None:
    """A role can be read once it is made."""
    assert services.roles.get(DEMO_ADMIN, "demo", role.id) == role


async def test_a_role_of_nothing(services: Services) -> None:
    """A role may allow nothing at all."""
    role = await services.roles.create(OPERATOR, "demo", NewRole(name="Nobody", permissions=[]))
    assert role.permissions == frozenset()


async def test_roles_of_the_tenant(services: Services, role: Role) -> None:
    """Roles are listed for their own tenant, newest first."""
    await services.tenants.create(NewTenant(id="other", name="Other"))
    await services.roles.create(OPERATOR, "other", NewRole(name="Theirs", permissions=[]))
    newer = await services.roles.create(OPERATOR, "demo", NewRole(name="Writer", permissions=[WRITE]))
    assert services.roles.list(DEMO_ADMIN, "demo") == [newer, role]


async def test_members_of_the_tenant(services: Services, ada: Member) -> None:
    """Members are listed for their own tenant, newest first."""
    newer = await services.members.create(OPERATOR, "demo", NewMember(name="Bob", role=ada.role))
    assert services.members.list(DEMO_ADMIN, "demo") == [newer, ada]


async def test_rename_a_role(services: Services, role: Role) -> None:
    """A change leaves out what is not given."""
    changed = await services.roles.change(DEMO_ADMIN, "demo", role.id, RoleChange(name="Viewer"))
    assert (changed.name, changed.permissions) == ("Viewer", role.permissions)


async def test_change_a_member(services: Services, ada: Member) -> None:
    """A change leaves out what is not given; null takes the address away."""
    changed = await services.members.change(DEMO_ADMIN, "demo", ada.id, MemberChange(email=None))
    assert (changed.name, changed.email) == ("Ada", None)


@pytest.mark.parametrize("email", ["", "ada", "a b@c", "@", "ada@", "a@b\n", "a" * 200 + "@example.com"])
async def test_bad_email(services: Services, role: Role, email: str) -> None:
    """What cannot be an e-mail address is refused."""
    with pytest.raises(Invalid):
        await services.members.create(DEMO_ADMIN, "demo", NewMember(name="A", role=role.id, email=email))


async def test_admins_only(services: Services) -> None:
    """Who has no admin permission grants nothing, not even what it has itself."""  # OC-12
    with pytest.raises(Forbidden):
        await services.roles.create(WRITER, "demo", NewRole(name="Mine", permissions=[READ]))


async def test_nobody_raises_itself(services: Services, ada: Member) -> None:
    """Who has no admin permission reassigns no roles."""  # OC-13
    with pytest.raises(Forbidden):
        await services.members.change(WRITER, "demo", ada.id, MemberChange(role=ada.role))


async def test_the_operator_overrides(services: Services, role: Role) -> None:
    """The operator changes a tenant's role."""  # OC-14
    changed = await services.roles.change(OPERATOR, "demo", role.id, RoleChange(permissions=[WRITE]))
    assert changed.permissions == {WRITE}


async def test_a_foreign_admin(services: Services, role: Role) -> None:
    """Another tenant's admin finds no role here."""
    with pytest.raises(NotFound):
        await services.roles.delete(OTHER_ADMIN, "demo", role.id)


async def test_a_foreign_role(services: Services, role: Role) -> None:
    """A member cannot have another tenant's role."""
    await services.tenants.create(NewTenant(id="other", name="Other"))
    with pytest.raises(Invalid):
        await services.members.create(OTHER_ADMIN, "other", NewMember(name="Eve", role=role.id))


async def test_unknown_tenant(services: Services) -> None:
    """A tenant that does not exist has no roles."""
    with pytest.raises(NotFound):
        services.roles.list(OPERATOR, "nobody")


async def test_a_members_key(services: Services, ada: Member) -> None:
    """A member's key may do what the member's role says."""
    assert services.keys.authenticate(await key_of(services, ada)).permissions == {READ}


async def test_a_changed_role_holds_at_once(services: Services, ada: Member) -> None:
    """What a role allows anew, its members' keys may do at the next request."""  # OC-12
    text = await key_of(services, ada)
    await services.roles.change(DEMO_ADMIN, "demo", ada.role, RoleChange(permissions=[READ, WRITE]))
    assert services.keys.authenticate(text).permissions == {READ, WRITE}


async def test_another_role_holds_at_once(services: Services, ada: Member) -> None:
    """A member with another role may do what that says at the next request."""  # OC-13
    text = await key_of(services, ada)
    writer = await services.roles.create(DEMO_ADMIN, "demo", NewRole(name="Writer", permissions=[WRITE]))
    await services.members.change(DEMO_ADMIN, "demo", ada.id, MemberChange(role=writer.id))
    assert services.keys.authenticate(text).permissions == {WRITE}


async def test_a_role_that_lost_something_ends_what_goes_on(services: Services, ada: Member) -> None:
    """An answer that goes on for hours ends once the role allows less."""
    principal = services.keys.authenticate(await key_of(services, ada))
    await services.roles.change(DEMO_ADMIN, "demo", ada.role, RoleChange(permissions=[WRITE]))
    assert not services.keys.lives(principal)


async def test_a_deleted_members_key(services: Services, ada: Member) -> None:
    """A deleted member's keys end at once."""
    text = await key_of(services, ada)
    await services.members.delete(DEMO_ADMIN, "demo", ada.id)
    with pytest.raises(Unauthenticated):
        services.keys.authenticate(text)


async def test_an_admin_by_role(services: Services) -> None:
    """A member whose role has `admin` manages its own tenant, and is not the operator."""
    role = await services.roles.create(DEMO_ADMIN, "demo", NewRole(name="Admin", permissions=[ADMIN]))
    member = await services.members.create(DEMO_ADMIN, "demo", NewMember(name="Boss", role=role.id))
    principal = services.keys.authenticate(await key_of(services, member))
    with pytest.raises(Forbidden):
        principal.require_operator()


async def test_a_role_in_use_stays(services: Services, ada: Member) -> None:
    """A role that a member has cannot be deleted."""
    with pytest.raises(Conflict):
        await services.roles.delete(DEMO_ADMIN, "demo", ada.role)


async def test_a_role_without_members_goes(services: Services, ada: Member) -> None:
    """A role can be deleted once nobody has it."""
    await services.members.delete(DEMO_ADMIN, "demo", ada.id)
    await services.roles.delete(DEMO_ADMIN, "demo", ada.role)
    assert services.roles.list(DEMO_ADMIN, "demo") == []


@pytest.mark.parametrize("member", [None, "mem_1"])
async def test_one_of_the_two(services: Services, member: str | None) -> None:
    """A key has permissions of its own or is a member's: not neither, not both."""
    wanted = NewKey(member=member, permissions=[READ]) if member else NewKey()
    with pytest.raises(Invalid):
        await services.keys.create(DEMO_ADMIN, wanted)


async def test_a_foreign_members_key(services: Services, ada: Member) -> None:
    """Another tenant's admin makes no key for a member of this one."""
    await services.tenants.create(NewTenant(id="other", name="Other"))
    with pytest.raises(NotFound):
        await services.keys.create(OTHER_ADMIN, NewKey(member=ada.id))


async def test_the_operator_makes_a_members_key(services: Services, ada: Member) -> None:
    """A member's key is its tenant's, whoever makes it."""
    key, _ = await services.keys.create(OPERATOR, NewKey(member=ada.id))
    assert key.tenant == "demo"


async def test_a_member_that_is_not_there(services: Services) -> None:
    """Nobody has no key."""
    with pytest.raises(NotFound):
        await services.keys.create(OPERATOR, NewKey(member="mem_1"))
