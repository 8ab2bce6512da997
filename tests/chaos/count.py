"""What the database says in the end, asked past Hookferry."""

import asyncio
from contextlib import AbstractContextManager, suppress
from typing import NamedTuple

import psycopg

_QUIET = "select count(*) from queue"
# A pending row whose time has come, a lease, what is still held: in a queue at rest nobody cares for it.
_STUCK = "select id, status, worker, due_at from queue"
_MISSING = """
select count(*) from events cross join endpoints
left join deliveries on deliveries.event = events.id and deliveries.endpoint = endpoints.id
where deliveries.id is null
"""
_DOUBLE = "select count(*) from (select 1 from deliveries group by event, endpoint having count(*) > 1) as d"
_STATUSES = "select status, count(*) from deliveries group by status"
_FINAL = """
select deliveries.id, deliveries.event, endpoints.url, deliveries.status
from deliveries join endpoints on endpoints.id = deliveries.endpoint
"""
_ATTEMPTS = """
select attempts.number, attempts.outcome, attempts.status_code, round(attempts.duration::numeric, 2)::float
from attempts join endpoints on endpoints.id = attempts.endpoint
where attempts.event = %s and endpoints.url like %s order by attempts.id
"""
# At any moment an event has a delivery for each endpoint, waiting or final.
_PARTIAL = """
select count(*) from events where created_at > %s and (
    (select count(*) from queue where queue.event = events.id)
    + (select count(*) from deliveries where deliveries.event = events.id)
) <> (select count(*) from endpoints)
"""


class Final(NamedTuple):
    """A delivery that has ended."""

    id: str
    event: str
    url: str
    status: str


class Books(NamedTuple):
    """The database at rest. `missing` counts deliveries that are not there, `double` those that are twice."""

    events: set[str]
    deliveries: list[Final]
    stuck: list[tuple[object, ...]]
    missing: int
    double: int


def audit(url: str) -> Books:
    """Read all of it, in one snapshot."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return Books(
            {id for (id,) in connection.execute("select id from events")},
            [Final(*row) for row in connection.execute(_FINAL)],
            list(connection.execute(_STUCK)),
            _one(connection, _MISSING),
            _one(connection, _DOUBLE),
        )


def partial(url: str, since: int) -> int:
    """How many events since a time (milliseconds) lack a delivery or have one too many, now."""
    with psycopg.connect(url) as connection:
        return _one(connection, _PARTIAL, since)


def waiting(url: str) -> int:
    """How many deliveries are not final."""
    with psycopg.connect(url) as connection:
        return _one(connection, _QUIET)


def attempts(url: str, target: str, event: str) -> list[tuple[object, ...]]:
    """What is on record of an event's attempts at a target: number, outcome, status, seconds."""
    with psycopg.connect(url) as connection:
        return list(connection.execute(_ATTEMPTS.encode(), (event, f"%{target}")))


def _one(connection: psycopg.Connection, query: str, *values: object) -> int:
    row = connection.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return int(row[0])


def unless_away() -> "AbstractContextManager[None]":
    """Whatever is asked within: no answer is fine while the database is away."""
    return suppress(psycopg.OperationalError)


async def quiet(url: str, timeout: float) -> bool:
    """True once everything is final; False if it is not so within `timeout` seconds."""
    try:
        async with asyncio.timeout(timeout):
            while await asyncio.to_thread(waiting, url):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    return True
