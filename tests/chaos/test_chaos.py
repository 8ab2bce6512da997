"""A minute of faults in each run of the tests; `make chaos` makes ten."""

import secrets
from pathlib import Path

import pytest

from tests.chaos.run import Run, report
from tests.conftest import GIVEN


@pytest.mark.alone
@pytest.mark.timeout(400)
@pytest.mark.skipif(bool(GIVEN), reason="stops and starts the server: not that of HOOKFERRY_TEST_DATABASE")
async def test_the_promise_holds(tmp_path: Path) -> None:
    """Whatever is killed, stopped, cut off and restarted: all that was acknowledged ends, and arrives.

    FAULTS, the promise: `python -m tests.chaos --seed N` repeats the faults of a run.
    """
    tally = await Run(tmp_path, seconds=60, seed=secrets.randbelow(1_000_000)).run()
    print(report(tally))
    assert tally.good, report(tally)
