"""Tenants: the customers of the product."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET

from hookferry.clock import Clock
from hookferry.contracts import Contract
from hookferry.errors import Conflict, Invalid
from hookferry.ids import IdMaker
from hookferry.model import Tenant
from hookferry.service import features
from hookferry.service.forms import NewTenant, TenantChange
from hookferry.service.principal import Principal
from hookferry.service.reconciling import reconcile
from hookferry.service.rules import check_features, check_tenant_id, check_text
from hookferry.store.base import Slice, Store


class Tenants:
    """Makes, changes and deletes tenants. `contracts` are those that a tenant can have, by name."""

    def __init__(self, store: Store, clock: Clock, ids: IdMaker, contracts: Mapping[str, Contract]) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._contracts = contracts

    def list(self, principal: Principal) -> Sequence[Tenant]:
        """The tenants that the principal may see, by id."""
        found = [tenant for tenant in self._store.directory.tenants.values() if principal.sees(tenant.id)]
        return sorted(found, key=lambda tenant: tenant.id)

    def get(self, id: str) -> Tenant:
        """Raises NotFound."""
        return self._store.directory.tenant(id)

    def check_documents(self, principal: Principal, id: str) -> None:
        """Let those pass who may see the tenant's developer documents.

        Raises NotFound, or Forbidden for a tenant's key while the operator has not opened them (OC-32).
        """
        tenant = self.get(id)
        if principal.tenant is not None:
            features.require(tenant, self._contracts[tenant.contract].access.docs_feature)

    async def create(self, wanted: NewTenant) -> Tenant:
        """Raises Conflict for an id that is taken, or that a deleted tenant left a history under."""
        id = self._ids.new("ten") if wanted.id is None else check_tenant_id(wanted.id)
        tenant = Tenant(
            id=id,
            name=check_text("name", wanted.name),
            contract=self._known_contract(wanted.contract),
            created_at=self._clock.now(),
            features=check_features(wanted.features),
        )
        # Who gets a deleted tenant's id must not get its events: they stay until retention takes them.
        if id not in self._store.directory.tenants and await self._has_history(id):
            raise Conflict(f"A deleted tenant was named {id!r}, and its history is still kept.", field="id")
        await self._store.add_tenant(tenant)
        return tenant

    async def change(self, id: str, wanted: TenantChange) -> Tenant:
        """Raises NotFound, and Conflict for another contract while there are endpoints."""
        given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not UNSET}
        check_text("name", given.get("name", ""))
        if "features" in given:
            given["features"] = check_features(given["features"])
        contract = self._known_contract(given["contract"]) if "contract" in given else self.get(id).contract
        if contract != self.get(id).contract and self._store.directory.endpoints(id):
            raise Conflict(
                "The contract can change only while there are no endpoints: their secrets are made for it.",
                field="contract",
            )
        return await self._store.change_tenant(id, lambda tenant: msgspec.structs.replace(tenant, **given))

    async def delete(self, id: str) -> int:
        """Delete a tenant with its keys and endpoints. How many deliveries that cancelled."""
        endpoints = self._store.directory.endpoints(id)
        await self._store.delete_tenant(id, self._clock.now())
        return sum([await reconcile(self._store, self._clock, endpoint.id) for endpoint in endpoints])

    async def _has_history(self, id: str) -> bool:
        events = await self._store.events(id, Slice(limit=1))
        return bool(events.data or (await self._store.deliveries(id, Slice(limit=1))).data)

    def _known_contract(self, name: str) -> str:
        if name not in self._contracts:
            known = ", ".join(sorted(self._contracts))
            raise Invalid(f"There is no contract {name!r}; there is: {known}.", field="contract")
        return name
