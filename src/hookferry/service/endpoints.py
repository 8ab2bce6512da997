"""Endpoints: registered, changed, paused, resumed, tested, deleted."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from hookferry import urls
from hookferry.addresses import Network, check_host
from hookferry.clock import Clock
from hookferry.contracts import Contract
from hookferry.errors import Conflict, Invalid
from hookferry.health import Health, State, state
from hookferry.ids import IdMaker
from hookferry.model import Endpoint, EndpointStatus
from hookferry.service import rules
from hookferry.service.catalogue import is_known
from hookferry.service.contracts import Contracts
from hookferry.service.features import open_contract
from hookferry.service.forms import EndpointChange, NewEndpoint
from hookferry.service.principal import Principal
from hookferry.service.publish import Publisher
from hookferry.service.reconciling import reconcile
from hookferry.service.secrets import Randomness, check_readable, first_secrets, new_ed25519
from hookferry.store.base import Store
from hookferry.store.values import Ingested


class Endpoints:
    """What a tenant does with its endpoints. Raises Forbidden where its contract's feature is off for it.

    `allow` are the networks that an operator opened; `wake` tells the
    engine that something is due.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdMaker,
        contracts: Contracts,
        randomness: Randomness,
        publisher: Publisher,
        wake: Callable[[], None],
        allow: Sequence[Network] = (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._contracts = contracts
        self._randomness = randomness
        self._publisher = publisher
        self._wake = wake
        self._allow = allow

    def list(self, tenant: str) -> Sequence[Endpoint]:
        """A tenant's endpoints, newest first. Raises NotFound for an unknown tenant."""
        self._contract(tenant)
        return self._store.directory.endpoints(tenant)

    def get(self, tenant: str, id: str) -> Endpoint:
        """Raises NotFound."""
        self._contract(tenant)
        return self._store.directory.endpoint(tenant, id)

    def health(self, endpoint: Endpoint) -> tuple[Health, State]:
        """What is known of how an endpoint fares, and what that comes to now."""
        known = self._store.directory.health.get(endpoint.id, Health())
        return known, state(known, self._clock.now())

    async def create(self, tenant: str, wanted: NewEndpoint, by: Principal | None = None) -> Endpoint:
        """A new endpoint, active at once. Raises NotFound, or Invalid with the field that is wrong.

        `by` is who asks: there are secrets that only the operator gives. Raises Conflict (`url_taken`) for
        a URL that the tenant has already, where its contract wants them unique.
        """
        endpoint = self.draft(tenant, wanted, by)
        await self._store.add_endpoint(endpoint, self._contract(tenant).subscription.unique_url)
        return endpoint

    def draft(self, tenant: str, wanted: NewEndpoint, by: Principal | None = None) -> Endpoint:
        """An endpoint as it would be created, for who stores it with something else. Raises as `create`."""
        contract = self._contract(tenant)
        now = self._clock.now()
        paired = wanted.ed25519 or contract.needs_ed25519
        return Endpoint(
            id=self._ids.new("ep"),
            tenant=tenant,
            url=self._url(wanted.url, contract),
            name=rules.check_text("name", wanted.name),
            event_types=self._event_types(wanted.event_types, contract),
            scope=rules.check_scope(wanted.scope),
            headers=rules.check_headers(wanted.headers, contract.header_names),
            status=EndpointStatus.ACTIVE,
            secrets=first_secrets(contract, wanted.secret, self._randomness, by),
            created_at=now,
            updated_at=now,
            timeout=rules.check_timeout(wanted.timeout),
            rate_limit=rules.check_rate_limit(wanted.rate_limit),
            ed25519=new_ed25519(contract, self._randomness) if paired else None,
        )

    def subscribable(self, tenant: str, names: Sequence[str]) -> tuple[str, ...]:
        """Event types that the tenant may name, each once. Raises NotFound, or Invalid (`event_types`)."""
        return self._known(names, self._contract(tenant))

    async def change(self, tenant: str, id: str, wanted: EndpointChange) -> Endpoint:
        """Change what is given and leave the rest. Raises NotFound, Invalid, Conflict."""
        contract = self._contract(tenant)
        check: dict[str, Callable[[Any], Any]] = {
            "url": lambda url: self._url(url, contract),
            "name": lambda name: rules.check_text("name", name),
            "event_types": lambda names: self._event_types(names, contract),
            "scope": rules.check_scope,
            "headers": lambda headers: rules.check_headers(headers, contract.header_names),
            "timeout": rules.check_timeout,
            "rate_limit": rules.check_rate_limit,
        }
        given = {name: check[name](value) for name, value in wanted.given().items()}
        # How fast it is sent to is no contract's matter: nothing of it is on the wire.
        mutable = contract.subscription.mutable | {"rate_limit"}
        rules.check_mutable(self.get(tenant, id), given, mutable)
        return await self._replace(tenant, id, **given)

    async def pause(self, tenant: str, id: str) -> Endpoint:
        """Let it receive nothing until it is resumed. Raises NotFound, or Conflict if it is disabled.

        Raises Invalid where its contract lets nobody change the status.
        Its contract says whether what happens meanwhile is held for it or dropped.
        """
        self._check_switch(tenant, id, EndpointStatus.PAUSED)
        paused = await self._replace(tenant, id, status=EndpointStatus.PAUSED)
        await reconcile(self._store, self._clock, id)
        return paused

    async def resume(self, tenant: str, id: str) -> Endpoint:
        """Let a paused or disabled endpoint receive again; what was held is due now.

        Raises NotFound, and Invalid where its contract lets nobody change the status.
        """
        self._check_switch(tenant, id, EndpointStatus.ACTIVE)
        resumed = await self._replace(tenant, id, status=EndpointStatus.ACTIVE, disabled_reason=None)
        if await reconcile(self._store, self._clock, id):
            self._wake()
        return resumed

    async def delete(self, tenant: str, id: str) -> int:
        """Delete an endpoint and cancel what waits for it: how many deliveries. Raises NotFound."""
        self.get(tenant, id)
        now = self._clock.now()
        await self._store.change_endpoint(
            tenant,
            id,
            lambda old: msgspec.structs.replace(old, status=EndpointStatus.DELETED, updated_at=now),
        )
        return await reconcile(self._store, self._clock, id)

    async def test(self, tenant: str, id: str) -> Ingested:
        """Send the contract's test event to this endpoint. Raises NotFound, or Conflict if it is disabled."""
        endpoint = self.get(tenant, id)
        contract = self._contract(tenant)
        if endpoint.status is EndpointStatus.DISABLED:
            raise Conflict("The endpoint is disabled: resume it first.")
        if not contract.accepts(endpoint):
            raise Conflict(
                "The endpoint receives nothing now: it is paused, or its secret is not issued yet."
            )
        type, payload = contract.test_event
        return await self._publisher.publish_to(self._store.directory.tenant(tenant), endpoint, type, payload)

    async def _replace(self, tenant: str, id: str, **given: Any) -> Endpoint:
        self.get(tenant, id)
        now = self._clock.now()

        def change(old: Endpoint) -> Endpoint:
            check_readable(old)
            if given.get("status") is EndpointStatus.PAUSED and old.status is EndpointStatus.DISABLED:
                raise Conflict("The endpoint is disabled: it receives nothing that could be held.")
            return msgspec.structs.replace(old, updated_at=now, **given)

        unique = "url" in given and self._contract(tenant).subscription.unique_url
        return await self._store.change_endpoint(tenant, id, change, unique)

    def _check_switch(self, tenant: str, id: str, status: EndpointStatus) -> None:
        rules.check_mutable(
            self.get(tenant, id), {"status": status}, self._contract(tenant).subscription.mutable
        )

    def _contract(self, tenant: str) -> Contract:
        return open_contract(self._contracts, self._store.directory.tenant(tenant))

    def _url(self, text: str, contract: Contract) -> str:
        url = urls.parse(text, contract.subscription.schemes)
        check_host(url.host, self._allow)
        return url.text

    def _event_types(self, names: Sequence[str], contract: Contract) -> tuple[str, ...]:
        wanted = contract.subscription
        unique = self._known(names, contract) or wanted.default_types
        rules.check_count(unique, wanted.minimum, wanted.maximum)
        return unique

    def _known(self, names: Sequence[str], contract: Contract) -> tuple[str, ...]:
        unique = rules.check_event_types(map(contract.canonical, names))
        for name in unique:
            if not is_known(name, contract, self._store.directory):
                raise Invalid(f"There is no event type {name!r}.", field="event_types")
        return unique
