"""How data is printed."""

import json

from tests.cli.world import Tenant


def test_json_lines(tenant: Tenant) -> None:
    """`-o jsonl` prints one row a line."""
    for _ in range(2):
        tenant.json("send", "a", "--data", "1")
    lines = tenant.hookferry("events", "list", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["a", "a"]


def test_a_table(tenant: Tenant) -> None:
    """`-o table` prints heads and a row a line."""
    tenant.register("--name", "Desk", "--on", "a", "--on", "b")
    head, row = tenant.hookferry("webhooks", "list", "-o", "table").stdout.splitlines()
    assert (head.split()[:4], "a, b" in row, "Desk" in row) == (["id", "status", "health", "url"], True, True)


def test_a_table_of_one(tenant: Tenant) -> None:
    """One object is a table of names and values."""
    id = tenant.register()["id"]
    assert tenant.hookferry("webhooks", "show", id, "-o", "table").stdout.split()[:2] == ["id", id]


def test_a_table_says_how_to_go_on(tenant: Tenant) -> None:
    """A table that ends early says so on standard error."""
    for _ in range(2):
        tenant.json("send", "a", "--data", "1")
    assert "--cursor" in tenant.hookferry("events", "list", "-o", "table", "--limit", "1").stderr


def test_tables_are_harmless(tenant: Tenant) -> None:
    """Control characters of a publisher do not reach the terminal."""
    sent = tenant.json("send", "a", input='"\\u001b[2J\\u009b[bold]x[/bold]"')
    out = tenant.hookferry("events", "show", sent["id"], "-o", "table").stdout
    assert ("\x1b" in out, "\x9b" in out, "[bold]x[/bold]" in out) == (False, False, True)


def test_json_is_harmless(tenant: Tenant) -> None:
    """C1 control characters are escaped in JSON, and it says the same."""
    sent = tenant.json("send", "a", input='"\x9b2J\x7f"')
    out = tenant.hookferry("events", "show", sent["id"]).stdout
    assert ("\x9b" in out, json.loads(out)["payload"]) == (False, "\x9b2J\x7f")


def test_numbers_stay(tenant: Tenant) -> None:
    """JSON shows numbers as they were published, whatever their length."""
    sent = tenant.json("send", "a", input="12345678901234567890.10")
    assert "12345678901234567890.10" in tenant.hookferry("events", "show", sent["id"]).stdout
