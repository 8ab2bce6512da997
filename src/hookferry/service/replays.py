"""Replays: sending events to an endpoint again, as jobs that survive whoever works at them."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from hookferry.clock import Clock
from hookferry.errors import Conflict, Invalid
from hookferry.ids import IdMaker
from hookferry.model import OPERATIONAL, Endpoint, EndpointStatus, Job, JobStatus, Replayed
from hookferry.service.contracts import Contracts
from hookferry.service.endpoints import Endpoints
from hookferry.service.following import ALERT_TYPE
from hookferry.service.forms import NewReplay, millis
from hookferry.store.base import Store
from hookferry.store.replays import first_cursor
from hookferry.store.values import Page, Slice

# Rows that are looked at in one go to count: some 50 ms, in which nobody else reads the history.
_COUNT = 2_000
# Deliveries that a step makes at most: some 10 ms, in which nobody else commits.
_MAKE = 500
# Steps in a row: a job that finds little in a long history must keep no other duty waiting.
_STEPS = 20
# Deliveries that are cancelled in one commit.
_CANCEL = 1_000


class Replays:
    """What a tenant does with its jobs, and what moves them on. Raises NotFound for another tenant's.

    `wake` tells the engine that something is due.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdMaker,
        contracts: Contracts,
        endpoints: Endpoints,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._contracts = contracts
        self._endpoints = endpoints
        self._wake = wake

    async def plan(self, tenant: str, endpoint: str, wanted: NewReplay) -> Job:
        """A job as it would be, with its `total`. Nothing is stored.

        Raises NotFound, Invalid with the field that is wrong, Conflict for an endpoint that is disabled or
        takes nothing now.
        """
        found = self._endpoints.get(tenant, endpoint)
        self._check(found)
        now = self._clock.now()
        since, until = _range(wanted.since, wanted.until, now)
        missed = wanted.status is Replayed.MISSED
        job = Job(
            id=self._ids.new("job"),
            tenant=tenant,
            endpoint=endpoint,
            which=wanted.status,
            since=since,
            until=until,
            event_types=self._types(found, wanted),
            scope=found.scope if missed else {},
            rate=wanted.rate,
            total=0,
            created_at=now,
            cursor=first_cursor(wanted.status, since),
            next_at=now,
            but=self._addressed(found, wanted.event_types) if missed else (),
        )
        return msgspec.structs.replace(job, total=await self._count(job))

    async def start(self, tenant: str, endpoint: str, wanted: NewReplay) -> Job:
        """Begin a job. Raises as `plan`, and Conflict (`job_running`) if the endpoint has one at work."""
        job = await self.plan(tenant, endpoint, wanted)
        await self._store.add_job(job)
        return job

    async def jobs(
        self, tenant: str, rows: Slice, endpoint: str | None = None, status: JobStatus | None = None
    ) -> Page[Job]:
        """A tenant's jobs, newest first."""
        self._store.directory.tenant(tenant)
        return await self._store.jobs(tenant, rows, endpoint, status)

    async def get(self, tenant: str, id: str) -> Job:
        """One job."""
        self._store.directory.tenant(tenant)
        return await self._store.job(tenant, id)

    async def cancel(self, tenant: str, id: str) -> Job:
        """End a job, and cancel those of its deliveries that still wait; what a worker has may still go out.

        Raises Conflict (`job_ended`) for one that is done or failed.
        """
        self._store.directory.tenant(tenant)
        while True:
            job, cancelled = await self._store.cancel_job(tenant, id, self._clock.now(), _CANCEL)
            if cancelled < _CANCEL:
                return job

    async def advance(self) -> None:
        """Move all jobs on as far as their rates allow: to be called every second."""
        await asyncio.gather(*[self._advance(*job) for job in await self._store.running_jobs()])

    async def _advance(self, tenant: str, id: str) -> None:
        for _ in range(_STEPS):
            new_ids = [self._ids.new("dlv") for _ in range(_MAKE)]
            step = await self._store.advance(tenant, id, new_ids, self._clock.now())
            if step.made:
                self._wake()
            if not step.more:
                return

    async def _count(self, job: Job) -> int:
        total = 0
        while True:
            count, last = await self._store.count_replay(job, _COUNT)
            if last is None:
                return total
            total += count
            job = msgspec.structs.replace(job, cursor=last)

    def _check(self, endpoint: Endpoint) -> None:
        if endpoint.status is EndpointStatus.DISABLED:
            raise Conflict("The endpoint is disabled: resume it first.", code="endpoint_disabled")
        if not self._contracts.of(self._store.directory.tenant(endpoint.tenant)).accepts(endpoint):
            raise Conflict(
                "The endpoint receives nothing now: it is paused, or its secret is not issued yet."
            )

    def _types(self, endpoint: Endpoint, wanted: NewReplay) -> tuple[str, ...]:
        types = self._endpoints.subscribable(endpoint.tenant, wanted.event_types)
        if wanted.status is not Replayed.MISSED or not endpoint.event_types:
            return types
        for type in types:
            if type not in endpoint.event_types:
                raise Invalid(f"The endpoint is not subscribed to {type!r}.", field="event_types")
        return types or endpoint.event_types

    def _addressed(self, endpoint: Endpoint, named: Sequence[str]) -> tuple[str, ...]:
        """Types of events that go to the endpoints they are made for, or that name them: no other has missed
        them.
        """
        contract = self._contracts.of(self._store.directory.tenant(endpoint.tenant))
        test, _ = contract.test_event
        types = (ALERT_TYPE,) if test in contract.catalogue else (ALERT_TYPE, test)
        unnamed = sorted(OPERATIONAL - set(endpoint.event_types))
        return tuple(type for type in (*types, *unnamed) if type not in named)


def _range(since: datetime, until: datetime | None, now: int) -> tuple[int, int]:
    """What has not happened yet is nobody's past: the range ends now."""
    start = millis(since, "since")
    end = now if until is None else min(millis(until, "until"), now)
    if start >= end:
        raise Invalid("The range is empty: `since` is before `until`, and in the past.", field="since")
    return start, end
