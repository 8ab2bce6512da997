"""Tenants: the customers of the product."""

from collections.abc import Sequence

import msgspec

from hookferry.clock import Clock
from hookferry.contracts import Contract
from hookferry.errors import Conflict, Invalid
from hookferry.ids import IdMaker
from hookferry.model import ContractText, Endpoint, Quotas, Tenant
from hookferry.service import features
from hookferry.service.contracts import LATEST, Contracts
from hookferry.service.forms import NewTenant, TenantChange, TenantQuotas
from hookferry.service.principal import Principal
from hookferry.service.reconciling import reconcile_all
from hookferry.service.rules import check_features, check_headers, check_tenant_id, check_text
from hookferry.service.secrets import check_readable, live
from hookferry.store.base import Store
from hookferry.store.values import Slice


class Tenants:
    """Makes, changes and deletes tenants. Each is pinned to a version of its contract (ADR 0007)."""

    def __init__(self, store: Store, clock: Clock, ids: IdMaker, contracts: Contracts) -> None:
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

    def check_documents(self, principal: Principal, contract: Contract | None = None) -> None:
        """Let those pass who may see the developer documents of a contract, or else of their own.

        Raises Forbidden for the key of a tenant that the operator has not opened them for (OC-32).
        """
        if principal.tenant is not None:
            tenant = self.get(principal.tenant)
            features.require(tenant, (contract or self._contracts.of(tenant)).access.docs_feature)

    async def create(self, wanted: NewTenant) -> Tenant:
        """Raises Conflict for an id that is taken, or that a deleted tenant left a history under."""
        id = self._ids.new("ten") if wanted.id is None else check_tenant_id(wanted.id)
        text = self._contracts.choose(wanted.contract)
        tenant = Tenant(
            id=id,
            name=check_text("name", wanted.name),
            contract=text.name,
            created_at=self._clock.now(),
            features=check_features(wanted.features),
            contract_version=text.version,
            quotas=Quotas(**wanted.quotas.given()),
        )
        # Who gets a deleted tenant's id must not get its events: they stay until retention takes them.
        if id not in self._store.directory.tenants and await self._has_history(id):
            raise Conflict(f"A deleted tenant was named {id!r}, and its history is still kept.", field="id")
        await self._store.add_tenant(tenant, text)
        return tenant

    async def change(self, id: str, wanted: TenantChange) -> Tenant:
        """Raises NotFound, Invalid, and Conflict for a contract that its endpoints do not go with."""
        given = wanted.given()
        check_text("name", given.get("name", ""))
        if "features" in given:
            given["features"] = check_features(given["features"])
        text = self._wanted_text(self.get(id), **given)
        if text is not None:
            given |= {"contract": text.name, "contract_version": text.version}
        quotas = given.pop("quotas", TenantQuotas()).given()

        def change(tenant: Tenant) -> Tenant:
            return msgspec.structs.replace(
                tenant, quotas=msgspec.structs.replace(tenant.quotas, **quotas), **given
            )

        return await self._store.change_tenant(id, change, text)

    async def delete(self, id: str) -> int:
        """Delete a tenant with its keys and endpoints. How many deliveries that cancelled."""
        endpoints = self._store.directory.endpoints(id)
        await self._store.delete_tenant(id, self._clock.now())
        return await reconcile_all(self._store, self._clock, [endpoint.id for endpoint in endpoints])

    async def _has_history(self, id: str) -> bool:
        events = await self._store.events(id, Slice(limit=1))
        return bool(events.data or (await self._store.deliveries(id, Slice(limit=1))).data)

    def _wanted_text(
        self, tenant: Tenant, contract: str | None = None, contract_version: str | None = None, **_: object
    ) -> ContractText | None:
        """The contract's text to move a tenant to; None if it stays."""
        name = tenant.contract if contract is None else contract
        if name == tenant.contract and contract_version is None:
            return None
        text = self._contracts.choose(name, LATEST if contract_version is None else contract_version)
        endpoints = self._store.directory.endpoints(tenant.id)
        if name != tenant.contract and endpoints:
            raise Conflict(
                "The contract can change only while there are no endpoints: their secrets are made for it.",
                field="contract",
            )
        for endpoint in endpoints:
            self._check_goes_with(endpoint, self._contracts.of(tenant), self._contracts.compiled(text))
        return text

    def _check_goes_with(self, endpoint: Endpoint, old: Contract, contract: Contract) -> None:
        """Raises Conflict for an endpoint that could no longer be sent to under a contract."""
        check_readable(endpoint)
        try:
            if old.completes(endpoint) and not contract.completes(endpoint):
                raise Invalid("it has no secret, or no key pair")
            for secret in live(endpoint.secrets, self._clock.now()):
                contract.check_secret(secret.value)
            check_headers(dict(endpoint.headers), contract.header_names)
        except Invalid as error:
            raise Conflict(
                f"The endpoint {endpoint.id} does not go with this version: {error.message}",
                field="contract_version",
            ) from None
