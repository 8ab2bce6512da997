"""Reading the history, each time in one snapshot."""

from collections.abc import Collection, Set
from typing import Any, TypeVar

import msgspec

from hookferry import ids
from hookferry.errors import NotFound
from hookferry.exchange import Attempt, Outcome
from hookferry.model import Delivery, DeliveryStatus, EndpointState, Event, Job, JobStatus
from hookferry.store.database import Database
from hookferry.store.rows import attempt_of, delivery_of, event_of, job_of, state_of, watched_of
from hookferry.store.values import Page, Slice, Watched

T = TypeVar("T", Event, Delivery, Attempt, Job)

_WAITING = (DeliveryStatus.PENDING, DeliveryStatus.LEASED, DeliveryStatus.HELD)
_LAST = "~"  # sorts after every id
# How much of bodies one page of attempts holds. 200 attempts with payloads of 256 KiB kept the event loop
# for 100 to 200 ms when they were encoded, everybody's publishes meanwhile.
_PAGE_BYTES = 1024 * 1024
# How many of the latest attempts are looked at for those that somebody who watches has not seen.
_MOST_WATCHED = 10_000


def _given(prefix: str, rows: Slice) -> dict[str, Any]:
    """A slice as bounds on ids, which carry their time. One row more than asked tells if there are more."""
    return {
        "before": rows.before or _LAST,
        "since": "" if rows.since is None else ids.floor(prefix, rows.since),
        "until": _LAST if rows.until is None else ids.floor(prefix, rows.until),
        "limit": rows.limit + 1,
    }


def _page(found: list[T], limit: int) -> Page[T]:
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


async def events(db: Database, tenant: str, rows: Slice, type: str | None, key: str | None) -> Page[Event]:
    query = "events" if key is None else "events_by_key"
    given = {**_given("evt", rows), "tenant": tenant, "type": type, "key": key}
    return _page([event_of(row) for row in await db.named(query, given)], rows.limit)


async def event(db: Database, tenant: str, id: str) -> Event:
    row = await db.row("event", tenant, id)
    if row is None:
        raise NotFound(f"There is no event {id!r} in this tenant.")
    return event_of(row)


async def deliveries(
    db: Database,
    tenant: str,
    rows: Slice,
    status: Collection[DeliveryStatus],
    endpoint: str | None,
    event: str | None,
    type: str | None,
) -> Page[Delivery]:
    """One page of the queue and one of the history, merged."""
    wanted = set(status) or set(DeliveryStatus)
    given = {**_given("dlv", rows), "tenant": tenant, "endpoint": endpoint, "event": event, "type": type}
    given["status"] = msgspec.json.encode(sorted(wanted)).decode()
    given["only"] = next(iter(wanted))
    found: list[Delivery] = []
    for query in _delivery_queries(wanted, endpoint, event):
        found += [delivery_of(row) for row in await db.named(query, given)]
    found.sort(key=lambda delivery: delivery.id, reverse=True)
    return _page(found, rows.limit)


def _delivery_queries(wanted: set[DeliveryStatus], endpoint: str | None, event: str | None) -> list[str]:
    """The queries that find these deliveries by the best index there is."""
    suffix = "_by_event" if event is not None else ""
    queries = [f"waiting_deliveries{suffix}"] if wanted.intersection(_WAITING) else []
    if event is None and endpoint is not None:
        suffix = "_by_endpoint"
    elif event is None and len(wanted) == 1 and DeliveryStatus.SUCCEEDED not in wanted:
        suffix = "_by_status"
    return [*queries, f"final_deliveries{suffix}"] if wanted.difference(_WAITING) else queries


async def delivery(db: Database, tenant: str, id: str) -> Delivery:
    # The queue first: a delivery moves from there to the history and never back.
    for query in ("waiting_delivery", "final_delivery"):
        row = await db.row(query, tenant, id)
        if row is not None:
            return delivery_of(row)
    raise NotFound(f"There is no delivery {id!r} in this tenant.")


async def attempts(
    db: Database,
    tenant: str,
    rows: Slice,
    delivery: str | None,
    endpoint: str | None,
    outcome: Outcome | None,
) -> Page[Attempt]:
    query = "attempts_by_endpoint" if delivery is None else "attempts_by_delivery"
    given = {
        **_given("att", rows),
        "tenant": tenant,
        "delivery": delivery,
        "endpoint": endpoint,
        "outcome": outcome,
    }
    found: list[Attempt] = []
    room = _PAGE_BYTES
    async for row in db.stream(query, given):
        attempt = attempt_of(row)
        room -= _body_bytes(attempt)
        if found and (room < 0 or len(found) == rows.limit):
            return Page(found, found[-1].id)
        found.append(attempt)
    return Page(found, None)


async def settled_since(
    db: Database, tenant: str, endpoints: Collection[str], since: int, known: Set[str], limit: int
) -> tuple[Set[str], list[Watched]]:
    """See the seam. Most often there is nothing new, and ids are all that is read."""
    given = {
        "tenant": tenant,
        "endpoints": msgspec.json.encode(list(endpoints)).decode(),
        "since": ids.floor("att", since),
        "most": _MOST_WATCHED,
    }
    found = await db.named("settled_ids", given)
    wanted = [(endpoint, id) for endpoint, id in found if id not in known][:limit]
    attempts: list[Watched] = []
    if wanted:
        asked = {"tenant": tenant, "wanted": msgspec.json.encode(wanted).decode()}
        rows = await db.named("settled_attempts", asked)
        attempts = [watched for watched in map(watched_of, rows) if watched is not None]
    attempts.sort(key=lambda watched: watched.attempt.id)
    return {id for _, id in found}, attempts


def _body_bytes(attempt: Attempt) -> int:
    request, response = attempt.request, attempt.result.response
    return (request.size if request else 0) + (len(response.body) if response else 0)


async def count_attempts(db: Database, tenant: str, endpoint: str, most: int) -> int:
    (row,) = await db.named("count_attempts", {"tenant": tenant, "endpoint": endpoint, "most": most})
    return int(row[0])


async def jobs(
    db: Database, tenant: str, rows: Slice, endpoint: str | None, status: JobStatus | None
) -> Page[Job]:
    given = {**_given("job", rows), "tenant": tenant, "endpoint": endpoint, "status": status}
    return _page([job_of(row) for row in await db.named("jobs", given)], rows.limit)


async def job(db: Database, tenant: str, id: str) -> Job:
    row = await db.row("job", tenant, id)
    if row is None:
        raise no_job(id)
    return job_of(row)


def no_job(id: str) -> NotFound:
    return NotFound(f"There is no job {id!r} in this tenant.")


async def endpoint_history(db: Database, endpoint: str) -> list[EndpointState]:
    return [state_of(row) for row in await db.rows("endpoint_history", endpoint)]
