"""The whole API over a real SQLite file: tenants `demo` and `other`, and clients with their keys."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from hookferry.api.app import create_app
from hookferry.api.publish import App, PublishRoutes
from hookferry.api.routes.system import Metrics, Ready
from hookferry.model import Permission
from hookferry.service.forms import NewKey, NewTenant
from hookferry.service.principal import OPERATOR
from hookferry.store.base import Store
from tests.store.world import World, sqlite_store
from tests.support.clock import ManualClock
from tests.support.services import ADMIN_KEY, House

Client = httpx.AsyncClient
NewClient = Callable[..., Awaitable[Client]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    store = sqlite_store(tmp_path / "test.db", clock)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def house(store: Store, clock: ManualClock) -> House:
    house = House(store, clock)
    for id in ("demo", "other"):
        await house.services.tenants.create(NewTenant(id=id, name=id.title()))
    return house


@pytest.fixture
def world(house: House, clock: ManualClock) -> World:
    """The same store, for what the engine would do with it."""
    return World(house.store, clock)


async def some_metrics() -> bytes:
    return b"hookferry_up 1\n"


async def always_ready() -> None:
    """Nothing is wrong."""


def whole_app(house: House, metrics: Metrics = some_metrics, ready: Ready = always_ready) -> App:
    """The publish routes and everything behind them."""
    rest = create_app(house.services, metrics, ready)
    services = house.services
    return PublishRoutes(
        house.publisher, services.keys, services.contracts, house.store.directory, 256 * 1024, rest
    )


def client_of(app: App, key: str = "") -> Client:
    """A client with a key, without a socket."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Client(transport=httpx.ASGITransport(app=app), base_url="http://test", headers=headers)


@pytest.fixture
def app(house: House) -> App:
    return whole_app(house)


@pytest.fixture
async def connect(app: App) -> AsyncIterator[Callable[[str], Client]]:
    """Gives a client with a key, which is closed when the test ends."""
    async with AsyncExitStack() as clients:

        def connected(key: str) -> Client:
            client = client_of(app, key)
            clients.push_async_callback(client.aclose)
            return client

        yield connected


@pytest.fixture
def operator(connect: Callable[[str], Client]) -> Client:
    """Has the admin key of the settings."""
    return connect(ADMIN_KEY)


@pytest.fixture
def nobody(connect: Callable[[str], Client]) -> Client:
    """Has no key."""
    return connect("")


@pytest.fixture
def new_client(house: House, connect: Callable[[str], Client]) -> NewClient:
    """Gives a client with a new key of these permissions; all but `admin` by default."""

    async def new(tenant: str | None = "demo", *permissions: Permission) -> Client:
        wanted = permissions or tuple(one for one in Permission if one is not Permission.ADMIN)
        form = NewKey(tenant=tenant, permissions=list(wanted))
        _, text = await house.services.keys.create(OPERATOR, form)
        return connect(text)

    return new


@pytest.fixture
async def demo(new_client: NewClient) -> Client:
    """Has a key of the tenant `demo`, with all permissions but `admin`."""
    return await new_client()
