"""Members: a tenant's people, each with a role."""

from collections.abc import Sequence

import msgspec

from hookferry.clock import Clock
from hookferry.ids import IdMaker
from hookferry.model import Member, Permission
from hookferry.service.forms import MemberChange, NewMember
from hookferry.service.principal import Principal
from hookferry.service.rules import check_email, check_text
from hookferry.store.base import Store


class Members:
    """What a tenant's admin does with its people, and the operator with everybody's (OC-9 to OC-14).

    All of it needs `admin`. Raises Forbidden for others, NotFound for another tenant's members.
    """

    def __init__(self, store: Store, clock: Clock, ids: IdMaker) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    def list(self, principal: Principal, tenant: str) -> Sequence[Member]:
        """A tenant's members, newest first."""
        self._admit(principal, tenant)
        found = [member for member in self._store.directory.members.values() if member.tenant == tenant]
        return sorted(found, key=lambda member: member.id, reverse=True)

    def get(self, principal: Principal, tenant: str, id: str) -> Member:
        """One member."""
        self._admit(principal, tenant)
        return self._store.directory.member(tenant, id)

    async def create(self, principal: Principal, tenant: str, wanted: NewMember) -> Member:
        """A new member. Raises Invalid, also for a role that is not the tenant's."""
        self._admit(principal, tenant)
        member = Member(
            id=self._ids.new("mem"),
            tenant=tenant,
            name=check_text("name", wanted.name),
            role=wanted.role,
            created_at=self._clock.now(),
            email=check_email(wanted.email),
        )
        await self._store.add_member(member)
        return member

    async def change(self, principal: Principal, tenant: str, id: str, wanted: MemberChange) -> Member:
        """Change what is given. Another role holds for the member's keys at once. Raises Invalid."""
        self.get(principal, tenant, id)
        given = wanted.given()
        check_text("name", given.get("name", ""))
        check_email(given.get("email"))
        return await self._store.change_member(
            tenant, id, lambda member: msgspec.structs.replace(member, **given)
        )

    async def delete(self, principal: Principal, tenant: str, id: str) -> None:
        """Delete a member. Its keys end at once."""
        self.get(principal, tenant, id)
        await self._store.delete_member(tenant, id)

    def _admit(self, principal: Principal, tenant: str) -> None:
        principal.require(Permission.ADMIN, tenant)
        self._store.directory.tenant(tenant)
