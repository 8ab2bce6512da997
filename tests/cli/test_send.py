"""`hookferry send`, against a real server that delivers to a real receiver."""

import gzip
from pathlib import Path

import pytest

from tests.cli.world import Tenant

ODD = b'{"total": 1.50,  "big": 12345678901234567890,\n "name": "\\u00e9 \xe2\x98\x83", "a": 1, "a": 2}'


def test_one_event(tenant: Tenant) -> None:
    """An event is published, and the answer says its id and how many deliveries it has."""
    tenant.register()
    sent = tenant.json("send", "order.created", "--data", '{"order": 17}')
    assert (sent["id"][:4], sent["deliveries"]) == ("evt_", 1)


def test_it_arrives_verified(tenant: Tenant) -> None:
    """What was sent arrives, and its signature verifies."""
    tenant.register()
    tenant.json("send", "order.created", "--data", "{}")
    assert [arrival.verified for arrival in tenant.world.arrivals(tenant.target, 1)] == [True]


def test_payload_bytes_are_kept(tenant: Tenant) -> None:
    """A payload from standard input arrives byte for byte."""
    tenant.register()
    tenant.json("send", "order.created", input=ODD + b"\n")
    assert b'"data":' + ODD + b"}" in tenant.world.arrivals(tenant.target, 1)[0].body


def test_payload_from_a_file(tenant: Tenant) -> None:
    """`--data @FILE` reads the payload from a file."""
    tenant.register()
    Path("order.json").write_bytes(ODD)
    tenant.json("send", "order.created", "--data", "@order.json")
    assert b'"data":' + ODD + b"}" in tenant.world.arrivals(tenant.target, 1)[0].body


def test_idempotency(tenant: Tenant) -> None:
    """The same key gives the same event again."""
    sent = [tenant.json("send", "a", "--data", "1", "--idempotency-key", "k") for _ in range(2)]
    assert sent[0] == sent[1]


def test_idempotency_conflict(tenant: Tenant) -> None:
    """The same key with another payload is refused with exit code 5."""
    tenant.json("send", "a", "--data", "1", "--idempotency-key", "k")
    assert tenant.hookferry("send", "a", "--data", "2", "--idempotency-key", "k").exit_code == 5


def test_scope_and_time(tenant: Tenant) -> None:
    """A scope and the time of the event are passed on."""
    sent = tenant.json(
        *("send", "a", "--data", "1", "--occurred-at", "2026-01-02T03:04:05Z"),
        *("--scope", "dc=1", "--scope", "dc=2", "--scope", "zone=x"),
    )
    event = tenant.json("events", "show", sent["id"])
    assert (event["occurred_at"], event["scope"]) == (
        "2026-01-02T03:04:05.000Z",
        {"dc": ["1", "2"], "zone": ["x"]},
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ('1, "type": "other"', "not JSON"),
        ("[" * 100_000 + "]" * 100_000, "nested"),
    ],
)
def test_other_than_json_is_refused(tenant: Tenant, data: str, message: str) -> None:
    """A payload that is no JSON value is refused with exit code 5, and does not reach beyond its place."""
    result = tenant.hookferry("send", "order.created", input=data)
    assert (result.exit_code, message in result.stderr) == (5, True)


def test_invalid_utf8_is_refused(tenant: Tenant) -> None:
    """A payload that is not UTF-8 is refused with exit code 5."""
    result = tenant.hookferry("send", "order.created", input=b'"\xff"')
    assert (result.exit_code, "utf-8" in result.stderr) == (5, True)


def test_a_payload_too_large_is_refused(tenant: Tenant) -> None:
    """A payload over the server's limit is refused with exit code 5 and the limit."""
    result = tenant.hookferry("send", "order.created", input=b'"' + b"x" * 300_000 + b'"')
    assert (result.exit_code, "262,144" in result.stderr) == (5, True)


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_a_file_of_events(tenant: Tenant, name: str) -> None:
    """Each line of a file, gzipped or not, becomes an event; the summary counts them."""
    tenant.register("--on", "odd")
    lines = b"".join(b'{"type":"%b","payload":%d}\n' % ((b"even", b"odd")[n % 2], n) for n in range(1203))
    Path(name).write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    summary = tenant.json("send", "--file", name)
    assert (summary["events"], summary["deliveries"]) == (1203, 601)


def test_a_file_waits_for_the_quota(tenant: Tenant) -> None:
    """As long as the server says."""
    tenant.json("tenants", "update", tenant.id, "--events-per-second", "1000")
    lines = b'{"type":"a","payload":1}\n' * 1300
    assert tenant.json("send", "--file", "-", input=lines)["events"] == 1300


def test_lines_arrive_unchanged(tenant: Tenant) -> None:
    """The payload in a line arrives byte for byte, from standard input as well."""
    tenant.register()
    payload = ODD.replace(b"\n", b"")
    tenant.json("send", "--file", "-", input=b'\n{"type":"a","payload":%b}\r\n\n' % payload)
    assert b'"data":' + payload + b"}" in tenant.world.arrivals(tenant.target, 1)[0].body


def test_the_line_at_fault_is_named(tenant: Tenant) -> None:
    """A file's first line that is refused is named by its number, and what came before it is stored."""
    lines = [b'{"type":"a","payload":%d}' % n for n in range(700)]
    lines[612] = b'{"typ":"a","payload":0}'
    result = tenant.hookferry("send", "--file", "-", input=b"\n".join(lines))
    stored = len(tenant.json("events", "list", "--limit", "1000")["data"])
    assert (result.exit_code, "line 613:" in result.stderr, "612 events before" in result.stderr, stored) == (
        5,
        True,
        True,
        612,
    )


def test_a_damaged_file_is_said(tenant: Tenant) -> None:
    """A gzip file that is cut short is said to be damaged."""
    Path("cut.gz").write_bytes(gzip.compress(b'{"type":"a","payload":1}\n' * 100)[:-9])
    result = tenant.hookferry("send", "--file", "cut.gz")
    assert (result.exit_code, "cut.gz is damaged" in result.stderr) == (5, True)


def test_an_empty_file_sends_nothing(tenant: Tenant) -> None:
    """A file without lines is no error."""
    Path("empty.jsonl").touch()
    assert tenant.json("send", "--file", "empty.jsonl")["events"] == 0


@pytest.mark.parametrize(
    "args",
    [
        ["send"],
        ["send", "a", "--file", "x"],
        ["send", "--file", "x", "--scope", "a=b"],
        ["send", "a", "--scope", "b"],
    ],
)
def test_usage(tenant: Tenant, args: list[str]) -> None:
    """Arguments that do not go together are a usage error."""
    assert tenant.hookferry(*args).exit_code == 2


def test_a_missing_file_is_said(tenant: Tenant) -> None:
    """A file that is not there is named, with exit code 1."""
    result = tenant.hookferry("send", "--file", "gone.jsonl")
    assert (result.exit_code, result.stderr) == (1, "Error: gone.jsonl: No such file or directory\n")
