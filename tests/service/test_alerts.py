"""Alerts: rules that name endpoints, and what they make of an event (Y-11, Y-12)."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from hookferry.errors import Invalid, NotFound
from hookferry.model import Alert, Delivery, DeliveryStatus, Endpoint, EndpointStatus, Event
from hookferry.service.following import ALERT_TYPE
from hookferry.service.forms import AlertChange, NewAlert, NewEndpoint, NewTenant
from hookferry.service.publish import Draft
from hookferry.service.services import Services
from hookferry.store.values import Slice
from tests.support.services import House

ELSEWHERE = NewEndpoint(url="https://example.com/alerts", event_types=["nothing.else"])
FAILED = {"resource": "job-7", "outcome": "failed"}


@pytest.fixture
async def endpoint(services: Services) -> Endpoint:
    """Subscribed to none of what is published here."""
    return await services.endpoints.create("demo", ELSEWHERE)


async def _alert(services: Services, *endpoints: Any, **more: Any) -> Alert:
    given = {"name": "Jobs", "message": "Look!", "event_types": ["job.finished"], **more}
    alert, _ = await services.alerts.create("demo", NewAlert(endpoints=list(endpoints), **given))
    return alert


async def _publish(house: House, type: str = "job.finished", **more: Any) -> str:
    """Publish one event; its id."""
    draft = Draft(type, Raw(b'{ "rows": 1.50 }'), **{"scope": FAILED, **more})
    tenant = house.store.directory.tenant("demo")
    (answer,) = await house.publisher.publish(tenant, [draft])
    return answer.event


async def _alerted(house: House) -> list[Event]:
    """The events that alerts made, newest first."""
    page = await house.store.events("demo", Slice(), type=ALERT_TYPE)
    return [await house.store.event("demo", event.id) for event in page.data]


async def _deliveries(house: House) -> list[Delivery]:
    return (await house.store.deliveries("demo", Slice(), type=ALERT_TYPE)).data


async def test_an_alert_notifies_the_endpoints_that_it_names(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """Whatever they are subscribed to."""  # Y-12
    await _alert(services, endpoint.id)
    await _publish(house)
    assert [delivery.endpoint for delivery in await _deliveries(house)] == [endpoint.id]


async def test_an_alert_notifies_no_other_endpoint(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """Not even one that is subscribed to everything."""  # Y-12
    await services.endpoints.create("demo", NewEndpoint(url="https://example.com/all"))
    await _alert(services, endpoint.id)
    await _publish(house)
    assert [delivery.endpoint for delivery in await _deliveries(house)] == [endpoint.id]


async def test_an_alerts_payload_says_what_happened(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """The alert, the event, its labels, and its payload byte for byte."""  # Y-12
    alert = await _alert(services, endpoint.id)
    cause = await _publish(house)
    (made,) = await _alerted(house)
    assert made.payload == (
        b'{"alert":{"id":"%b","name":"Jobs","message":"Look!"},'
        b'"event":{"id":"%b","type":"job.finished","occurred_at":"2023-11-14T22:13:20.000Z"},'
        b'"scope":{"resource":["job-7"],"outcome":["failed"]},"payload":{ "rows": 1.50 }}'
        % (alert.id.encode(), cause.encode())
    )


async def test_the_event_itself_goes_where_it_is_subscribed(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """An alert takes nothing away and adds nothing to the answer."""
    await _alert(services, endpoint.id)
    assert (await services.history.event("demo", await _publish(house))).type == "job.finished"


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"scope": {"outcome": ["failed", "partially_succeeded"]}}, 1),
        ({"scope": {"resource": "job-7", "outcome": "failed"}}, 1),
        ({"scope": {"resource": "job-8"}}, 0),
        ({"scope": {"region": "eu"}}, 0),
        ({"scope": {}}, 1),
        ({"event_types": ["job.started"]}, 0),
        ({"event_types": []}, 1),
        ({"active": False}, 0),
    ],
)
async def test_what_sets_an_alert_off(
    services: Services, house: House, endpoint: Endpoint, given: dict[str, Any], count: int
) -> None:
    """Its types and labels, as an endpoint's, while it is active."""  # Y-12
    await _alert(services, endpoint.id, **given)
    await _publish(house)
    assert len(await _alerted(house)) == count


async def test_two_alerts_make_two_events(services: Services, house: House, endpoint: Endpoint) -> None:
    """Each has its own message."""
    await _alert(services, endpoint.id, message="One")
    await _alert(services, endpoint.id, message="Two")
    await _publish(house)
    assert len(await _alerted(house)) == 2


async def test_an_alert_does_not_set_off_another(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """An alert for everything is set off by what is published alone."""
    await _alert(services, endpoint.id, event_types=[])
    await _publish(house)
    assert len(await _alerted(house)) == 1


async def test_nobody_plays_an_alerts_event_to_alerts(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """Its type sets nothing off, whoever publishes it."""
    await _alert(services, endpoint.id, event_types=[])
    await _publish(house, ALERT_TYPE)
    assert len(await _alerted(house)) == 1


async def test_a_repeat_makes_no_second_alert(services: Services, house: House, endpoint: Endpoint) -> None:
    """The first answer comes again, and nothing else."""
    await _alert(services, endpoint.id)
    first = await _publish(house, idempotency_key="k")
    assert (await _publish(house, idempotency_key="k"), len(await _alerted(house))) == (first, 1)


async def test_each_event_of_a_batch_sets_alerts_off(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """As if it came alone."""
    await _alert(services, endpoint.id)
    drafts = [
        Draft("job.finished", Raw(b"1")),
        Draft("job.started", Raw(b"2")),
        Draft("job.finished", Raw(b"3")),
    ]
    await house.publisher.publish(house.store.directory.tenant("demo"), drafts)
    assert len(await _alerted(house)) == 2


async def test_a_paused_endpoint_is_notified_later(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """What it would receive is held, alerts too."""
    await _alert(services, endpoint.id)
    await services.endpoints.pause("demo", endpoint.id)
    await _publish(house)
    assert [delivery.status for delivery in await _deliveries(house)] == [DeliveryStatus.HELD]


async def test_a_disabled_endpoint_is_not_notified(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """The alert's event is in the history all the same."""
    await _alert(services, endpoint.id)
    disabled = EndpointStatus.DISABLED
    await house.store.change_endpoint(
        "demo", endpoint.id, lambda old: msgspec.structs.replace(old, status=disabled)
    )
    await _publish(house)
    assert (len(await _alerted(house)), await _deliveries(house)) == (1, [])


async def test_a_deleted_endpoint_is_not_notified(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """It is out of the alert."""
    alert = await _alert(services, endpoint.id)
    await services.endpoints.delete("demo", endpoint.id)
    await _publish(house)
    assert (services.alerts.get("demo", alert.id).endpoints, await _deliveries(house)) == ((), [])


async def test_an_alert_creates_an_endpoint_in_place(services: Services, house: House) -> None:
    """It is stored, active, and notified."""  # Y-11
    alert, (created,) = await services.alerts.create("demo", NewAlert(name="Jobs", endpoints=[ELSEWHERE]))
    await _publish(house)
    assert alert.endpoints == (created.id,)
    assert [delivery.endpoint for delivery in await _deliveries(house)] == [created.id]


async def test_ids_and_new_endpoints_keep_their_order(services: Services, endpoint: Endpoint) -> None:
    """Each once."""  # Y-11
    form = NewAlert(name="Jobs", endpoints=[ELSEWHERE, endpoint.id, endpoint.id])
    alert, (created,) = await services.alerts.create("demo", form)
    assert alert.endpoints == (created.id, endpoint.id)


async def test_a_bad_endpoint_in_place_names_its_field(services: Services, endpoint: Endpoint) -> None:
    """With its place in the list."""
    bad = NewEndpoint(url="ftp://example.com/")
    with pytest.raises(Invalid) as refused:
        await services.alerts.create("demo", NewAlert(name="Jobs", endpoints=[endpoint.id, bad]))
    assert refused.value.field == "endpoints[1].url"


async def test_a_refused_alert_creates_no_endpoint(services: Services) -> None:
    """All or nothing."""  # Y-11
    with pytest.raises(Invalid):
        await services.alerts.create("demo", NewAlert(name="Jobs", endpoints=[ELSEWHERE, "ep_missing"]))
    assert services.endpoints.list("demo") == []


async def test_a_change_creates_an_endpoint_in_place(services: Services, endpoint: Endpoint) -> None:
    """The list is replaced."""  # Y-11
    alert = await _alert(services, endpoint.id)
    changed, (created,) = await services.alerts.change("demo", alert.id, AlertChange(endpoints=[ELSEWHERE]))
    assert changed.endpoints == (created.id,)


async def test_a_change_leaves_the_rest(services: Services, endpoint: Endpoint) -> None:
    """Only what is given changes."""
    alert = await _alert(services, endpoint.id)
    changed, _ = await services.alerts.change("demo", alert.id, AlertChange(active=False))
    assert changed == msgspec.structs.replace(alert, active=False, updated_at=changed.updated_at)


async def test_a_deleted_alert_is_silent(services: Services, house: House, endpoint: Endpoint) -> None:
    """And its endpoints stay."""
    alert = await _alert(services, endpoint.id)
    await services.alerts.delete("demo", alert.id)
    await _publish(house)
    assert (await _alerted(house), services.endpoints.list("demo")) == ([], [endpoint])


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": "a\nb"}),
        ("message", {"message": "\x00"}),
        ("event_types", {"event_types": [""]}),
        ("scope", {"scope": {"": "x"}}),
        ("scope.a", {"scope": {"a": []}}),
    ],
)
async def test_bad_values(services: Services, endpoint: Endpoint, field: str, given: dict[str, Any]) -> None:
    """The field is named."""
    with pytest.raises(Invalid) as refused:
        await _alert(services, endpoint.id, **given)
    assert refused.value.field == field


async def test_another_tenants_alert_is_not_found(services: Services, endpoint: Endpoint) -> None:
    """Not to read, change or delete."""
    alert = await _alert(services, endpoint.id)
    await services.tenants.create(NewTenant(id="other", name="Other"))
    with pytest.raises(NotFound):
        services.alerts.get("other", alert.id)
    with pytest.raises(NotFound):
        await services.alerts.change("other", alert.id, AlertChange(name="Mine"))
    with pytest.raises(NotFound):
        await services.alerts.delete("other", alert.id)


async def test_another_tenants_events_set_nothing_off(
    services: Services, house: House, endpoint: Endpoint
) -> None:
    """An alert is its tenant's."""
    await _alert(services, endpoint.id, event_types=[])
    other = await services.tenants.create(NewTenant(id="other", name="Other"))
    await house.publisher.publish(other, [Draft("job.finished", Raw(b"1"))])
    assert (await house.store.events("other", Slice(), type=ALERT_TYPE)).data == []
