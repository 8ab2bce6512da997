"""What happened: events, deliveries and attempts; a delivery sent again or cancelled by hand."""

from collections.abc import Callable, Collection

from hookferry.clock import Clock
from hookferry.errors import Conflict
from hookferry.exchange import Attempt, Outcome
from hookferry.ids import IdMaker
from hookferry.model import Delivery, DeliveryStatus, EndpointStatus, Event
from hookferry.store.base import Store
from hookferry.store.values import Page, Slice

WAITING = (DeliveryStatus.PENDING, DeliveryStatus.LEASED, DeliveryStatus.HELD)
"""The statuses of a delivery that is not final; callers see them all as `pending`."""


class History:
    """Reads a tenant's history in pages, newest first. Raises NotFound for what is another tenant's.

    `wake` tells the engine that something is due, `drop` that it must not send what it still holds.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdMaker,
        wake: Callable[[], None],
        drop: Callable[[Delivery], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._wake = wake
        self._drop = drop

    async def events(
        self, tenant: str, rows: Slice, type: str | None = None, idempotency_key: str | None = None
    ) -> Page[Event]:
        """A tenant's events without their payloads."""
        self._store.directory.tenant(tenant)
        return await self._store.events(tenant, rows, type, idempotency_key)

    async def event(self, tenant: str, id: str) -> Event:
        """One event with its payload, as long as that is kept."""
        self._store.directory.tenant(tenant)
        return await self._store.event(tenant, id)

    async def deliveries(
        self,
        tenant: str,
        rows: Slice,
        status: Collection[DeliveryStatus] = (),
        endpoint: str | None = None,
        event: str | None = None,
        type: str | None = None,
    ) -> Page[Delivery]:
        """A tenant's deliveries, waiting and final; `status` empty means all, PENDING all that wait."""
        self._store.directory.tenant(tenant)
        wanted = {*status, *(WAITING if DeliveryStatus.PENDING in status else ())}
        return await self._store.deliveries(tenant, rows, wanted, endpoint, event, type)

    async def event_deliveries(self, tenant: str, event: str, rows: Slice) -> Page[Delivery]:
        """The deliveries of one event."""
        await self.event(tenant, event)
        return await self._store.deliveries(tenant, rows, event=event)

    async def delivery(self, tenant: str, id: str) -> Delivery:
        """One delivery."""
        self._store.directory.tenant(tenant)
        return await self._store.delivery(tenant, id)

    async def delivery_attempts(self, tenant: str, delivery: str, rows: Slice) -> Page[Attempt]:
        """The attempts of one delivery."""
        await self.delivery(tenant, delivery)
        return await self._store.attempts(tenant, rows, delivery=delivery)

    async def endpoint_attempts(
        self, tenant: str, endpoint: str, rows: Slice, outcome: Outcome | None = None
    ) -> Page[Attempt]:
        """The attempts at one endpoint."""
        self._store.directory.endpoint(tenant, endpoint)
        return await self._store.attempts(tenant, rows, endpoint=endpoint, outcome=outcome)

    async def count_attempts(self, tenant: str, endpoint: str, most: int) -> int:
        """How many attempts at one endpoint are kept, counted up to `most`."""
        self._store.directory.endpoint(tenant, endpoint)
        return await self._store.count_attempts(tenant, endpoint, most)

    async def retry(self, tenant: str, delivery: str) -> Delivery:
        """Send again: a final delivery gets a new one, a waiting one is due now.

        Raises Conflict if it is in flight or held, or if its endpoint is deleted or disabled.
        """
        old = await self.delivery(tenant, delivery)
        endpoint = self._store.directory.find_endpoint(old.endpoint)
        if endpoint is None or endpoint.status in (EndpointStatus.DELETED, EndpointStatus.DISABLED):
            state = "disabled" if endpoint and endpoint.status is EndpointStatus.DISABLED else "deleted"
            raise Conflict(f"The delivery's endpoint is {state}.", code=f"endpoint_{state}")
        again = await self._store.retry(tenant, delivery, self._ids.new("dlv"), self._clock.now())
        self._wake()
        return again

    async def cancel(self, tenant: str, delivery: str) -> Delivery:
        """Cancel what is not final yet. Raises Conflict for what is."""
        self._store.directory.tenant(tenant)
        cancelled = await self._store.cancel(tenant, delivery, self._clock.now())
        self._drop(cancelled)
        return cancelled
