"""Every requirement has a proof."""

import pytest

from tests.companies.requirements import BEYOND_TESTS, REQUIRED, files, proven

WRITTEN = [company for company in REQUIRED if files(company)]


@pytest.mark.parametrize("company", WRITTEN)
def test_nothing_is_left_out(company: str) -> None:
    """Each id of a company is proven by a test, or there is a reason why none can."""
    assert set(REQUIRED[company]) - proven(company) - set(BEYOND_TESTS) == set()


@pytest.mark.parametrize("company", WRITTEN)
def test_nothing_is_made_up(company: str) -> None:
    """Tests prove only ids of their company that there are."""
    assert proven(company) - set(REQUIRED[company]) == set()
