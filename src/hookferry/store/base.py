"""The store's seam: what is durable, in the words of the domain. Every backend passes one suite.

Objects of configuration (tenants, endpoints, alerts, keys, roles, members, event types) are few: the store
keeps them in memory as well, in its `Directory`, which reads never leave. Events, deliveries and attempts are
many: they are read in pages. Secrets are in clear above this seam and encrypted below it.
"""

from asyncio import Future
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Protocol, TypeVar

from hookferry.exchange import Attempt, Outcome
from hookferry.model import (
    Alert,
    ContractText,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointState,
    Event,
    EventType,
    Job,
    JobStatus,
    Key,
    Member,
    Role,
    Tenant,
    Work,
)
from hookferry.policy import Policy
from hookferry.store.directory import Directory
from hookferry.store.values import (
    About,
    Backlog,
    Ingest,
    Ingested,
    Page,
    Pruned,
    Settled,
    Settlement,
    Slice,
    Step,
    Watched,
)

T = TypeVar("T")


class Store(Protocol):
    """About thirty verbs over one database. Raises `Unavailable` when it cannot write."""

    directory: Directory
    worker: str
    """This process as its leases name it."""
    cancellations: Callable[[int], None]
    """Called with how many deliveries ended where they waited, without a settlement."""
    about: About
    """Asked, within a commit, for the operational events that it is to store."""

    async def open(self) -> None:
        """Own the database, migrate it, load the directory, free what an earlier process had leased."""
        ...

    async def close(self) -> None:
        """Commit what waits and let go of the database."""
        ...

    async def probe(self) -> None:
        """Write something of no meaning. Raises Unavailable if nothing can be stored now."""
        ...

    def listen(self, listener: Callable[[Sequence[Settled]], None]) -> None:
        """Call `listener` on the event loop after each commit that settled something."""
        ...

    # Other processes

    @property
    def fresh(self) -> bool:
        """True while what this process knows and has leased is surely still so: else it sends nothing."""
        ...

    @property
    def live_workers(self) -> int:
        """How many processes share the deliveries."""
        ...

    def watch(self, due: Callable[[], None], lapsed: Callable[[], None]) -> None:
        """Call `due` when another process may have stored something due, `lapsed` when this one was taken
        for dead, and what it had leased is another's."""
        ...

    # The queue

    def ingest(self, events: Sequence[Ingest]) -> "Future[list[Ingested]]":
        """Store events with their deliveries, all or none. Conflict: a key was used with another body.

        To be called without a wait since they were matched (rule 5 of the queue). Raises OutdatedError if
        another process has changed a tenant of theirs meanwhile.
        """
        ...

    def settle(self, settlement: Settlement) -> None:
        """Commit a settlement as soon as may be; until then it counts as `unsettled`. Never raises."""
        ...

    @property
    def unsettled(self) -> int:
        """How many settlements wait for their commit."""
        ...

    async def next_due(self, skip: Collection[str]) -> int | None:
        """The earliest due time of what is pending, endpoints in `skip` aside."""
        ...

    async def claim(self, now: int, limit: int, per_endpoint: int, skip: Collection[str]) -> list[Work]:
        """Lease due deliveries: at most `per_endpoint` for each endpoint, round robin from the last claim.

        Of one with a rate no more than this worker's share of what it is sent in a second, rounded up.
        """
        ...

    async def due_of(self, endpoints: Collection[str], now: int) -> list[str]:
        """Which of these have something due."""
        ...

    async def claim_probe(self, endpoint: str, now: int, policy: Policy) -> Work | None:
        """Lease a due delivery as the probe of an endpoint whose breaker is not closed, once it is time.

        The retry with the most attempts behind it; a first attempt only where there is no retry.
        """
        ...

    async def heartbeat(self, now: int, until: int) -> None:
        """Say that this worker lives, so that its leases hold until the time given."""
        ...

    async def rescue(self, now: int) -> int:
        """Free what workers had leased whose heartbeat has lapsed; how many deliveries that were.

        A late result of theirs still counts until somebody claims the delivery anew.
        """
        ...

    async def reconcile(self, endpoint: str | None, now: int, limit: int) -> int:
        """Bring up to `limit` waiting deliveries in line with their endpoint's status, and say how many.

        Paused: pending ones are held. Active: held ones are pending. Disabled or deleted: both are cancelled.
        """
        ...

    async def retry(self, tenant: str, delivery: str, new_id: str, now: int) -> Delivery:
        """Send again: a final delivery gets a new one, a pending one is due now.

        Raises NotFound, or Conflict if it is in flight or held.
        """
        ...

    async def cancel(self, tenant: str, delivery: str, now: int) -> Delivery:
        """Cancel what is not final yet. NotFound, or Conflict for a final one."""
        ...

    async def waiting(self, tenant: str, most: int) -> int:
        """How many of a tenant's deliveries are not final, counted up to `most`."""
        ...

    async def backlog(self) -> Backlog:
        """What is in the queue now."""
        ...

    # The history

    async def events(
        self, tenant: str, rows: Slice, type: str | None = None, idempotency_key: str | None = None
    ) -> Page[Event]:
        """A tenant's events without their payloads."""
        ...

    async def event(self, tenant: str, id: str) -> Event:
        """One event. Raises NotFound."""
        ...

    async def deliveries(
        self,
        tenant: str,
        rows: Slice,
        status: Collection[DeliveryStatus] = (),
        endpoint: str | None = None,
        event: str | None = None,
        type: str | None = None,
    ) -> Page[Delivery]:
        """A tenant's deliveries, waiting and final."""
        ...

    async def delivery(self, tenant: str, id: str) -> Delivery:
        """One delivery. Raises NotFound."""
        ...

    async def attempts(
        self,
        tenant: str,
        rows: Slice,
        delivery: str | None = None,
        endpoint: str | None = None,
        outcome: Outcome | None = None,
    ) -> Page[Attempt]:
        """A tenant's attempts with their requests and answers, as they were on the wire, secrets masked.

        A page ends early, with a cursor, where its bodies become too many to be sent in one go.
        """
        ...

    async def settled_since(
        self, tenant: str, endpoints: Collection[str], since: int, known: Set[str], limit: int
    ) -> tuple[Set[str], list[Watched]]:
        """The ids of the latest attempts at endpoints of a tenant, made since a time, whoever has settled
        them; and of those that are not `known` the newest `limit`, oldest first.
        """
        ...

    async def count_attempts(self, tenant: str, endpoint: str, most: int) -> int:
        """How many attempts at an endpoint are kept, counted up to `most`."""
        ...

    async def prune(self, before: int, bodies_before: int, now: int, limit: int) -> tuple[Pruned, bool]:
        """Look at up to `limit` rows of each kind of history: those older than `before` go, and payloads and
        bodies older than `bodies_before`. How much went, and whether there is more to look at.

        What still waits in the queue is kept with its event and attempts, whatever its age.
        """
        ...

    async def endpoint_history(self, endpoint: str) -> list[EndpointState]:
        """What an endpoint was, from when on: oldest first. Each change appends to it in its commit."""
        ...

    # Replays

    async def count_replay(self, job: Job, limit: int) -> tuple[int, str | None]:
        """Look at the next `limit` rows after a job's cursor: how many it would send again, and the last of
        them, None if there are no more. Nothing is written.
        """
        ...

    async def add_job(self, job: Job) -> None:
        """Raises Conflict (`job_running`) if there is one at work on the endpoint."""
        ...

    async def jobs(
        self, tenant: str, rows: Slice, endpoint: str | None = None, status: JobStatus | None = None
    ) -> Page[Job]:
        """A tenant's jobs."""
        ...

    async def job(self, tenant: str, id: str) -> Job:
        """One job. Raises NotFound."""
        ...

    async def running_jobs(self) -> Sequence[tuple[str, str]]:
        """The tenant and the id of each job that is at work."""
        ...

    async def advance(self, tenant: str, id: str, new_ids: Sequence[str], now: int) -> Step:
        """Do the next step of a job: make as many deliveries as its rate allows, with these ids at most, and
        move its cursor, in one commit. A job that somebody else works at, or that has ended, has no step.

        It ends once each of its deliveries has been tried, and fails if its endpoint is disabled or deleted.
        """
        ...

    async def cancel_job(self, tenant: str, id: str, now: int, limit: int) -> tuple[Job, int]:
        """End a job and cancel up to `limit` of its deliveries that wait: the job, and how many these were.

        Again for one that is cancelled, to go on. Raises NotFound, or Conflict (`job_ended`) for another end.
        """
        ...

    # Configuration. Changes are pure functions, applied to the present state in one transaction.

    async def add_tenant(self, tenant: Tenant, text: ContractText | None = None) -> None:
        """Keep the contract's text that the tenant is pinned to in the same commit, None if it is kept.

        Raises Conflict if the id is taken.
        """
        ...

    async def change_tenant(
        self, id: str, change: Callable[[Tenant], Tenant], text: ContractText | None = None
    ) -> Tenant:
        """The same for a change. Raises NotFound, and whatever `change` raises."""
        ...

    async def delete_tenant(self, id: str, now: int) -> None:
        """Delete a tenant, its keys, members, roles and endpoints. Reconcile cancels what waits."""
        ...

    async def add_endpoint(self, endpoint: Endpoint, unique_url: bool = False) -> None:
        """Raises NotFound for an unknown tenant, and, if asked for a `unique_url`, Conflict (`url_taken`)."""
        ...

    async def change_endpoint(
        self, tenant: str, id: str, change: Callable[[Endpoint], Endpoint], unique_url: bool = False
    ) -> Endpoint:
        """Raises NotFound, and whatever `change` raises, and Conflict for a URL that had to be unique.

        Status DELETED deletes, out of alerts too.
        """
        ...

    async def add_alert(
        self, alert: Alert, endpoints: Sequence[Endpoint] = (), unique_url: bool = False
    ) -> None:
        """Add an alert, and first new endpoints that it names, as `add_endpoint` does: all or none.

        Raises NotFound for an unknown tenant, Invalid (`endpoints`) for an endpoint that is not there.
        """
        ...

    async def change_alert(
        self,
        tenant: str,
        id: str,
        change: Callable[[Alert], Alert],
        endpoints: Sequence[Endpoint] = (),
        unique_url: bool = False,
    ) -> Alert:
        """The same for a change. Raises NotFound, Invalid, Conflict."""
        ...

    async def delete_alert(self, tenant: str, id: str) -> None:
        """Raises NotFound."""
        ...

    async def add_key(self, key: Key) -> None:
        """Raises NotFound for an unknown tenant, or a member that is not the tenant's."""
        ...

    async def touch_keys(self, used: Mapping[str, int]) -> None:
        """Record when keys were last used, by their ids. Unknown ids are fine."""
        ...

    async def delete_key(self, id: str) -> None:
        """Revoke a key at once. Raises NotFound."""
        ...

    async def add_role(self, role: Role) -> None:
        """Raises NotFound for an unknown tenant."""
        ...

    async def change_role(self, tenant: str, id: str, change: Callable[[Role], Role]) -> Role:
        """Raises NotFound, and whatever `change` raises."""
        ...

    async def delete_role(self, tenant: str, id: str) -> None:
        """Raises NotFound, or Conflict while a member has it."""
        ...

    async def add_member(self, member: Member) -> None:
        """Raises NotFound for an unknown tenant, Invalid for a role that is not the tenant's."""
        ...

    async def change_member(self, tenant: str, id: str, change: Callable[[Member], Member]) -> Member:
        """Raises NotFound, Invalid for a role that is not the tenant's, and whatever `change` raises."""
        ...

    async def delete_member(self, tenant: str, id: str) -> None:
        """Delete a member and revoke its keys at once. Raises NotFound."""
        ...

    async def put_contract(self, text: ContractText) -> None:
        """Keep a contract's text. The same version again only gets the newer vectors and time."""
        ...

    async def delete_contract(self, name: str) -> None:
        """Forget all texts of a contract. Raises NotFound, or Conflict while a tenant has it."""
        ...

    async def add_event_type(self, type: EventType) -> None:
        """Raises Conflict if the name is taken."""
        ...

    async def change_event_type(self, name: str, change: Callable[[EventType], EventType]) -> EventType:
        """Raises NotFound."""
        ...

    async def delete_event_type(self, name: str) -> None:
        """Raises NotFound."""
        ...
