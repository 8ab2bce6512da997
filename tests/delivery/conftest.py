"""An engine for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.engine import Engine, engine


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine that delivers."""
    async with engine(tmp_path) as made:
        made.start()
        yield made
