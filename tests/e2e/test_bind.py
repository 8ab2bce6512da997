"""Where deliveries come from, with a real server (Y-15)."""

from pathlib import Path

from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import customer, running
from tests.e2e.test_start import check, serve
from tests.support.hostile import OK, answers, hostile
from tests.support.process import ServerProcess


async def test_deliveries_come_from_what_the_api_says(tmp_path: Path) -> None:
    """The receiver sees the address that the operator bound and the API publishes."""  # Y-15
    server = ServerProcess(tmp_path, *LOOPBACK, "--bind-address", "127.0.0.2")
    async with running(server), customer(server) as tenant, hostile(answers(OK)) as receiver:
        await tenant.register(receiver.url())
        await tenant.publish()
        await receiver.accepted()
        told = (await tenant.client.get("/v1/egress")).json()
    assert (told, receiver.peers[0].address) == ({"addresses": ["127.0.0.2"]}, "127.0.0.2")


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    """The start fails, and says which address it is."""
    ended = serve("--database", f"sqlite:///{tmp_path / 'x.db'}", "--bind-address", "192.0.2.1")
    check(ended, 1, "192.0.2.1", "--bind-address")
