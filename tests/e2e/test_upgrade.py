"""Servers of the last release go on while a deploy migrates their database, and beside those of this version.

So docs/postgresql.md says of an upgrade. The last release is the newest tag before this commit;
HOOKFERRY_TEST_PREVIOUS names any other commit.
"""

import os
import shutil
import subprocess
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.e2e.machines import machine, migrate
from tests.support.process import ServerProcess

GIVEN = os.environ.get("HOOKFERRY_TEST_PREVIOUS")
ROOT = Path(__file__).parents[2]
LEASE = ("--lease", "1s")


def git(*args: str) -> str:
    """What git says of this repository, or nothing."""
    return subprocess.run(["git", "-C", ROOT, *args], capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of its packages."""
    if not shutil.which("git"):
        pytest.skip("there is no git here")
    name = GIVEN or git("describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "HEAD^")
    if not name:
        pytest.skip("there is no release before this commit")
    folder = tmp_path_factory.mktemp("last-release")
    packed = folder / "src.zip"
    subprocess.run(
        ["git", "-C", ROOT, "archive", "--format=zip", f"--output={packed}", name, "src"], check=True
    )
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return str(folder / "src")


class Deploy:
    """A server of the last release, its tenant, and the database that both versions share."""

    def __init__(self, folder: Path, url: str, old: ServerProcess, tenant: Customer) -> None:
        self.old = old
        self.tenant = tenant
        self._folder = folder
        self._url = url

    async def migrate(self) -> None:
        """Bring the database to this version, while the old server runs."""
        await migrate(self._folder, self._url)

    def new(self) -> ServerProcess:
        """A server of this version, not started."""
        return machine(self._folder / "new", self._url, *LEASE)


@pytest.fixture
async def deploy(last_release: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Deploy]:
    """The old version alone, on a database of its time."""
    await migrate(tmp_path, postgres_url, PYTHONPATH=last_release)
    old = machine(tmp_path / "old", postgres_url, *LEASE, PYTHONPATH=last_release)
    async with running(old), customer(old) as tenant:
        yield Deploy(tmp_path, postgres_url, old, tenant)


async def test_the_old_go_on(deploy: Deploy) -> None:
    """They publish, deliver and show what they did, as they did before the migration."""
    async with Receiver() as receiver:
        await deploy.tenant.register(receiver.url)
        await deploy.tenant.publish(1)
        await deploy.tenant.final()
        await deploy.migrate()
        await deploy.tenant.publish(2)
        await deploy.tenant.publish(3, idempotency_key="k")
        found = await deploy.tenant.final()
    assert [one["status"] for one in found] == ["succeeded"] * 3


async def test_side_by_side(deploy: Deploy) -> None:
    """What either takes arrives once, signed with the secret that the new one has issued."""
    await deploy.migrate()
    async with Receiver() as receiver, running(deploy.new()) as new, new.client() as client:
        beside = Customer(client, deploy.tenant.id)
        endpoint = await beside.register(receiver.url + "/hooks")
        rotated = await beside.ask("POST", f"endpoints/{endpoint['id']}/rotate")
        receiver.trust("/hooks", rotated["secret"])
        published = [await one.publish(number) for number in range(10) for one in (beside, deploy.tenant)]
        await beside.final()
    arrived = sorted(one.id for one in receiver.arrivals if one.verified)
    assert arrived == sorted(event["id"] for event in published)


async def test_a_pause_by_the_new(deploy: Deploy) -> None:
    """Holds for what the old ones take from its answer on."""
    await deploy.migrate()
    async with Receiver() as receiver, running(deploy.new()) as new, new.client() as client:
        endpoint = await deploy.tenant.register(receiver.url)
        await Customer(client, deploy.tenant.id).ask("POST", f"endpoints/{endpoint['id']}/pause")
        await deploy.tenant.publish()
        (held,) = await deploy.tenant.deliveries()
        assert (held["held"], receiver.count) == (True, 0)


async def test_what_the_old_leave(deploy: Deploy) -> None:
    """What waits when they are killed a new one delivers."""
    async with Receiver() as receiver:
        endpoint = await deploy.tenant.register(receiver.url)
        await deploy.tenant.ask("POST", f"endpoints/{endpoint['id']}/pause")
        published = [await deploy.tenant.publish(number) for number in range(3)]
        await deploy.migrate()
        deploy.old.kill()
        async with running(deploy.new()) as new, new.client() as client:
            tenant = Customer(client, deploy.tenant.id)
            await tenant.ask("POST", f"endpoints/{endpoint['id']}/resume")
            await tenant.final()
    assert sorted(one.id for one in receiver.arrivals) == [event["id"] for event in published]
