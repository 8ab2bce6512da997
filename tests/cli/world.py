"""A real server and a receiver in a thread of their own, and the real commands against them."""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner, Result

from hookferry.app import Server, running
from hookferry.cli.main import main
from hookferry.config import SETTINGS, Settings
from hookferry.receiver import Arrival, Receiver

T = TypeVar("T")

ADMIN_KEY = "the admin key of the commands' tests"
_PATIENCE = 20.0


def run(*args: str, input: bytes | str | None = None, **environ: str | None) -> Result:
    """Run a command in this process. Only the HOOKFERRY_* variables that are given are set."""
    clean: dict[str, str | None] = {setting.variable: None for setting in SETTINGS.values()}
    return CliRunner().invoke(main, args, input=input, env={**clean, **environ}, catch_exceptions=False)


class World:
    """Runs in its own loop and thread. `tenant` is the one that commands are about."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Server, receiver: Receiver) -> None:
        self._loop = loop
        self.server = server
        self.receiver = receiver

    def hookferry(self, *args: str, input: bytes | str | None = None, **environ: str | None) -> Result:
        """Run a command against the server."""
        given = {"HOOKFERRY_URL": self.server.url, "HOOKFERRY_KEY": ADMIN_KEY}
        return run(*args, input=input, **{**given, **environ})

    def json(self, *args: str, input: bytes | str | None = None, **environ: str | None) -> Any:
        """What a command prints as JSON. It must succeed."""
        result = self.hookferry(*args, input=input, **environ)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def arrivals(self, target: str, count: int) -> list[Arrival]:
        """What came to a target, once that are `count`."""
        return self.wait(self._arrivals(target, count))

    async def _arrivals(self, target: str, count: int) -> list[Arrival]:
        while True:
            found = [arrival for arrival in self.receiver.arrivals if arrival.target == target]
            if len(found) >= count:
                return found
            await self.receiver.wait_for(self.receiver.count + 1)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What something on the server's loop gives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_PATIENCE)


class Tenant:
    """One tenant of the world's server; its settled attempts can be waited for."""

    def __init__(self, world: World, id: str) -> None:
        self.world = world
        self.id = id
        world.json("tenants", "create", f"Tenant {id}", "--id", id)
        self._reader = world.wait(self._open())

    async def _open(self) -> Any:
        return self.world.server.services.tail.open(self.id)

    def hookferry(self, *args: str, input: bytes | str | None = None) -> Result:
        return self.world.hookferry(*args, input=input, HOOKFERRY_TENANT=self.id)

    def json(self, *args: str, input: bytes | str | None = None) -> Any:
        return self.world.json(*args, input=input, HOOKFERRY_TENANT=self.id)

    @property
    def target(self) -> str:
        return f"/{self.id}"

    def register(self, *args: str) -> Any:
        """An endpoint of the tenant at the receiver, which trusts its secret."""
        endpoint = self.json("webhooks", "register", "--url", self.world.receiver.url + self.target, *args)
        self.world.receiver.trust(self.target, endpoint["secret"])
        return endpoint

    def settle(self, count: int) -> None:
        """Return once so many more attempts of the tenant are settled."""
        self.world.wait(self._settle(count))

    async def _settle(self, count: int) -> None:
        while count > 0:
            settlements, _ = await self._reader.take(_PATIENCE)
            assert settlements, "nothing is settled"
            count -= len(settlements)


@contextmanager
def living(folder: Path) -> Iterator[World]:
    """A world as long as the context lasts."""
    settings = Settings(
        port=0,
        database=f"sqlite:///{folder / 'cli.db'}",
        admin_key=ADMIN_KEY,
        allow_net=(ip_network("127.0.0.0/8"),),
        log_level="error",
    )
    born: list[World] = []
    up = threading.Event()
    stop = asyncio.Event()

    async def live() -> None:
        async with Receiver() as receiver, running(settings) as server:
            born.append(World(asyncio.get_running_loop(), server, receiver))
            up.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    assert up.wait(_PATIENCE)
    try:
        yield born[0]
    finally:
        born[0]._loop.call_soon_threadsafe(stop.set)
        thread.join(_PATIENCE)
