"""One delivery, from the lane to the settlement: load > render > sign > send > judge > settle."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
import structlog

from hookferry.clock import Clock
from hookferry.contracts import Contract
from hookferry.delivery.failures import Overtaken
from hookferry.errors import HookferryError, Unavailable
from hookferry.exchange import Attempt, Judgement, Outcome, Request, Result, Verdict
from hookferry.health import tally
from hookferry.ids import IdMaker
from hookferry.logs import described
from hookferry.masking import masked
from hookferry.model import DeliveryStatus, Endpoint, EndpointStatus, Work
from hookferry.policy import Policy
from hookferry.service.contracts import Contracts
from hookferry.store.base import Store
from hookferry.store.values import Seen, Settlement

# Seconds until a delivery that a fault of ours held up is tried again, times up to two by chance.
_OUR_FAULT = 1.0
# And until one that met a bug is.
_OUR_BUG = 60.0

_STATUSES = {
    Verdict.SUCCEEDED: DeliveryStatus.SUCCEEDED,
    Verdict.RETRY: DeliveryStatus.PENDING,
    Verdict.FAILED: DeliveryStatus.FAILED,
    Verdict.DISABLE: DeliveryStatus.FAILED,
}

_log = structlog.get_logger("hookferry.executor")


class Sends(Protocol):
    """The sender as the executor sees it."""

    def on_wire(self, request: Request) -> Request:
        """The request with all headers as they are sent."""
        ...

    async def send(self, request: Request, still: Callable[[], bool]) -> Result:
        """Never raises but Unavailable, for a fault of ours that spends no attempt, and Overtaken."""
        ...


class Executor:
    """Delivers, one at a time as called. `chance` gives a uniform number in [0, 1); no state of its own.

    `time_scale` runs the retry schedule that many times faster: for development and tests.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdMaker,
        contracts: Contracts,
        sender: Sends,
        chance: Callable[[], float],
        time_scale: float = 1.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._contracts = contracts
        self._sender = sender
        self._chance = chance
        self._time_scale = time_scale

    async def deliver(self, work: Work) -> None:
        """Make one attempt and settle it. Whatever goes wrong on our side spends none. Never raises."""
        try:
            await self._attempt(work)
        except Overtaken:
            # It may be another's by now. What is still ours is claimed anew, and looked at as it is then.
            self.give_back(work)
        except asyncio.CancelledError:
            self.give_back(work)
            raise
        except Unavailable:
            self.give_back(work, _OUR_FAULT * (1 + self._chance()))
        except Exception as error:
            _log.error("an attempt ran into a bug", delivery=work.delivery.id, **described(error))
            self.give_back(work, _OUR_BUG)

    async def _attempt(self, work: Work) -> None:
        if not self._store.fresh:
            # Stopped just before its turn, it may not know what has changed meanwhile (rule 6).
            self.give_back(work)
            return
        endpoint = self._store.directory.find_endpoint(work.delivery.endpoint)
        tenant = self._store.directory.tenants.get(work.delivery.tenant)
        if endpoint is None or tenant is None or endpoint.status is not EndpointStatus.ACTIVE:
            self._stand_aside(work, endpoint)
            return
        contract = self._contracts.of(tenant)
        started_at = self._clock.now()
        number = work.delivery.attempts + 1
        request, result = self._render(contract, work, endpoint, number, started_at)
        if request is not None:
            result = await self._sender.send(request, partial(self._still, endpoint))
        assert result is not None  # noqa: S101 - either there was a request, or its rendering failed
        now = self._clock.now()
        age = (now - work.delivery.created_at) / 1000
        judgement = contract.judge(result, number, age, self._chance(), now)
        attempt = Attempt(
            self._ids.new("att"),
            work.delivery.id,
            endpoint.id,
            number,
            started_at,
            self._on_record(request, endpoint),
            result,
        )
        self._store.settle(self._settlement(work, attempt, judgement, now, self._scaled(contract.policy)))

    def _still(self, endpoint: Endpoint) -> bool:
        """True if an endpoint is as it was, and what was leased to this process is so still.

        Who was taken for dead reads everything anew: another object even for what has not changed.
        """
        return self._store.fresh and self._store.directory.find_endpoint(endpoint.id) is endpoint

    def give_back(self, work: Work, delay: float = 0) -> None:
        """Return a delivery to the queue without having spent an attempt; `delay` in seconds."""
        now = self._clock.now()
        self._store.settle(
            Settlement(work, DeliveryStatus.PENDING, now, due_at=now + int(delay * 1000), reason="given back")
        )

    def _stand_aside(self, work: Work, endpoint: Endpoint | None) -> None:
        """The endpoint was paused, disabled or deleted since: a look before each request (rule 6)."""
        paused = endpoint is not None and endpoint.status is EndpointStatus.PAUSED
        status = DeliveryStatus.HELD if paused else DeliveryStatus.CANCELLED
        state = endpoint.status.value if endpoint else "gone"
        self._store.settle(Settlement(work, status, self._clock.now(), reason=f"the endpoint is {state}"))

    def _render(
        self, contract: Contract, work: Work, endpoint: Endpoint, number: int, now: int
    ) -> tuple[Request | None, Result | None]:
        """The request, or why there is none: a poison row ends and the queue moves on (FAULTS, 13)."""
        if not endpoint.readable:
            return None, Result(
                Outcome.UNREADABLE_SECRET, 0.0, detail="The endpoint's secret cannot be decrypted."
            )
        if work.event.payload is None:
            return None, Result(Outcome.UNRENDERABLE, 0.0, detail="The event's payload is gone.")
        try:
            return contract.render(work.event, work.delivery, endpoint, number, now), None
        except HookferryError as error:
            return None, Result(Outcome.UNRENDERABLE, 0.0, detail=error.message)

    def _on_record(self, request: Request | None, endpoint: Endpoint) -> Request | None:
        """What was sent, byte for byte, secrets masked: only the customer's own headers can hold one."""
        if request is None:
            return None
        request = self._sender.on_wire(request)
        return (
            msgspec.structs.replace(request, headers=masked(request.headers)) if endpoint.headers else request
        )

    def _settlement(
        self, work: Work, attempt: Attempt, judgement: Judgement, now: int, policy: Policy
    ) -> Settlement:
        pause = None if judgement.pause is None else int(judgement.pause * 1000 / self._time_scale)
        seen = Seen(tally(attempt.result.outcome, judgement.verdict, pause), policy, self._chance())
        status, due = _STATUSES[judgement.verdict], None
        if judgement.verdict is Verdict.RETRY:
            due = now + int((judgement.delay or 0) * 1000 / self._time_scale)
        return Settlement(work, status, now, attempt, due_at=due, reason=judgement.reason, seen=seen)

    def policy(self, tenant: str) -> Policy:
        """What follows from how a tenant's endpoints fare."""
        found = self._store.directory.tenants.get(tenant)
        return Policy() if found is None else self._scaled(self._contracts.of(found).policy)

    def _scaled(self, policy: Policy) -> Policy:
        return policy if self._time_scale == 1 else policy.scaled(self._time_scale)
