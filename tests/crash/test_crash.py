"""A few kills in each run of the tests; `make crash` makes more."""

import secrets
from pathlib import Path

import pytest

from tests.crash.loop import Loop, report


@pytest.mark.timeout(120)
async def test_nothing_acknowledged_is_lost_over_kills(tmp_path: Path) -> None:
    """FAULTS, 1 to 4: SIGKILL at any moment costs at most a repeat."""
    tally = await Loop(tmp_path, kills=4, seed=secrets.randbelow(1_000_000)).run()
    print(report(tally))
    assert tally.good, report(tally)
