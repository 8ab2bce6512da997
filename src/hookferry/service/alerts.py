"""Alerts: rules that name endpoints. What they do to an event stands in following.py."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from hookferry.clock import Clock
from hookferry.contracts import Contract
from hookferry.errors import HookferryError
from hookferry.ids import IdMaker
from hookferry.model import Alert, Endpoint
from hookferry.service import rules
from hookferry.service.contracts import Contracts
from hookferry.service.endpoints import Endpoints
from hookferry.service.features import open_contract
from hookferry.service.forms import AlertChange, NewAlert, NewEndpoint
from hookferry.service.principal import Principal
from hookferry.store.base import Store


class Alerts:
    """What a tenant does with its alerts. `endpoints` makes those that are created with one (Y-11).

    Everything raises NotFound for an unknown tenant, and Forbidden
    for one whose contract's feature is off.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdMaker,
        contracts: Contracts,
        endpoints: Endpoints,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._contracts = contracts
        self._endpoints = endpoints

    def list(self, tenant: str) -> Sequence[Alert]:
        """A tenant's alerts, newest first."""
        self._contract(tenant)
        return self._store.directory.alerts(tenant)

    def get(self, tenant: str, id: str) -> Alert:
        """Raises NotFound."""
        self._contract(tenant)
        return self._store.directory.alert(tenant, id)

    async def create(
        self, tenant: str, wanted: NewAlert, by: Principal | None = None
    ) -> tuple[Alert, Sequence[Endpoint]]:
        """A new alert, and the endpoints that were created with it; `by` is who asks.

        Raises Invalid with the field that is wrong, and what creating an endpoint raises: then nothing was
        stored.
        """
        unique = self._contract(tenant).subscription.unique_url
        given, created = self._checked(tenant, wanted, by)
        now = self._clock.now()
        alert = Alert(id=self._ids.new("alr"), tenant=tenant, created_at=now, updated_at=now, **given)
        await self._store.add_alert(alert, created, unique)
        return alert, created

    async def change(
        self, tenant: str, id: str, wanted: AlertChange, by: Principal | None = None
    ) -> tuple[Alert, Sequence[Endpoint]]:
        """Change what is given and leave the rest. Raises NotFound, and as `create`."""
        self.get(tenant, id)
        unique = self._contract(tenant).subscription.unique_url
        given, created = self._checked(tenant, wanted, by)
        given["updated_at"] = self._clock.now()
        changed = await self._store.change_alert(
            tenant, id, lambda old: msgspec.structs.replace(old, **given), created, unique
        )
        return changed, created

    async def delete(self, tenant: str, id: str) -> None:
        """Delete an alert; its endpoints stay. Raises NotFound."""
        self._contract(tenant)
        await self._store.delete_alert(tenant, id)

    def _checked(
        self, tenant: str, wanted: NewAlert | AlertChange, by: Principal | None
    ) -> tuple[dict[str, Any], Sequence[Endpoint]]:
        """What is given, as an alert has it, and the endpoints to create."""
        check: dict[str, Callable[[Any], Any]] = {
            "name": lambda name: rules.check_text("name", name),
            "message": lambda message: rules.check_prose("message", message),
            "event_types": lambda names: self._endpoints.subscribable(tenant, names),
            "scope": rules.check_scope,
            "endpoints": lambda named: [self._draft(tenant, one, at, by) for at, one in enumerate(named)],
            "active": bool,
        }
        given = {name: check[name](value) for name, value in wanted.given().items()}
        named = given.get("endpoints", ())
        created = tuple(one for one in named if isinstance(one, Endpoint))
        if named:
            ids = (one.id if isinstance(one, Endpoint) else one for one in named)
            given["endpoints"] = tuple(dict.fromkeys(ids))
        return given, created

    def _draft(self, tenant: str, wanted: str | NewEndpoint, at: int, by: Principal | None) -> str | Endpoint:
        """An id as it is, a new endpoint as it will be stored."""
        if isinstance(wanted, str):
            return wanted
        try:
            return self._endpoints.draft(tenant, wanted, by)
        except HookferryError as error:
            error.field = f"endpoints[{at}].{error.field}" if error.field else f"endpoints[{at}]"
            raise

    def _contract(self, tenant: str) -> Contract:
        return open_contract(self._contracts, self._store.directory.tenant(tenant))
