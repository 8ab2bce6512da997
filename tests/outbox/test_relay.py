"""The relay: one event for each row that was committed, in either database."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from hookferry import outbox
from hookferry.store.queries import load
from tests.cli.world import run
from tests.outbox.application import Application, Between, Tenant


def test_everything_arrives(application: Application, tenant: Tenant) -> None:
    """An event has all that it was written with; its key is the row's id."""
    when = datetime(2026, 1, 31, 13, 0, 0, 123000, tzinfo=UTC)
    (id,) = application.publish(
        tenant.id,
        {"ü": [1, None]},
        type="order.created",
        occurred_at=when,
        changes={"status": {"previous": 1, "current": 2}},
        scope={"dc_ids": ["1"], "city": ["Köln"]},
    )
    tenant.relay(application)
    event = tenant.event()
    assert {name: event[name] for name in ("type", "payload", "occurred_at", "changes", "scope")} == {
        "type": "order.created",
        "payload": {"ü": [1, None]},
        "occurred_at": "2026-01-31T13:00:00.123Z",
        "changes": {"status": {"previous": 1, "current": 2}},
        "scope": {"dc_ids": ["1"], "city": ["Köln"]},
    }
    assert event["idempotency_key"] == id


def test_an_event_occurs_when_it_is_written(application: Application, tenant: Tenant) -> None:
    """Without a time, an event occurred when it was written, not when it was relayed."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    application.publish(tenant.id, 1)
    after = datetime.now(UTC)
    tenant.relay(application)
    assert before <= datetime.fromisoformat(tenant.event()["occurred_at"]) <= after


def test_rows_leave(application: Application, tenant: Tenant) -> None:
    """What is published leaves the table."""
    application.publish(tenant.id, 1, 2, 3)
    result = tenant.relay(application)
    assert (result.exit_code, application.waiting, "3 events relayed." in result.stderr) == (0, 0, True)


def test_nothing_to_do(application: Application, tenant: Tenant) -> None:
    """An empty table is a success, and no words."""
    result = tenant.relay(application)
    assert (result.exit_code, result.output) == (0, "")


def test_order(application: Application, tenant: Tenant) -> None:
    """The rows of a tenant go in the order in which one process wrote them."""
    for number in range(30):
        application.publish(tenant.id, number)
    tenant.relay(application)
    assert tenant.payloads() == list(range(30))


def test_more_than_a_batch(application: Application, tenant: Tenant) -> None:
    """One run takes as many batches as it needs."""
    application.publish(tenant.id, *range(2100))
    tenant.relay(application)
    assert len(tenant.events()) == 2100


def test_a_claim_of_a_backlog(on_postgresql: Application) -> None:
    """A claim reads the rows that it takes by the index, also where the statistics know of no backlog."""
    columns = "insert into hookferry_outbox (id, tenant, type, payload)"
    on_postgresql.run(f"{columns} select 'out_' || i, 't', 'a', '1' from generate_series(1, 20000) as i")
    queries = load("hookferry.outbox", "postgresql")
    claim = queries["claim"].replace("$1", "1000").replace("$2", "'{}'")
    with on_postgresql.transaction() as connection:
        connection.execute(queries["prepare"])
        plan = "".join(row[0] for row in connection.execute(f"explain {claim}").fetchall())
    assert ("using hookferry_outbox_waiting" in plan, "Sort" in plan) == (True, False)


def test_large_rows(application: Application, tenant: Tenant, between: Between) -> None:
    """No request is larger than what proxies let through: many large rows take several."""
    application.publish(tenant.id, *["x" * 200_000] * 9)
    tenant.relay(application, url=between.url)
    assert (len(tenant.events()), len(between.requests)) == (9, 3)


def test_a_late_commit(on_postgresql: Application, tenant: Tenant) -> None:
    """A row whose transaction commits after a later row was relayed is not lost."""
    with on_postgresql.transaction() as late:
        outbox.publish(late, tenant.id, "a.b", "late")
        on_postgresql.publish(tenant.id, "early")
        tenant.relay(on_postgresql)
        assert tenant.payloads() == ["early"]
    tenant.relay(on_postgresql)
    assert tenant.payloads() == ["early", "late"]


def test_what_is_not_committed_stays(on_postgresql: Application, tenant: Tenant) -> None:
    """The relay does not see what may still be rolled back."""
    with on_postgresql.transaction() as open:
        outbox.publish(open, tenant.id, "a.b", 1)
        tenant.relay(on_postgresql)
        open.rollback()
    tenant.relay(on_postgresql)
    assert tenant.events() == []


def test_an_application_writes_while_the_relay_waits_for_the_server(
    application: Application, tenant: Tenant, between: Between
) -> None:
    """The relay keeps no lock that the application needs."""
    application.publish(tenant.id, 1)

    def write(method: str, path: str) -> None:
        if len(between.requests) == 1:
            application.publish(tenant.id, 2)

    between.after = write
    tenant.relay(application, url=between.url)
    assert tenant.payloads() == [1, 2]


# Keys are kept for a day.


def test_a_row_that_was_published_long_ago_is_asked_for(
    application: Application, tenant: Tenant, between: Between
) -> None:
    """Before an old row is published, the relay asks whether it was already, for its key may be forgotten."""
    ids = application.publish(tenant.id, 1, 2)
    tenant.relay(application)
    application.publish(tenant.id, 3)
    # As after a backup of the application's database was restored.
    with application.transaction() as connection:
        for id in ids:
            values = f"('{id}', '{tenant.id}', 'a.b', '9', '2000-01-01')"
            connection.execute(
                f"insert into hookferry_outbox (id, tenant, type, payload, created_at) values {values}"
            )
    result = tenant.relay(application, url=between.url)
    assert (result.exit_code, application.waiting, tenant.payloads()) == (0, 0, [1, 2, 3])
    assert [method for method, _ in between.requests] == ["GET", "GET", "POST"]


def test_an_old_row_that_was_not_published(application: Application, tenant: Tenant) -> None:
    """A row that waited for longer than keys are kept is published."""
    application.publish(tenant.id, 1)
    application.run("update hookferry_outbox set created_at = '2000-01-01'")
    tenant.relay(application)
    assert tenant.payloads() == [1]


def test_keys_that_lack_the_permission_to_ask(application: Application, tenant: Tenant) -> None:
    """Without the permission to read events an old row waits, and the command says what it needs."""
    application.publish(tenant.id, 1)
    application.run("update hookferry_outbox set created_at = '2000-01-01'")
    result = tenant.with_key("events:write").relay(application)
    assert (result.exit_code, "events:read" in result.stderr, application.waiting) == (3, True, 1)


# Rows that are refused.


def test_a_poison_row_does_not_stop_the_others(application: Application, tenant: Tenant) -> None:
    """Rows that Hookferry refuses are marked, wherever they stand, and all others are published."""
    application.publish("nobody", 1, 2)
    application.publish(tenant.id, 3)
    application.publish(tenant.id, 4, type="bad\ntype")
    application.publish(tenant.id, 5, scope={"x": 1})
    application.publish(tenant.id, "x" * 300_000, 6)
    application.publish(tenant.id, 7, changes={"a": 1})
    application.publish(tenant.id, 8)
    result = tenant.relay(application)
    assert tenant.payloads() == [3, 6, 8]
    assert "3 events relayed. 6 refused: see `hookferry outbox failed`." in result.stderr


def test_all_rows_are_poison(application: Application, tenant: Tenant, between: Between) -> None:
    """Many bad rows cost a few requests each, and smaller ones."""
    application.publish(tenant.id, *range(100), type="bad\ntype")
    tenant.relay(application, url=between.url)
    assert (len(refused(application)), len(between.requests) <= 200) == (100, True)


def test_a_row_that_is_no_json(application: Application, tenant: Tenant) -> None:
    """What was written by hand and is no JSON is marked; it cannot get into another row's event."""
    (id,) = application.publish(tenant.id, 1)
    application.run('update hookferry_outbox set payload = \'1}, {"type": "a", "payload": 2\'')
    application.publish(tenant.id, 3)
    tenant.relay(application)
    assert (tenant.payloads(), refused(application)) == ([3], {id: True})


@pytest.mark.parametrize("column", ["tenant", "type", "payload", "occurred_at", "scope"])
def test_bytes_that_are_no_text(on_sqlite: Application, tenant: Tenant, column: str) -> None:
    """SQLite lets any bytes in; a row of such is marked."""
    (id,) = on_sqlite.publish(tenant.id, 1)
    on_sqlite.run(f"update hookferry_outbox set {column} = x'22ff22'")
    on_sqlite.publish(tenant.id, 3)
    tenant.relay(on_sqlite)
    assert (tenant.payloads(), refused(on_sqlite)) == ([3], {id: True})


def refused(application: Application) -> dict[str, bool]:
    """The ids of refused rows, and whether there is a reason."""
    return {row["id"]: bool(row["error"]) for row in failed(application, "--limit", "200")["data"]}


def failed(application: Application, *args: str) -> dict[str, list[dict[str, str]]]:
    """What the command lists."""
    result = run("outbox", "failed", *args, HOOKFERRY_OUTBOX=application.url)
    assert result.exit_code == 0, result.stderr
    found: dict[str, list[dict[str, str]]] = json.loads(result.stdout)
    return found


def test_failed(application: Application, tenant: Tenant) -> None:
    """A refused row is listed with the time and the reason."""
    application.publish("nobody", 1)
    tenant.relay(application)
    (row,) = failed(application)["data"]
    assert (row["tenant"], row["type"], "nobody" in row["error"]) == ("nobody", "a.b", True)
    assert abs(datetime.fromisoformat(row["failed_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_failed_is_cut(application: Application, tenant: Tenant) -> None:
    """A longer list than --limit says that there is more."""
    application.publish("nobody", 1, 2, 3)
    tenant.relay(application)
    result = run("outbox", "failed", "--limit", "2", HOOKFERRY_OUTBOX=application.url)
    assert (len(json.loads(result.stdout)["data"]), "There is more" in result.stderr) == (2, True)


def test_refused_rows_are_skipped(application: Application, tenant: Tenant, between: Between) -> None:
    """A refused row is not tried again by itself."""
    application.publish("nobody", 1)
    tenant.relay(application, url=between.url)
    tenant.relay(application, url=between.url)
    assert len(between.requests) == 1


def test_retry(application: Application, tenant: Tenant) -> None:
    """A row that is put back is published once the reason is gone."""
    one, two = application.publish("nobody", 1, 2)
    tenant.relay(application)
    application.run(f"update hookferry_outbox set tenant = '{tenant.id}'")
    run("outbox", "retry", two, HOOKFERRY_OUTBOX=application.url)
    tenant.relay(application)
    assert (tenant.payloads(), refused(application)) == ([2], {one: True})


def test_retry_all(application: Application, tenant: Tenant) -> None:
    """All refused rows can be put back at once."""
    application.publish("nobody", 1, 2)
    tenant.relay(application)
    result = run("outbox", "retry", "--all", HOOKFERRY_OUTBOX=application.url)
    assert (result.stderr, application.waiting) == ("2 put back.\n", 2)


def test_retry_of_what_is_not_there(application: Application) -> None:
    """To put back what was not refused is exit code 4."""
    assert run("outbox", "retry", "out_1", HOOKFERRY_OUTBOX=application.url).exit_code == 4


def test_retry_needs_to_know_what(application: Application) -> None:
    """Neither a row nor all, or both, is a usage error."""
    assert run("outbox", "retry", HOOKFERRY_OUTBOX=application.url).exit_code == 2


def test_another_body_under_the_same_key(application: Application, tenant: Tenant) -> None:
    """A row that was changed after it was published is refused: its event is out already."""
    (id,) = application.publish(tenant.id, 1)
    with application.transaction() as keep:
        (row,) = keep.execute("select tenant, occurred_at from hookferry_outbox").fetchall()
    tenant.relay(application)
    values = f"('{id}', '{row[0]}', 'a.b', '2', '{row[1]}')"
    application.run(f"insert into hookferry_outbox (id, tenant, type, payload, occurred_at) values {values}")
    application.publish(tenant.id, 3)
    tenant.relay(application)
    assert (tenant.payloads(), refused(application)) == ([1, 3], {id: True})


# What stands in the way.


def test_one_tenant_has_to_wait(application: Application, tenant: Tenant, between: Between) -> None:
    """A tenant that is over its quota waits, and the others do not."""
    application.publish("busy", 1)
    application.publish(tenant.id, 2)
    problem = b'{"detail": "Too much.", "code": "x"}'
    between.before = lambda method, path: (429, {"retry-after": "7"}, problem) if "busy" in path else None
    result = tenant.relay(application, url=between.url)
    assert (result.exit_code, tenant.payloads(), application.waiting) == (1, [2], 1)
    assert "Tenant 'busy' has to wait 7 s: Too much." in result.stderr


def test_a_bug_of_the_server_s(application: Application, tenant: Tenant, between: Between) -> None:
    """Events that meet a bug of the server's wait, unmarked, and the other tenants' do not."""
    application.publish("buggy", 1)
    application.publish(tenant.id, 2)
    problem = b'{"detail": "A bug.", "code": "internal"}'
    between.before = lambda method, path: (500, {}, problem) if "buggy" in path else None
    result = tenant.relay(application, url=between.url)
    assert (result.exit_code, tenant.payloads(), application.waiting) == (1, [2], 1)


def test_the_server_cannot_store(application: Application, tenant: Tenant, between: Between) -> None:
    """A 503 loses nothing and marks nothing."""
    application.publish(tenant.id, 1)
    between.before = lambda method, path: (503, {}, b'{"detail": "No disk.", "code": "unavailable"}')
    result = tenant.relay(application, url=between.url)
    assert (result.exit_code, result.stderr, application.waiting) == (1, "Error: No disk.\n", 1)


def test_no_server(application: Application, tenant: Tenant) -> None:
    """A server that cannot be reached is exit code 6, and the rows wait."""
    application.publish(tenant.id, 1)
    result = tenant.relay(application, url="http://127.0.0.1:1")
    assert (result.exit_code, application.waiting) == (6, 1)


def test_a_wrong_key(application: Application, tenant: Tenant) -> None:
    """A wrong key is exit code 3, and the rows wait."""
    application.publish(tenant.id, 1)
    tenant.key = "hf_wrong"
    assert (tenant.relay(application).exit_code, application.waiting) == (3, 1)


def test_no_table(application: Application, tenant: Tenant) -> None:
    """A database without the table is exit code 2, and what to do."""
    application.run("drop table hookferry_outbox")
    result = tenant.relay(application)
    assert (result.exit_code, "`hookferry outbox schema` prints the table." in result.stderr) == (2, True)


def test_no_file(tenant: Tenant) -> None:
    """No database is made where there is none."""
    result = run("outbox", "failed", "--from", "sqlite:///none.db")
    assert (result.exit_code, "none.db cannot be opened" in result.stderr) == (2, True)


def test_no_database(on_postgresql: Application, tenant: Tenant) -> None:
    """A database that cannot be reached is exit code 6."""
    assert run("outbox", "failed", "--from", "postgresql://127.0.0.1:1/app").exit_code == 6


def test_a_wrong_password(on_postgresql: Application, tenant: Tenant) -> None:
    """A wrong password is exit code 2, and not in what is said."""
    host = on_postgresql.url.partition("@")[2]
    result = run("outbox", "failed", "--from", f"postgresql://postgres:wrong-word@{host}")
    assert (result.exit_code, "wrong-word" in result.stderr) == (2, False)


def test_no_database_is_named(tenant: Tenant) -> None:
    """Without a database the command says how to name one."""
    result = run("outbox", "failed")
    assert (result.exit_code, "--from or HOOKFERRY_OUTBOX" in result.stderr) == (2, True)


def test_another_kind_of_database(tenant: Tenant) -> None:
    """A database that the relay does not know is a usage error, which does not show the URL's password."""
    result = run("outbox", "failed", "--from", "mysql://root:secret@host/app")
    assert (result.exit_code, "secret" in result.stderr) == (2, False)
