"""One server for all tests of the commands, a tenant for each, and an empty working folder."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from tests.cli.world import Tenant, World, living


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with living(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def tenant(world: World, tmp_path: Path) -> Tenant:
    return Tenant(world, tmp_path.name[-40:].lower().replace("[", "").replace("]", ""))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path) -> Iterator[None]:
    """No hookferry.toml of the machine gets in the way."""
    with chdir(tmp_path):
        yield
