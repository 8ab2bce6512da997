"""docs/faults.md lists the thirty faults with the tests that prove each."""

import re

import pytest

from tests.test_docs import ROOT, TEXTS

ROWS = {
    int(number): proofs
    for number, proofs in re.findall(r"^\| (\d+) \|.*\|(.+)\|$", TEXTS["docs/faults.md"], re.MULTILINE)
}
NAMED = [
    (int(number), name)
    for file in sorted(ROOT.glob("tests/**/test_*.py"))
    for name, number in re.findall(r"def (test_fault_(\d+)_\w+)\(", file.read_text("utf-8"))
]


@pytest.mark.parametrize("number", range(1, 31))
def test_every_fault_is_proved(number: int) -> None:
    """By a test that is named in its row."""
    assert re.search(r"`test_\w+`", ROWS[number])


@pytest.mark.parametrize(("number", "name"), NAMED)
def test_every_proof_is_listed(number: int, name: str) -> None:
    """A test that is named for a fault stands in the fault's row."""
    assert f"`{name}`" in ROWS[number]
