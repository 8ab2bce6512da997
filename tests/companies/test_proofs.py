"""Every requirement has a proof."""

import re
from pathlib import Path

import pytest

from tests.companies.requirements import BEYOND_TESTS, REQUIRED, files, named, proven

PAGES = Path(__file__).parents[2] / "docs" / "contracts"
WRITTEN = [company for company in REQUIRED if files(company)]


@pytest.mark.parametrize("company", WRITTEN)
def test_nothing_is_left_out(company: str) -> None:
    """Each id of a company is proven by a test, or there is a reason why none can."""
    assert set(REQUIRED[company]) - proven(company) - set(BEYOND_TESTS) == set()


@pytest.mark.parametrize("company", WRITTEN)
def test_nothing_is_made_up(company: str) -> None:
    """Tests prove only ids of their company that there are."""
    assert proven(company) - set(REQUIRED[company]) == set()


@pytest.mark.parametrize("company", [company for company in WRITTEN if (PAGES / f"{company}.md").exists()])
def test_page(company: str) -> None:
    """A company's page names only tests that there are."""
    said = re.findall(r"`(test_\w+)`", (PAGES / f"{company}.md").read_text("utf-8"))
    assert set(said) - named(company) == set()
