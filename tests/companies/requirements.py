"""The ids of what the five companies' documents ask for, and which tests prove each.

A test says so with `@pytest.mark.proves("OT-20", ...)`, and with `part="..."` where it is only a part. The
tests of a company stand in files named `test_NAME*.py`, their helpers elsewhere.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest


def _ids(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(1, count + 1)]


REQUIRED = {
    "opentrack": _ids("OT", 30),
    "y42": _ids("Y", 21),
    "tracktile": _ids("TT", 33),
    "octopi": _ids("OC", 32),
    "foxtrot": _ids("FX", 31),
}

BEYOND_TESTS: dict[str, str] = {}
"""Ids that no test can prove, with the reason."""

_FOLDER = Path(__file__).parent


def files(company: str) -> list[str]:
    """The names of a company's test modules; none while they are not written."""
    return sorted(file.stem for file in _FOLDER.glob(f"test_{company}*.py"))


def proven(company: str) -> set[str]:
    """The ids that a company's tests claim to prove."""
    return {id for mark in _marks(company) for id in mark.args}


def named(company: str) -> set[str]:
    """The names of a company's tests."""
    found = [vars(import_module(f"{__package__}.{file}")) for file in files(company)]
    return {name for names in found for name in names if name.startswith("test_")}


def _marks(company: str) -> Iterator[pytest.Mark]:
    for file in files(company):
        for found in vars(import_module(f"{__package__}.{file}")).values():
            marks = getattr(found, "pytestmark", [])
            yield from (mark for mark in marks if isinstance(mark, pytest.Mark) and mark.name == "proves")
