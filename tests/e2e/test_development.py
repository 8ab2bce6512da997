"""`serve --dev`, as a newcomer meets it: what it prints works, and works again after a restart."""

import re
from pathlib import Path

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, running
from tests.support.process import ADMIN_KEY, ServerProcess


def printed(server: ServerProcess, name: str) -> str:
    """What the last start printed for a variable."""
    return str(re.findall(rf"HOOKFERRY_{name}=(\S+)", server.log.read_text())[-1])


async def send(server: ServerProcess) -> list[str]:
    """Publish with the printed key; the statuses of all deliveries in the end, oldest first."""
    async with server.client(printed(server, "KEY")) as client:
        demo = Customer(client, printed(server, "TENANT"))
        await demo.publish({"order": 42})
        return [delivery["status"] for delivery in reversed(await demo.final())]


async def test_starts_again(tmp_path: Path) -> None:
    """The printed key publishes, the built-in receiver takes it, and a second start is the same."""
    server = ServerProcess(tmp_path, "--dev", env={"HOOKFERRY_ADMIN_KEY": None})
    async with running(server):
        first = await send(server), printed(server, "KEY")
        server.stop()
    async with running(server):
        second = await send(server), printed(server, "KEY")
    assert [first, second] == [(["succeeded"] * count, first[1]) for count in (1, 2)]


async def test_what_waits_finds_the_receiver_again(tmp_path: Path) -> None:
    """What waited over a restart goes to where the built-in receiver listens now."""
    server = ServerProcess(tmp_path, "--dev")
    async with running(server), server.client() as client:
        demo = Customer(client, "demo")
        (endpoint,) = (await demo.ask("GET", "endpoints"))["data"]
        await demo.ask("POST", f"endpoints/{endpoint['id']}/pause")
        await demo.publish()
        await demo.ask("POST", f"endpoints/{endpoint['id']}/resume")
        server.kill()
    async with running(server), server.client() as client:
        assert [one["status"] for one in await Customer(client, "demo").final()] == ["succeeded"]


async def test_a_key_of_ones_own(tmp_path: Path) -> None:
    """An admin key that was given is the one that works, and it is not printed."""
    server = ServerProcess(tmp_path, "--dev")
    async with running(server), server.client() as client:
        await Customer(client, "demo").publish()
    assert (printed(server, "KEY"), ADMIN_KEY in server.log.read_text()) == ("$HOOKFERRY_ADMIN_KEY", False)


async def test_it_stays_within(tmp_path: Path) -> None:
    """Beside the built-in receiver another one on loopback can be tried, and nothing else inside."""
    server = ServerProcess(tmp_path, "--dev")
    async with Receiver() as receiver, running(server), server.client() as client:
        demo = Customer(client, "demo")
        await demo.register(receiver.url)
        inside = await client.post(demo.path("endpoints"), json={"url": "http://10.0.0.1/"})
    assert inside.status_code == 422
