"""Features: switched for each tenant by the operator, gates of a contract (OC-7, OC-8, OC-32)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import Raw

from hookferry.errors import Forbidden, Invalid
from hookferry.model import Endpoint, Permission
from hookferry.service.forms import (
    AlertChange,
    EndpointChange,
    NewAlert,
    NewEndpoint,
    NewTenant,
    Rotation,
    TenantChange,
)
from hookferry.service.principal import OPERATOR, Principal
from hookferry.service.publish import Draft
from hookferry.service.services import Services
from tests.support.services import House

ON = TenantChange(features=["webhooks"])
OFF = TenantChange(features=[])
WANTED = NewEndpoint(url="https://example.com/")
CUSTOMER = Principal("key_1", "port", frozenset({Permission.ADMIN}))


@pytest.fixture(autouse=True)
async def port(services: Services) -> None:
    """A tenant whose contract has gates."""
    await services.tenants.create(NewTenant(id="port", name="Port", contract="gated"))


async def endpoint_then_off(services: Services) -> Endpoint:
    """An endpoint of a tenant whose feature is off by now."""
    await services.tenants.change("port", ON)
    endpoint = await services.endpoints.create("port", WANTED)
    await services.tenants.change("port", OFF)
    return endpoint


def test_off_by_default(services: Services) -> None:
    """A new tenant has no feature."""  # OC-7
    assert services.tenants.get("port").features == frozenset()


async def test_on_from_the_start(services: Services) -> None:
    """The operator can make a tenant with features."""
    tenant = await services.tenants.create(NewTenant(name="Quay", features=["webhooks", "developer-docs"]))
    assert tenant.features == {"webhooks", "developer-docs"}


async def test_a_change_leaves_features(services: Services) -> None:
    """A change that does not speak of features leaves them."""
    await services.tenants.change("port", ON)
    assert (await services.tenants.change("port", TenantChange(name="Harbour"))).features == {"webhooks"}


@pytest.mark.parametrize("name", ["", "Webhooks", "a b", "-a", "a-", "a--b", "a_b", "é", "a" * 65, "1a"])
async def test_bad_name(services: Services, name: str) -> None:
    """A feature is a lower-case word."""
    with pytest.raises(Invalid):
        await services.tenants.change("port", TenantChange(features=[name]))


async def test_too_many(services: Services) -> None:
    """Features are few."""
    with pytest.raises(Invalid):
        await services.tenants.change("port", TenantChange(features=[f"f{n}" for n in range(101)]))


async def test_no_endpoint_without_the_feature(services: Services) -> None:
    """An endpoint cannot be registered before the operator turns the feature on."""  # OC-7
    with pytest.raises(Forbidden, match="the operator turns it on"):
        await services.endpoints.create("port", WANTED)


async def test_code(services: Services) -> None:
    """Programs can tell a feature that is off from a lacking permission."""
    with pytest.raises(Forbidden) as caught:
        services.endpoints.list("port")
    assert caught.value.code == "feature_disabled"


async def test_on(services: Services) -> None:
    """An endpoint can be registered once the feature is on."""  # OC-8
    await services.tenants.change("port", ON)
    endpoint = await services.endpoints.create("port", WANTED)
    assert services.endpoints.list("port") == [endpoint]


MANAGED: dict[str, Callable[[Services, str], Awaitable[Any] | Any]] = {
    "get": lambda services, id: services.endpoints.get("port", id),
    "change": lambda services, id: services.endpoints.change("port", id, EndpointChange(name="x")),
    "pause": lambda services, id: services.endpoints.pause("port", id),
    "resume": lambda services, id: services.endpoints.resume("port", id),
    "test": lambda services, id: services.endpoints.test("port", id),
    "delete": lambda services, id: services.endpoints.delete("port", id),
    "reveal": lambda services, id: services.secrets.reveal("port", id),
    "rotate": lambda services, id: services.secrets.rotate("port", id, Rotation()),
}


@pytest.mark.parametrize("verb", MANAGED)
async def test_off_again(services: Services, verb: str) -> None:
    """What was registered cannot be managed once the feature is off again."""  # OC-7
    endpoint = await endpoint_then_off(services)
    with pytest.raises(Forbidden):
        await MANAGED[verb](services, endpoint.id)


ALERTS: dict[str, Callable[[Services, str], Awaitable[Any] | Any]] = {
    "list": lambda services, id: services.alerts.list("port"),
    "get": lambda services, id: services.alerts.get("port", id),
    "create": lambda services, id: services.alerts.create("port", NewAlert(name="B", endpoints=[])),
    "change": lambda services, id: services.alerts.change("port", id, AlertChange(name="B")),
    "delete": lambda services, id: services.alerts.delete("port", id),
}


@pytest.mark.parametrize("verb", ALERTS)
async def test_no_alerts_either(services: Services, verb: str) -> None:
    """Alerts are as closed as endpoints once the feature is off."""
    await services.tenants.change("port", ON)
    alert, _ = await services.alerts.create("port", NewAlert(name="A", endpoints=[WANTED]))
    await services.tenants.change("port", OFF)
    with pytest.raises(Forbidden):
        await ALERTS[verb](services, alert.id)


async def publish(house: House) -> int:
    """How many deliveries an event of the tenant has."""
    tenant = house.services.tenants.get("port")
    (done,) = await house.publisher.publish(tenant, [Draft(type="a", payload=Raw(b"1"))])
    return done.deliveries


async def test_events_go_nowhere(house: House) -> None:
    """Without the feature an event is stored and matches no endpoint."""  # OC-7
    await endpoint_then_off(house.services)
    assert await publish(house) == 0


async def test_events_go_out_again(house: House) -> None:
    """With the feature back on, endpoints that were registered before receive."""
    await endpoint_then_off(house.services)
    await house.services.tenants.change("port", ON)
    assert await publish(house) == 1


async def test_no_gate(services: Services) -> None:
    """A contract without a gate asks for no feature."""
    assert await services.endpoints.create("demo", WANTED)


async def test_documents_are_closed(services: Services) -> None:
    """A tenant's key sees no developer documents before the operator has opened them."""  # OC-32
    await services.tenants.change("port", ON)
    with pytest.raises(Forbidden):
        services.tenants.check_documents(CUSTOMER)


async def test_documents_are_opened(services: Services) -> None:
    """Once they are opened a tenant's key sees them."""  # OC-32
    await services.tenants.change("port", TenantChange(features=["developer-docs"]))
    services.tenants.check_documents(CUSTOMER)


def test_the_operator_sees_documents(services: Services) -> None:
    """The operator always sees them."""  # OC-32
    services.tenants.check_documents(OPERATOR)
