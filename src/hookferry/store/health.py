"""The health of endpoints: what the settlements of a commit change of it, in that commit, and probes."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from hookferry.health import Change, Health, after, is_well, probe
from hookferry.model import DeliveryStatus, EndpointStatus, Work
from hookferry.policy import Policy
from hookferry.store.database import Database, RacedError
from hookferry.store.directory import Directory
from hookferry.store.rows import health_of, health_row, work_of
from hookferry.store.values import About, Ingest, News, Seen, Settlement
from hookferry.times import iso


class Watch(NamedTuple):
    """What is known in memory, whom to ask for operational events, and the time."""

    directory: Directory
    about: About
    now: Callable[[], int]


class _Fared(NamedTuple):
    """How an endpoint fared in a commit: the settlements of one are added up."""

    seen: Seen
    reason: str

    def plus(self, other: Settlement, seen: Seen) -> "_Fared":
        tally = self.seen.tally.plus(seen.tally)
        reason = other.reason if seen.tally.gone else self.reason
        return _Fared(msgspec.structs.replace(self.seen, tally=tally), reason)


async def follow(
    db: Database, members: Sequence[Settlement], watch: Watch
) -> tuple[dict[str, News], list[Ingest]]:
    """Write what follows for the endpoints of settlements that count, by endpoint: the news of each, and the
    events to store about them.

    A commit of successes of endpoints that are well asks the database nothing.
    """
    now = watch.now()
    fared = _fared(members, watch.directory, now)
    lost = _lost(members)
    if not (fared or lost):
        return {}, []
    news = await _write(db, fared, now) if fared else {}
    told: list[Ingest] = []
    for endpoint in sorted({*news, *lost}):
        one = news.get(endpoint) or News(endpoint, watch.directory.health.get(endpoint))
        events = watch.about(one, lost.get(endpoint, ()), now)
        told += events
        if any(event.deliveries for event in events):
            news[endpoint] = msgspec.structs.replace(one, told=True)
    return news, told


def _fared(members: Sequence[Settlement], directory: Directory, now: int) -> dict[str, _Fared]:
    """The endpoints whose health changes, as far as memory knows."""
    known = directory.health
    concerned = {
        member.work.delivery.endpoint
        for member in members
        if (seen := member.seen) is not None
        and (seen.tally.failures or seen.tally.throttles or member.work.delivery.endpoint in known)
    }
    if not concerned:
        return {}
    found: dict[str, _Fared] = {}
    for member in members:
        endpoint, seen = member.work.delivery.endpoint, member.seen
        if seen is not None and endpoint in concerned:
            before = found.get(endpoint)
            found[endpoint] = before.plus(member, seen) if before else _Fared(seen, member.reason)
    return {
        endpoint: one
        for endpoint, one in found.items()
        if _exists(directory, endpoint) and _changes(known.get(endpoint), one.seen, now)
    }


def _exists(directory: Directory, endpoint: str) -> bool:
    found = directory.find_endpoint(endpoint)
    return found is not None and found.status is not EndpointStatus.DELETED


def _changes(known: Health | None, seen: Seen, now: int) -> bool:
    if known is None or is_well(known, now, seen.policy):
        return True
    return after(known, seen.tally, now, seen.policy, seen.chance) != (known, ())


def _lost(members: Sequence[Settlement]) -> dict[str, list[Settlement]]:
    """Deliveries that failed for good, by endpoint."""
    found: dict[str, list[Settlement]] = {}
    for member in members:
        if member.status is DeliveryStatus.FAILED and member.attempt is not None:
            found.setdefault(member.work.delivery.endpoint, []).append(member)
    return found


async def _write(db: Database, fared: dict[str, _Fared], now: int) -> dict[str, News]:
    asked = msgspec.json.encode(sorted(fared)).decode()
    there = dict(map(health_of, await db.rows("health_of", asked)))
    news = {}
    for endpoint in sorted(fared):
        seen, reason = fared[endpoint]
        before = there.get(endpoint) or Health()
        health, changes = after(before, seen.tally, now, seen.policy, seen.chance)
        if Change.DISABLED in changes:
            reason = reason if seen.tally.gone else _why(health)
            if await db.run("disable_endpoint", reason, now, endpoint):
                await db.run("note_endpoint", endpoint)
            else:
                changes = tuple(change for change in changes if change is not Change.DISABLED)
        well = is_well(health, now, seen.policy)
        news[endpoint] = News(endpoint, None if well else health, changes, reason)
    await _put(db, news, there)
    return news


def _why(health: Health) -> str:
    since = "" if health.failing_since is None else f" since {iso(health.failing_since)}"
    return f"it has taken nothing{since}, and {health.exhausted} deliveries are lost"


async def _put(db: Database, news: dict[str, News], there: dict[str, Health]) -> None:
    for endpoint in there:
        if news[endpoint].health is None:
            await db.run("drop_health", endpoint)
    rows = [health_row(one.endpoint, one.health) for one in news.values() if one.health is not None]
    await db.each("put_health", [row for row in rows if row[0] in there])
    new = [row for row in rows if row[0] not in there]
    if await db.each("add_health", new) < len(new):
        raise RacedError


async def enable(db: Database, endpoint: str, now: int) -> Health:
    """Hold nothing against an endpoint any more."""
    health = Health.enabled(now)
    await db.run("drop_health", endpoint)
    await db.each("add_health", [health_row(endpoint, health)])
    return health


async def claim_probe(
    db: Database, tenant: str, endpoint: str, now: int, policy: Policy, lease: str
) -> tuple[Work, Health] | None:
    """See the seam: the delivery, leased under a name, and the endpoint's health now."""
    row = await db.row("health_to_probe", endpoint)
    begun = row and probe(health_of(row)[1], now, policy)
    if not begun:
        return None
    given = {"tenant": tenant, "endpoint": endpoint, "now": now}
    rows = await db.named("retry_to_probe", given) or await db.named("first_to_probe", given)
    if not rows:
        return None
    work = work_of(rows[0])
    await db.each("put_health", [health_row(endpoint, begun)])
    await db.each("lease", [(tenant, work.delivery.id, lease, work.lease.token)])
    return work, begun
