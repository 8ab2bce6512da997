"""Replays: jobs that make deliveries again, in small steps. Each step is one transaction: what it made and
how far it has come are there together, or not at all.

A replay is slower than all else by itself: its deliveries are due one after the other at its rate, a little
ahead of time, and while many of them have not been tried yet it makes no more (adr 0009).
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import msgspec

from hookferry import ids
from hookferry.errors import Conflict
from hookferry.matching import in_scope
from hookferry.model import Delivery, DeliveryStatus, EndpointStatus, Job, JobStatus, Replayed, Scope
from hookferry.store import history
from hookferry.store.database import Database
from hookferry.store.queue import cancel_rows
from hookferry.store.rows import job_of, job_row, progress_row, queue_row
from hookferry.store.values import Step

# How far ahead deliveries are made, in milliseconds: several steps may be late before a receiver notices.
_AHEAD = 2_000
# While so many seconds' worth of them, and at least so many, have not been tried, no more are made: what is
# published or retried waits behind these at most.
_UNTRIED = 5
_FEWEST = 10
# Due times are rounded up to these milliseconds: a claim then takes several, and each costs a commit.
_TOGETHER = 100
# Rows that a step looks at: some 10 ms, in which nobody else commits.
_SCAN = 500

_ENDED = (EndpointStatus.DISABLED, EndpointStatus.DELETED)

_decode_scope = msgspec.json.Decoder(Scope).decode


class _Found(NamedTuple):
    """An event to send again; `cursor` is what stands for it in the order of the scan."""

    cursor: str
    retry_of: str | None
    event: str
    type: str
    readable: bool


def first_cursor(which: Replayed, since: int) -> str:
    """Where a replay begins: before all ids of its kind that were made at `since` or later."""
    return ids.floor(_kind(which), since)


def _kind(which: Replayed) -> str:
    return "evt" if which is Replayed.MISSED else "dlv"


async def add(db: Database, job: Job) -> None:
    # An index lets an endpoint have one that runs: so two who ask at once, on two machines, get one.
    if not await db.run("add_job", *job_row(job)):
        raise Conflict(
            "A job is at work on this endpoint: wait for its end, or cancel it.", code="job_running"
        )


async def count(db: Database, job: Job, limit: int) -> tuple[int, str | None]:
    """See the seam."""
    found, last = await _slice(db, job, limit)
    return len(found), last


async def _slice(db: Database, job: Job, limit: int) -> tuple[list[_Found], str | None]:
    """What is to be sent of the next `limit` rows, and the last of them; None if there is none."""
    query = "missed" if job.which is Replayed.MISSED else "delivered"
    given = {
        "tenant": job.tenant,
        "endpoint": job.endpoint,
        "cursor": job.cursor,
        "before": ids.floor(_kind(job.which), job.until),
        "limit": limit,
        "which": job.which,
        "event_types": msgspec.json.encode(job.event_types).decode(),
        "but": msgspec.json.encode(job.but).decode(),
    }
    ((last,),) = await db.named(f"{query}_until", given)
    if last is None:
        return [], None
    rows = await db.named(query, {**given, "last": last})
    found = [_Found(*row[:5]) for row in rows if not job.scope or in_scope(job.scope, _scope(row[5]))]
    return found, last


def _scope(text: str | None) -> Scope | None:
    return None if text is None else _decode_scope(text)


def room(job: Job, untried: int, now: int) -> int:
    """How many deliveries a job may make now, of which so many are untried."""
    by_time = (now + _AHEAD - max(job.next_at, now)) * job.rate / 1000
    return min(int(by_time) + 1 if by_time >= 0 else 0, _window(job) - untried)


def _window(job: Job) -> int:
    return max(_FEWEST, ceil(job.rate * _UNTRIED))


async def advance(db: Database, tenant: str, id: str, new_ids: Sequence[str], now: int) -> Step:
    """See the seam."""
    row = await db.row("step_of_job", tenant, id)
    if row is None:
        return Step(made=0, more=False)
    job = job_of(row)
    (status,) = await db.row("status_of_endpoint", job.endpoint) or (EndpointStatus.DELETED,)
    if status in _ENDED:
        await _put(db, job, status=JobStatus.FAILED, reason=f"endpoint_{status}", ended_at=now)
        return Step(made=0, more=False)
    ((untried,),) = await db.rows("untried_of_job", id, _window(job))
    wanted = room(job, untried, now)
    if wanted < 1:
        return Step(made=0, more=False)
    found, last = await _slice(db, job, _SCAN)
    if last is None:
        if not untried:
            await _put(db, job, status=JobStatus.DONE, ended_at=now)
        return Step(made=0, more=False)
    made, skipped, cursor = _taken(found, last, min(wanted, len(new_ids)))
    held = status == EndpointStatus.PAUSED
    start = max(job.next_at, now)
    deliveries = [
        _delivery(job, one, new_ids[number], now, None if held else _due(start, number, job.rate))
        for number, one in enumerate(made)
    ]
    await db.each("add_replays", [(*queue_row(delivery, ""), job.id) for delivery in deliveries])
    await _put(
        db,
        job,
        cursor=cursor,
        next_at=start + ceil(len(made) * 1000 / job.rate),
        done=job.done + len(made),
        skipped=job.skipped + skipped,
    )
    return Step(len(made), more=len(made) < wanted)


def _taken(found: list[_Found], last: str, most: int) -> tuple[list[_Found], int, str]:
    """What of a slice is sent, how many cannot be, and where the next slice begins."""
    made: list[_Found] = []
    skipped, cursor = 0, ""
    for one in found:
        if one.readable and len(made) == most:
            return made, skipped, cursor
        if one.readable:
            made.append(one)
        else:
            skipped += 1
        cursor = one.cursor
    return made, skipped, last


def _due(start: int, number: int, rate: float) -> int:
    due = start + int(number * 1000 / rate)
    return -(-due // _TOGETHER) * _TOGETHER


def _delivery(job: Job, found: _Found, id: str, now: int, due: int | None) -> Delivery:
    status = DeliveryStatus.HELD if due is None else DeliveryStatus.PENDING
    return Delivery(
        id, job.tenant, found.event, job.endpoint, found.type, status, 0, now, due, None, found.retry_of
    )


async def _put(db: Database, job: Job, **changed: object) -> Job:
    job = msgspec.structs.replace(job, **changed)
    await db.run("put_progress", *progress_row(job), job.tenant, job.id)
    return job


async def cancel(db: Database, tenant: str, id: str, now: int, limit: int) -> tuple[Job, int]:
    """See the seam."""
    row = await db.row("lock_job", tenant, id)
    if row is None:
        raise history.no_job(id)
    job = job_of(row)
    if job.status in (JobStatus.DONE, JobStatus.FAILED):
        raise Conflict("The job has ended.", code="job_ended")
    rows = await db.rows("waiting_of_job", id, limit)
    await cancel_rows(db, rows, now)
    ended_at = now if job.ended_at is None else job.ended_at
    job = await _put(
        db, job, status=JobStatus.CANCELLED, cancelled=job.cancelled + len(rows), ended_at=ended_at
    )
    return job, len(rows)
