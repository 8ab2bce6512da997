"""Roles: the named sets of permissions that a tenant's members have."""

from collections.abc import Sequence

import msgspec

from hookferry.clock import Clock
from hookferry.ids import IdMaker
from hookferry.model import Permission, Role
from hookferry.service.forms import NewRole, RoleChange
from hookferry.service.principal import Principal
from hookferry.service.rules import check_text
from hookferry.store.base import Store


class Roles:
    """What a tenant's admin does with its roles, and the operator with everybody's (OC-9 to OC-14).

    All of it needs `admin`. Who has that has every permission within the tenant, so that no role can
    grant what its maker lacks. Raises Forbidden for others, NotFound for another tenant's roles.
    """

    def __init__(self, store: Store, clock: Clock, ids: IdMaker) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    def list(self, principal: Principal, tenant: str) -> Sequence[Role]:
        """A tenant's roles, newest first."""
        self._admit(principal, tenant)
        found = [role for role in self._store.directory.roles.values() if role.tenant == tenant]
        return sorted(found, key=lambda role: role.id, reverse=True)

    def get(self, principal: Principal, tenant: str, id: str) -> Role:
        """One role."""
        self._admit(principal, tenant)
        return self._store.directory.role(tenant, id)

    async def create(self, principal: Principal, tenant: str, wanted: NewRole) -> Role:
        """A new role. Raises Invalid."""
        self._admit(principal, tenant)
        role = Role(
            id=self._ids.new("role"),
            tenant=tenant,
            name=check_text("name", wanted.name),
            permissions=frozenset(wanted.permissions),
            created_at=self._clock.now(),
        )
        await self._store.add_role(role)
        return role

    async def change(self, principal: Principal, tenant: str, id: str, wanted: RoleChange) -> Role:
        """Change what is given: it holds for the keys of all its members at once. Raises Invalid."""
        self.get(principal, tenant, id)
        given = wanted.given()
        check_text("name", given.get("name", ""))
        if "permissions" in given:
            given["permissions"] = frozenset(given["permissions"])
        return await self._store.change_role(tenant, id, lambda role: msgspec.structs.replace(role, **given))

    async def delete(self, principal: Principal, tenant: str, id: str) -> None:
        """Raises Conflict while a member has it."""
        self.get(principal, tenant, id)
        await self._store.delete_role(tenant, id)

    def _admit(self, principal: Principal, tenant: str) -> None:
        principal.require(Permission.ADMIN, tenant)
        self._store.directory.tenant(tenant)
