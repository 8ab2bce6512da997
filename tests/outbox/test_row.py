"""What `publish` writes, and what it refuses before it writes anything."""

import json
import math
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from hookferry.ids import time_of
from hookferry.outbox import schema
from hookferry.outbox.row import new_id, new_row
from tests.cli.world import run


def row(**fields: Any) -> dict[str, Any]:
    """A row with these fields, and usual ones for the rest."""
    given = {
        "tenant": "acme",
        "type": "a.b",
        "payload": 1,
        "occurred_at": None,
        "changes": None,
        "scope": None,
    }
    return new_row(**{**given, **fields})


def test_bytes_stay_as_they_are() -> None:
    """A payload of bytes is JSON already: blanks and numbers stay."""
    assert row(payload=b'{"a" :  1.10}')["payload"] == '{"a" :  1.10}'


def test_letters_stay_letters() -> None:
    """A payload of other letters is no longer than it has to be."""
    assert row(payload={"ü": [1, 2]})["payload"] == '{"ü":[1,2]}'


def test_text_is_a_json_string() -> None:
    """A payload of text is a text, not the JSON in it."""
    assert row(payload="{}")["payload"] == '"{}"'


def test_nothing_is_a_payload() -> None:
    """None is JSON's null."""
    assert row(payload=None)["payload"] == "null"


def test_a_time_of_another_zone() -> None:
    """A time keeps its offset and all its digits."""
    when = datetime.fromisoformat("2026-01-31T13:00:00.123456+02:00")
    assert row(occurred_at=when)["occurred_at"] == "2026-01-31T13:00:00.123456+02:00"


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("tenant", "", ValueError),
        ("tenant", 1, TypeError),
        ("tenant", "a\0b", ValueError),
        ("type", None, TypeError),
        ("payload", {1, 2}, TypeError),
        ("payload", datetime(2026, 1, 1, tzinfo=UTC), TypeError),
        ("payload", math.nan, ValueError),
        ("payload", "\ud800", ValueError),
        ("payload", b"{", ValueError),
        ("payload", b"\xff", ValueError),
        ("occurred_at", datetime(2026, 1, 1), ValueError),
        ("changes", {"a": object()}, TypeError),
        ("scope", {"a": math.inf}, ValueError),
    ],
)
def test_refused(field: str, value: object, error: type[Exception]) -> None:
    """What can never become an event is refused at once, by its name or what is wrong."""
    with pytest.raises(error):
        row(**{field: value})


def test_ids_rise() -> None:
    """Ids of one process sort in the order in which they were made."""
    ids = [row()["id"] for _ in range(1000)]
    assert ids == sorted(set(ids))


def test_ids_tell_the_time() -> None:
    """An id holds its time, as all ids do."""
    assert time_of(new_id(1_700_000_000_123_456_789)) == 1_700_000_000_123


def test_ids_at_the_same_moment() -> None:
    """Ids that are made in the same nanosecond differ."""
    assert len({new_id(1) for _ in range(1000)}) == 1000


def test_importing_is_light() -> None:
    """An application that imports it gets nothing that is not in the standard library or here."""
    program = """
import json, sys
before = set(sys.modules)
import hookferry.outbox
new = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names
print(json.dumps([sorted(new), sorted(name for name in sys.modules if name.startswith("hookferry."))]))
"""
    out = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False)
    if out.returncode:  # installed in a way that needs site-packages
        out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    packages, modules = json.loads(out.stdout)
    own = {"connections", "row", "statements"}
    assert (packages, set(modules)) == (
        ["hookferry"],
        {"hookferry.outbox", *(f"hookferry.outbox.{name}" for name in own)},
    )


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_schema(dialect: str) -> None:
    """The command prints the table for either database."""
    assert run("outbox", "schema", "--dialect", dialect).stdout == schema(dialect)


def test_the_tables_are_the_same() -> None:
    """Both databases have the same columns in the same order."""
    columns = [
        re.findall(r"^    (\w+) ", schema(dialect), re.MULTILINE) for dialect in ("postgresql", "sqlite")
    ]
    assert columns[0] == columns[1]
