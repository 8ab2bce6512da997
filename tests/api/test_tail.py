"""The tail: over a real socket, because it goes on."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from hookferry.api.publish import App
from hookferry.api.routes.tail import stream
from hookferry.model import DeliveryStatus, Permission
from hookferry.service.forms import NewEndpoint, NewKey
from hookferry.service.principal import OPERATOR
from tests.api.conftest import Client
from tests.store.world import World
from tests.support.server import served
from tests.support.services import ADMIN_KEY, House


@pytest.fixture
async def client(app: App, house: House) -> AsyncIterator[Client]:
    async with served(app) as url:
        async with Client(base_url=url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as client:
            yield client
        house.services.tail.close()


async def settle_one(house: House, world: World) -> None:
    """Publish one event and deliver it."""
    endpoint = await house.services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))
    await world.publish(endpoint)
    await world.settle(await world.claim_one(), DeliveryStatus.SUCCEEDED)


async def test_attempt(client: Client, house: House, world: World) -> None:
    """A settled attempt arrives as one wide record."""
    async with client.stream("GET", "/v1/tenants/demo/tail") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == ": connected"
        await settle_one(house, world)
        told = [await anext(lines) for _ in range(4)]
    assert told[1] == "event: attempt"
    record = msgspec.json.decode(told[3].removeprefix("data: "))
    assert (record["status"], record["status_code"], record["duration_ms"]) == ("succeeded", 200, 250)


async def test_end(client: Client, house: House) -> None:
    """The stream ends when the process stops: a stop does not wait for those who watch."""
    async with client.stream("GET", "/v1/tenants/demo/tail") as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        house.services.tail.close()
        assert [line async for line in lines if line.startswith("data")] == []


async def test_unknown_tenant(client: Client) -> None:
    """There is no tail of a tenant that does not exist."""
    assert (await client.get("/v1/tenants/nobody/tail")).status_code == 404


async def test_heartbeat(house: House) -> None:
    """When nothing happens a comment keeps the connection alive."""
    told = stream(house.services, OPERATOR, "demo", heartbeat=0.001)
    assert [await anext(told), await anext(told)] == [b": connected\n\n", b": nothing\n\n"]
    await told.aclose()


async def test_revoked_key(house: House) -> None:
    """The stream ends soon after its key was revoked."""
    form = NewKey(tenant="demo", permissions=[Permission.EVENTS_READ])
    key, text = await house.services.keys.create(OPERATOR, form)
    told = stream(house.services, house.services.keys.authenticate(text), "demo", heartbeat=0.001)
    await anext(told)
    await house.services.keys.delete(OPERATOR, key.id)
    assert len([one async for one in told]) <= 1


async def test_slow_reader(house: House, world: World) -> None:
    """A reader that is too slow is told how many it has missed."""
    told = stream(house.services, OPERATOR, "demo")
    await anext(told)
    (reader,) = house.services.tail.readers
    await settle_one(house, world)
    ((watched,), _) = await reader.take(1)
    for _ in range(reader.room + 1):
        reader.put(watched)
    assert await anext(told) == b'event: dropped\ndata: {"count":1}\n\n'
    await told.aclose()


async def test_leaves(house: House) -> None:
    """A reader that goes is forgotten."""
    told = stream(house.services, OPERATOR, "demo")
    await anext(told)
    await told.aclose()
    assert not house.services.tail.readers
