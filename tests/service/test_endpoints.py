import msgspec
import pytest

from hookferry.errors import Conflict, Invalid, NotFound
from hookferry.model import DeliveryStatus, Endpoint, EndpointStatus
from hookferry.service.forms import EndpointChange, NewEndpoint, NewTenant
from hookferry.service.principal import OPERATOR
from hookferry.service.services import Services
from hookferry.store.values import Slice
from tests.store.world import World
from tests.support.services import House

URL = "https://example.com/hook"


@pytest.fixture
async def endpoint(services: Services) -> Endpoint:
    return await services.endpoints.create("demo", NewEndpoint(url=URL, event_types=["a"]))


async def disable(house: House, endpoint: Endpoint) -> None:
    """As the engine does after a 410."""

    def change(old: Endpoint) -> Endpoint:
        return msgspec.structs.replace(old, status=EndpointStatus.DISABLED, disabled_reason="410")

    await house.store.change_endpoint(endpoint.tenant, endpoint.id, change)


async def test_create(services: Services, endpoint: Endpoint) -> None:
    """A new endpoint can be read at once."""
    assert services.endpoints.get("demo", endpoint.id) == endpoint


async def test_canonical_url(services: Services) -> None:
    """A URL is kept in its canonical form."""
    endpoint = await services.endpoints.create("demo", NewEndpoint(url="HTTPS://EXAMPLE.com:443"))
    assert endpoint.url == "https://example.com/"


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http://10.0.0.1/", "http://[::1]/", "http://127.1/", "nonsense", ""]
)
async def test_refused_url(services: Services, url: str) -> None:
    """A hostile URL is refused at registration."""
    with pytest.raises(Invalid):
        await services.endpoints.create("demo", NewEndpoint(url=url))


async def test_refused_url_in_a_change(services: Services, endpoint: Endpoint) -> None:
    """A hostile URL is refused in a change too."""
    with pytest.raises(Invalid):
        await services.endpoints.change("demo", endpoint.id, EndpointChange(url="http://169.254.169.254/"))


async def test_foreign(services: Services, endpoint: Endpoint) -> None:
    """An endpoint is not found under another tenant."""
    with pytest.raises(NotFound):
        services.endpoints.get("other", endpoint.id)


async def test_chosen_secret(services: Services) -> None:
    """A secret that the contract takes may be chosen."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    endpoint = await services.endpoints.create("demo", NewEndpoint(url=URL, secret=secret))
    assert endpoint.secrets[0].value == secret


async def test_bad_secret(services: Services) -> None:
    """A secret that the contract does not take is refused."""
    with pytest.raises(Invalid):
        await services.endpoints.create("demo", NewEndpoint(url=URL, secret="secret"))


async def test_ed25519(services: Services) -> None:
    """An extra signing key is made on request."""
    endpoint = await services.endpoints.create("demo", NewEndpoint(url=URL, ed25519=True))
    assert endpoint.ed25519 is not None


async def test_change(services: Services, endpoint: Endpoint) -> None:
    """A change leaves out what is not given."""
    changed = await services.endpoints.change("demo", endpoint.id, EndpointChange(name="New", timeout=5))
    assert (changed.name, changed.timeout, changed.event_types) == ("New", 5, ("a",))


async def test_a_rate_limit_is_no_contracts_matter(services: Services) -> None:
    """Foxtrot's endpoints cannot be changed otherwise (FX-25)."""
    await services.tenants.create(NewTenant(id="fox", name="Fox", contract="foxtrot"))
    form = NewEndpoint(url=URL, event_types=["ROUTE_CREATED"])
    endpoint = await services.endpoints.create("fox", form, OPERATOR)
    changed = await services.endpoints.change("fox", endpoint.id, EndpointChange(rate_limit=5))
    assert changed.rate_limit == 5


async def test_pause_holds(services: Services, world: World, endpoint: Endpoint) -> None:
    """What waits for a paused endpoint is held."""
    await world.publish(endpoint)
    await services.endpoints.pause("demo", endpoint.id)
    assert await world.statuses() == ["held"]


async def test_resume_releases(services: Services, house: House, world: World, endpoint: Endpoint) -> None:
    """What was held is due once the endpoint is resumed, and the engine is told."""
    await services.endpoints.pause("demo", endpoint.id)
    await world.publish(endpoint, status=DeliveryStatus.HELD)
    await services.endpoints.resume("demo", endpoint.id)
    assert (await world.statuses(), house.engine.woken) == (["pending"], 1)


async def test_resume_enables(services: Services, house: House, endpoint: Endpoint) -> None:
    """A disabled endpoint is active again once it is resumed."""
    await disable(house, endpoint)
    resumed = await services.endpoints.resume("demo", endpoint.id)
    assert (resumed.status, resumed.disabled_reason) == (EndpointStatus.ACTIVE, None)


async def test_pause_disabled(services: Services, house: House, endpoint: Endpoint) -> None:
    """A disabled endpoint cannot be paused: that would enable it."""
    await disable(house, endpoint)
    with pytest.raises(Conflict):
        await services.endpoints.pause("demo", endpoint.id)


async def test_delete_cancels(services: Services, world: World, endpoint: Endpoint) -> None:
    """Deleting an endpoint cancels what waits for it, and says how much that was."""
    await world.publish(endpoint)
    cancelled = await services.endpoints.delete("demo", endpoint.id)
    assert (cancelled, await world.statuses()) == (1, ["cancelled"])


async def test_deleted(services: Services, endpoint: Endpoint) -> None:
    """A deleted endpoint cannot be changed any more."""
    await services.endpoints.delete("demo", endpoint.id)
    with pytest.raises(NotFound):
        await services.endpoints.resume("demo", endpoint.id)


async def test_test_event(services: Services, house: House, endpoint: Endpoint) -> None:
    """A test goes to its endpoint, whatever that is subscribed to."""
    done = await services.endpoints.test("demo", endpoint.id)
    page = await house.store.deliveries("demo", Slice(), event=done.event)
    assert [delivery.endpoint for delivery in page.data] == [endpoint.id]


async def test_test_disabled(services: Services, house: House, endpoint: Endpoint) -> None:
    """A disabled endpoint is not tested."""
    await disable(house, endpoint)
    with pytest.raises(Conflict):
        await services.endpoints.test("demo", endpoint.id)
