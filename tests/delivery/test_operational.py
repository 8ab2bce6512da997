"""Operational events: what tenants and the operator are told of endpoints that fail, in the same commit."""

from typing import Any

import msgspec

from hookferry.model import OPERATIONAL, Endpoint, Event
from hookferry.receiver import Answer
from hookferry.store.values import Slice
from tests.delivery.test_health import HOUR, fail, probe
from tests.support.engine import Engine


async def told(running: Engine, tenant: str = "demo") -> list[Event]:
    """The operational events of a tenant, oldest first."""
    found = (await running.store.events(tenant, Slice(limit=500))).data
    return [
        await running.store.event(tenant, event.id) for event in reversed(found) if event.type in OPERATIONAL
    ]


async def types_told(running: Engine, tenant: str = "demo") -> list[str]:
    return [event.type for event in await told(running, tenant)]


async def payload(running: Engine) -> dict[str, Any]:
    """Of the last one."""
    decoded: dict[str, Any] = msgspec.json.decode((await told(running))[-1].payload or b"")
    return decoded


async def gone(running: Engine, name: str = "/gone") -> Endpoint:
    """An endpoint that has answered 410."""
    endpoint = await running.add_endpoint(name, event_types=("order.created",))
    running.receiver.answer(name, Answer(410))
    before = len(running.settled)
    await running.publish()
    await running.until(lambda: len(running.settled) > before)
    return endpoint


async def test_a_disabled_endpoint_is_an_event(running: Engine) -> None:
    """Stored in the commit of the attempt that it follows from, whoever wants it."""
    await gone(running)
    assert await types_told(running) == ["endpoint.disabled"]


async def test_it_says_which_endpoint_and_why(running: Engine) -> None:
    """The payload."""
    endpoint = await gone(running)
    found = await payload(running)
    assert (found["endpoint"]["id"], found["reason"]) == (endpoint.id, "answered 410: it wants nothing more")


async def test_it_goes_to_an_endpoint_that_names_it(running: Engine) -> None:
    """A subscription like any other."""
    await running.add_endpoint("/ops", event_types=("endpoint.disabled",))
    await gone(running)
    arrivals = await running.receiver.wait_for(2)
    assert arrivals[-1].target == "/ops"


async def test_it_does_not_go_to_endpoints_that_take_all(running: Engine) -> None:
    """They take what is published; this is said."""
    await running.add_endpoint("/all")
    await gone(running)
    await running.until_settled(2)
    running.clock.advance(10)
    await running.store.backlog()
    assert running.receiver.count == 2


async def test_an_endpoint_is_not_told_about_itself(running: Engine) -> None:
    """No loop."""
    await running.add_endpoint("/hooks", event_types=("order.created", "delivery.exhausted"))
    running.receiver.answer("/hooks", Answer(410))
    await running.publish()
    await running.until_settled(1)
    assert "delivery.exhausted" not in await types_told(running)


async def test_a_lost_delivery_is_an_event_for_who_wants_it(running: Engine) -> None:
    """`delivery.exhausted`."""
    await running.add_endpoint("/ops", event_types=("delivery.exhausted",))
    await gone(running)
    await running.receiver.wait_for(2)
    assert "delivery.exhausted" in await types_told(running)


async def test_a_lost_delivery_that_nobody_wants_to_know_of_is_no_event(running: Engine) -> None:
    """They may be many."""
    await gone(running)
    assert "delivery.exhausted" not in await types_told(running)


async def test_nothing_is_told_of_deliveries_of_operational_events(running: Engine) -> None:
    """No loop: two endpoints that are told of each other and both refuse."""
    for name in ("/a", "/b"):
        await running.add_endpoint(name, event_types=("delivery.exhausted",))
        running.receiver.answer(name, Answer(410))
    await gone(running)
    await running.until_settled(3)
    assert (await types_told(running)).count("delivery.exhausted") == 1


async def test_a_warning_after_an_hour(running: Engine) -> None:
    """`endpoint.failing`, long before it is disabled."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    await probe(running, HOUR)
    assert await types_told(running) == ["endpoint.failing"]


async def test_a_recovery_after_a_warning(running: Engine) -> None:
    """`endpoint.recovered`."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    await probe(running, HOUR)
    running.receiver.answer("/hooks", Answer(200))
    running.clock.advance(600)
    await running.until(lambda: not running.store.directory.health[endpoint.id].warned)
    assert await types_told(running) == ["endpoint.failing", "endpoint.recovered"]


async def test_no_news_of_a_short_trouble(running: Engine) -> None:
    """Opening and closing are for logs and metrics."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    running.receiver.answer("/hooks", Answer(200))
    running.clock.advance(20)
    await running.until(lambda: running.store.directory.health[endpoint.id].breaker == "closed")
    assert await types_told(running) == []


async def test_the_operator_gets_a_copy(running: Engine) -> None:
    """With the tenant as its scope."""
    await running.add_tenant("operator")
    await gone(running)
    (copy,) = await told(running, "operator")
    assert (copy.type, copy.scope) == ("endpoint.disabled", {"tenant": ("demo",)})
