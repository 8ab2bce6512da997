"""What `doctor` looks at where everything is in PostgreSQL."""

from collections.abc import Iterator

import msgspec

from hookferry import databases
from hookferry.cli.finding import Finding, State, warned
from hookferry.config import Settings
from hookferry.errors import ConfigError, StartError
from hookferry.kinds import without_password
from hookferry.store.condition import PER_PROCESS, Condition

# Seconds. Each publish waits for one or two round trips.
_FAR = 0.005
# The time in a signature is the database's; receivers refuse one that is 5 minutes off.
_CLOCK_OFF = 5.0


def check_all(settings: Settings) -> Iterator[Finding]:
    """Every check in turn."""
    yield _key(settings)
    name = without_password(settings.database)
    try:
        condition = databases.condition(settings)
        if settings.direct_database is not None:
            databases.condition(msgspec.structs.replace(settings, direct_database=None))
    except (StartError, ConfigError) as error:
        yield Finding("database", State.FAIL, name, error.message)
        return
    yield from judge(condition, settings.processes, name)


def _key(settings: Settings) -> Finding:
    if settings.secret_key is not None:
        return Finding("secret key", State.OK, "HOOKFERRY_SECRET_KEY is set")
    advice = "Set HOOKFERRY_SECRET_KEY to the same on every machine, and keep it."
    return Finding("secret key", State.FAIL, "none", advice)


def judge(condition: Condition, processes: int, name: str) -> Iterator[Finding]:
    """What to say about a database. `processes` are those of this machine."""
    far = "Each publish waits for it: bring them closer together." if condition.away > _FAR else ""
    away = f"{condition.away * 1000:.1f} ms away"
    yield warned("database", f"PostgreSQL {condition.version} at {name}, {away}", far)
    if condition.key_fits is False:
        yield Finding(
            "encryption", State.FAIL, "under another key", "Start with the HOOKFERRY_SECRET_KEY of before."
        )
    yield _rights(condition)
    yield _migrations(condition)
    yield _clock(condition)
    yield _connections(condition, processes)
    yield from _durability(condition)
    vacuums = (
        "" if condition.vacuums else "Set autovacuum and track_counts to on: without them the queue slows."
    )
    yield warned("autovacuum", "on" if condition.vacuums else "off", vacuums)


def _rights(condition: Condition) -> Finding:
    if condition.read_only:
        return Finding("rights", State.FAIL, "read-only", "Name the primary, or let the user write.")
    if not condition.may_migrate:
        advice = "Make the user the database's owner: history is kept in tables that it makes each day."
        return Finding("rights", State.FAIL, "may not make tables", advice)
    return Finding("rights", State.OK, "may read, write and make tables")


def _migrations(condition: Condition) -> Finding:
    if condition.pending:
        return Finding(
            "migrations", State.FAIL, f"pending: {', '.join(condition.pending)}", "hookferry migrate up"
        )
    return Finding("migrations", State.OK, "none pending")


def _clock(condition: Condition) -> Finding:
    off = abs(condition.ahead) > _CLOCK_OFF
    advice = (
        "Set the clocks: signatures carry the database's time, and receivers refuse a wrong one."
        if off
        else ""
    )
    return warned("database's clock", f"{condition.ahead:+.1f} s from here", advice)


def _connections(condition: Condition, processes: int) -> Finding:
    needed = processes * PER_PROCESS
    free = condition.connections - condition.others
    found = f"{free} for all machines, {needed} for {processes} process{'es' * (processes > 1)} here"
    return warned(
        "connections", found, "" if needed <= free else "Raise max_connections, or run fewer processes."
    )


def _durability(condition: Condition) -> Iterator[Finding]:
    lost = "Turn it on: events that were acknowledged are lost when the database's machine crashes."
    for name, holds in (("fsync", condition.syncs), ("synchronous_commit", condition.waits_for_disk)):
        yield Finding(
            name, State.OK if holds else State.FAIL, "on" if holds else "OFF", "" if holds else lost
        )
    if not condition.whole_pages:
        torn = "Turn it on, unless the disk never writes half a page: a crash may damage the database."
        yield Finding("full_page_writes", State.WARN, "off", torn)
