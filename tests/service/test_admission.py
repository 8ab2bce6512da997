"""Quotas of a tenant: what it may publish, and what of its may wait."""

import asyncio

import msgspec
import pytest

from hookferry.errors import Invalid, TooMany
from hookferry.service.forms import NewEndpoint, TenantChange, TenantQuotas
from hookferry.service.publish import Draft
from hookferry.service.services import Services
from hookferry.store.base import Store
from hookferry.store.values import Slice
from tests.support.clock import ManualClock
from tests.support.services import House

DRAFT = Draft("order.created", msgspec.Raw(b"1"))


async def limit(house: House, **quotas: float | None) -> None:
    """Give the tenant quotas."""
    await house.services.tenants.change("demo", TenantChange(quotas=TenantQuotas(**quotas)))  # type: ignore[arg-type]


async def publish(house: House, events: int = 1) -> None:
    await house.publisher.publish(house.store.directory.tenant("demo"), [DRAFT] * events)


async def refusal(house: House, events: int = 1) -> tuple[str, int | None]:
    """The code of a refusal, and when to try again."""
    with pytest.raises(TooMany) as caught:
        await publish(house, events)
    return caught.value.code, caught.value.retry_after


async def stored(store: Store) -> int:
    return len((await store.events("demo", Slice(limit=10_000))).data)


async def waiting(house: House, count: int) -> None:
    """An endpoint for which so many deliveries wait."""
    await house.services.endpoints.create("demo", NewEndpoint(url="https://example.com"))
    for _ in range(count):
        await publish(house)


async def test_none_by_default(house: House, store: Store) -> None:
    """A tenant publishes as much as there is."""
    await publish(house, 1000)
    await publish(house, 1000)
    assert await stored(store) == 2000


async def test_more_events_than_the_quota(house: House) -> None:
    """A second's worth at once, and the next is refused."""
    await limit(house, events_per_second=2)
    await publish(house)
    await publish(house)
    assert await refusal(house) == ("rate_limited", 1)


async def test_after_the_wait_it_goes_on(house: House, clock: ManualClock, store: Store) -> None:
    """With nothing stored of what was refused."""
    await limit(house, events_per_second=2)
    await publish(house, 2)
    await refusal(house)
    clock.advance(1)
    await publish(house)
    assert await stored(store) == 3


async def test_a_large_batch_is_taken_and_paid_for(house: House) -> None:
    """It is more than a second's worth, and would never be taken otherwise."""
    await limit(house, events_per_second=10)
    await publish(house, 1000)
    assert await refusal(house) == ("rate_limited", 100)


async def test_a_test_event_counts(house: House, services: Services) -> None:
    """It is published like any other."""
    endpoint = await services.endpoints.create("demo", NewEndpoint(url="https://example.com"))
    await limit(house, events_per_second=1)
    await publish(house)
    with pytest.raises(TooMany):
        await services.endpoints.test("demo", endpoint.id)


async def test_a_clock_that_goes_back_holds_nobody_up(house: House, clock: ManualClock) -> None:
    """An hour's jump costs no hour (FAULTS, 12)."""
    await limit(house, events_per_second=1)
    await publish(house)
    clock.advance(-3600)
    await publish(house)
    assert await refusal(house) == ("rate_limited", 1)


async def test_a_clock_that_is_put_right_forgives_nothing(house: House, clock: ManualClock) -> None:
    """A database's clock goes back by some milliseconds all day."""
    await limit(house, events_per_second=1)
    await publish(house)
    clock.advance(-0.001)
    assert (await refusal(house))[0] == "rate_limited"


async def test_more_deliveries_wait_than_the_quota(house: House, clock: ManualClock) -> None:
    """Nothing more is taken until some are final."""
    await limit(house, waiting=2)
    await waiting(house, 3)
    clock.advance(10)
    assert await refusal(house) == ("backlog_full", 5)


async def test_as_many_deliveries_wait_as_the_quota(house: House, clock: ManualClock) -> None:
    """That is what it allows."""
    await limit(house, waiting=2)
    await waiting(house, 2)
    clock.advance(10)
    await publish(house)


async def test_once_they_are_final_it_goes_on(house: House, clock: ManualClock, store: Store) -> None:
    """However that came."""
    await limit(house, waiting=1)
    await waiting(house, 2)
    for delivery in (await store.deliveries("demo", Slice())).data:
        await store.cancel("demo", delivery.id, clock.now())
    clock.advance(10)
    await publish(house)
    assert await stored(store) == 3


async def test_under_way_nobody_waits_for_a_count(house: House, clock: ManualClock) -> None:
    """It is begun, and holds for those that come after it."""
    await limit(house, waiting=1)
    await waiting(house, 3)
    clock.advance(2)
    await publish(house)
    await house.store.waiting("demo", 10)  # reads of SQLite come one after the other
    assert (await refusal(house))[0] == "backlog_full"


async def test_what_changes_during_a_count_holds(house: House, services: Services) -> None:
    """The tenant's new contract carries no numbers."""
    await limit(house, waiting=1)
    publishing = asyncio.create_task(publish(house))
    await asyncio.sleep(0)
    text = services.contracts.latest("tracktile")
    assert text is not None
    tenants = house.store.directory.tenants
    tenants["demo"] = msgspec.structs.replace(tenants["demo"], contract_version=text.version)
    with pytest.raises(Invalid, match="needs a JSON object"):
        await publishing


async def test_a_refused_backlog_uses_up_no_events(house: House, clock: ManualClock) -> None:
    """Of the other quota."""
    await limit(house, waiting=1, events_per_second=2)
    await waiting(house, 2)
    clock.advance(10)
    await refusal(house)
    await limit(house, waiting=None)
    await publish(house, 2)


async def test_what_is_left_out_of_the_quotas_stays(house: House, services: Services) -> None:
    """And null takes one away."""
    await limit(house, waiting=7, events_per_second=3)
    await limit(house, events_per_second=None)
    quotas = services.tenants.get("demo").quotas
    assert (quotas.waiting, quotas.events_per_second) == (7, None)
