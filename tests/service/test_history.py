import msgspec
import pytest

from hookferry.errors import Conflict, NotFound
from hookferry.model import DeliveryStatus, Endpoint, EndpointStatus
from hookferry.service.forms import NewEndpoint
from hookferry.service.services import Services
from hookferry.store.values import Slice
from tests.store.world import World
from tests.support.services import House


@pytest.fixture
async def endpoint(services: Services) -> Endpoint:
    return await services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))


async def only_delivery(services: Services) -> str:
    page = await services.history.deliveries("demo", Slice())
    return page.data[0].id


async def fail(world: World) -> None:
    """Use up the attempts of the one delivery."""
    await world.settle(await world.claim_one(), DeliveryStatus.FAILED)


async def test_pending_means_waiting(services: Services, world: World, endpoint: Endpoint) -> None:
    """Asked for pending deliveries, those that are leased and held are there too."""
    await world.publish(endpoint, status=DeliveryStatus.HELD)
    await world.publish(endpoint, status=DeliveryStatus.PENDING)
    await world.claim_one()
    page = await services.history.deliveries("demo", Slice(), [DeliveryStatus.PENDING])
    assert {delivery.status for delivery in page.data} == {DeliveryStatus.HELD, DeliveryStatus.LEASED}


async def test_unknown_tenant(services: Services) -> None:
    """The history of a tenant that does not exist is not found, rather than empty."""
    with pytest.raises(NotFound):
        await services.history.events("nobody", Slice())


async def test_deliveries_of_an_unknown_event(services: Services) -> None:
    """The deliveries of an unknown event are not found, rather than none."""
    with pytest.raises(NotFound):
        await services.history.event_deliveries("demo", "evt_1", Slice())


async def test_retry(services: Services, house: House, world: World, endpoint: Endpoint) -> None:
    """A final delivery gets a new one, and the engine is told."""
    await world.publish(endpoint)
    await fail(world)
    old = await only_delivery(services)
    again = await services.history.retry("demo", old)
    assert (again.retry_of, again.status, house.engine.woken) == (old, DeliveryStatus.PENDING, 1)


@pytest.mark.parametrize("status", [EndpointStatus.DISABLED, EndpointStatus.DELETED])
async def test_retry_without_endpoint(
    services: Services, house: House, world: World, endpoint: Endpoint, status: EndpointStatus
) -> None:
    """Nothing is sent again to an endpoint that is disabled or deleted."""
    await world.publish(endpoint)
    await fail(world)
    await house.store.change_endpoint(
        "demo", endpoint.id, lambda old: msgspec.structs.replace(old, status=status)
    )
    with pytest.raises(Conflict):
        await services.history.retry("demo", await only_delivery(services))


async def test_cancel(services: Services, world: World, endpoint: Endpoint) -> None:
    """A delivery that waits can be cancelled."""
    await world.publish(endpoint)
    cancelled = await services.history.cancel("demo", await only_delivery(services))
    assert cancelled.status is DeliveryStatus.CANCELLED


async def test_cancel_final(services: Services, world: World, endpoint: Endpoint) -> None:
    """A final delivery cannot be cancelled."""
    await world.publish(endpoint)
    await fail(world)
    with pytest.raises(Conflict):
        await services.history.cancel("demo", await only_delivery(services))
