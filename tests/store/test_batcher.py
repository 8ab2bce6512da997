"""Group commits on PostgreSQL: who is told what when a commit fails."""

import pytest
from structlog.testing import capture_logs

from hookferry.errors import Unavailable
from hookferry.store.postgres.batcher import Batcher


async def test_a_database_that_is_away_is_no_bug() -> None:
    """A commit that finds the database gone on its way answers 503 and logs no bug (FAULTS, 7)."""

    async def commit(members: list[object]) -> list[object]:
        raise Unavailable("gone", for_all=True)

    batcher = Batcher(commit, lambda size: None, 100)
    with capture_logs() as logs:
        with pytest.raises(Unavailable):
            await batcher.submit(1, "a member")
        await batcher.close()
    assert logs == []
