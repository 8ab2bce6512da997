"""The configuration's verbs of the seam, the same for every backend."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from hookferry.health import Health
from hookferry.model import Alert, ContractText, Endpoint, EventType, Key, Member, Role, Tenant
from hookferry.store import configuration
from hookferry.store.database import Database
from hookferry.store.directory import Directory
from hookferry.store.vault import Vault

T = TypeVar("T")


class Configured:
    """See `store.base.Store`. Its mutable state is the directory."""

    def __init__(self, vault: Vault) -> None:
        self.directory = Directory()
        self._vault = vault

    async def _transact(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """Do `work` in a transaction of its own."""
        raise NotImplementedError

    async def _change(
        self, work: Callable[[Database], Awaitable[T]], tell: Callable[[T], None] = lambda result: None
    ) -> T:
        """The same for a change of the configuration: first it is committed, then the directory is told."""
        raise NotImplementedError

    async def add_tenant(self, tenant: Tenant, text: ContractText | None = None) -> None:
        await self._change(lambda db: configuration.add_tenant(db, tenant, text), self._put_tenant)

    async def change_tenant(
        self, id: str, change: Callable[[Tenant], Tenant], text: ContractText | None = None
    ) -> Tenant:
        changed, _ = await self._change(
            lambda db: configuration.change_tenant(db, id, change, text), self._put_tenant
        )
        return changed

    def _put_tenant(self, changed: tuple[Tenant, ContractText | None]) -> None:
        tenant, text = changed
        self.directory.put_tenant(tenant)
        if text is not None:
            self.directory.put_contract(text)

    async def delete_tenant(self, id: str, now: int) -> None:
        await self._change(
            lambda db: configuration.delete_tenant(db, id, now),
            lambda _: self.directory.drop_tenant(id, now),
        )

    async def add_endpoint(self, endpoint: Endpoint, unique_url: bool = False) -> None:
        await self._change(
            lambda db: configuration.add_endpoint(db, endpoint, self._vault, unique_url),
            self.directory.put_endpoint,
        )

    async def change_endpoint(
        self, tenant: str, id: str, change: Callable[[Endpoint], Endpoint], unique_url: bool = False
    ) -> Endpoint:
        changed, _ = await self._change(
            lambda db: configuration.change_endpoint(db, tenant, id, change, self._vault, unique_url),
            self._put_changed,
        )
        return changed

    def _put_changed(self, changed: tuple[Endpoint, Health | None]) -> None:
        endpoint, health = changed
        self.directory.put_endpoint(endpoint)
        if health is not None:
            self.directory.put_health(endpoint.id, health)

    async def add_alert(
        self, alert: Alert, endpoints: Sequence[Endpoint] = (), unique_url: bool = False
    ) -> None:
        await self._change(
            lambda db: configuration.add_alert(db, alert, endpoints, self._vault, unique_url),
            lambda added: self._put_alert(added, endpoints),
        )

    async def change_alert(
        self,
        tenant: str,
        id: str,
        change: Callable[[Alert], Alert],
        endpoints: Sequence[Endpoint] = (),
        unique_url: bool = False,
    ) -> Alert:
        return await self._change(
            lambda db: configuration.change_alert(db, tenant, id, change, endpoints, self._vault, unique_url),
            lambda changed: self._put_alert(changed, endpoints),
        )

    def _put_alert(self, alert: Alert, endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints:
            self.directory.put_endpoint(endpoint)
        self.directory.put_alert(alert)

    async def delete_alert(self, tenant: str, id: str) -> None:
        await self._change(
            lambda db: configuration.delete_alert(db, tenant, id),
            lambda _: self.directory.drop_alert(tenant, id),
        )

    async def add_key(self, key: Key) -> None:
        await self._change(lambda db: configuration.add_key(db, key), self.directory.put_key)

    async def touch_keys(self, used: Mapping[str, int]) -> None:
        await self._transact(lambda db: configuration.touch_keys(db, used))
        for id, at in used.items():
            if (key := self.directory.keys.get(id)) is not None:
                self.directory.put_key(msgspec.structs.replace(key, last_used_at=at))

    async def delete_key(self, id: str) -> None:
        await self._change(lambda db: configuration.delete_key(db, id), lambda _: self.directory.drop_key(id))

    async def add_role(self, role: Role) -> None:
        await self._change(lambda db: configuration.add_role(db, role), self.directory.put_role)

    async def change_role(self, tenant: str, id: str, change: Callable[[Role], Role]) -> Role:
        return await self._change(
            lambda db: configuration.change_role(db, tenant, id, change), self.directory.put_role
        )

    async def delete_role(self, tenant: str, id: str) -> None:
        await self._change(
            lambda db: configuration.delete_role(db, tenant, id), lambda _: self.directory.drop_role(id)
        )

    async def add_member(self, member: Member) -> None:
        await self._change(lambda db: configuration.add_member(db, member), self.directory.put_member)

    async def change_member(self, tenant: str, id: str, change: Callable[[Member], Member]) -> Member:
        return await self._change(
            lambda db: configuration.change_member(db, tenant, id, change), self.directory.put_member
        )

    async def delete_member(self, tenant: str, id: str) -> None:
        await self._change(
            lambda db: configuration.delete_member(db, tenant, id), lambda _: self.directory.drop_member(id)
        )

    async def put_contract(self, text: ContractText) -> None:
        await self._change(lambda db: configuration.put_contract(db, text), self.directory.put_contract)

    async def delete_contract(self, name: str) -> None:
        await self._change(
            lambda db: configuration.delete_contract(db, name), lambda _: self.directory.drop_contract(name)
        )

    async def add_event_type(self, type: EventType) -> None:
        await self._change(lambda db: configuration.add_event_type(db, type), self.directory.put_event_type)

    async def change_event_type(self, name: str, change: Callable[[EventType], EventType]) -> EventType:
        return await self._change(
            lambda db: configuration.change_event_type(db, name, change), self.directory.put_event_type
        )

    async def delete_event_type(self, name: str) -> None:
        await self._change(
            lambda db: configuration.delete_event_type(db, name),
            lambda _: self.directory.drop_event_type(name),
        )
