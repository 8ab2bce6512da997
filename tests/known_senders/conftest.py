"""A server, and the official verifiers, for all tests of well-known senders."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import LOOPBACK, serving
from tests.known_senders.official import NODE_FOLDER, PYTHON, Verifiers, running
from tests.support.process import ServerProcess


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """May reach loopback."""
    yield from serving(tmp_path_factory.mktemp("senders"), *LOOPBACK)


@pytest.fixture(scope="session")
def in_python() -> Iterator[Verifiers]:
    """The verifiers from PyPI."""
    with running([PYTHON, NODE_FOLDER.parent / "known_senders" / "verify.py"]) as verifiers:
        yield verifiers


@pytest.fixture(scope="session")
def in_node() -> Iterator[Verifiers]:
    """The verifiers from npm."""
    with running(["node", NODE_FOLDER / "verify.js"]) as verifiers:
        yield verifiers
