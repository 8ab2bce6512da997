"""Tracktile: what its receivers get, and when; the guide's code verifies it."""

import json
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from hookferry.contracts import builtin
from hookferry.receiver import Answer, Receiver
from tests.companies.company import Company, tenant_of
from tests.companies.tracktile import CHANGED, SAMPLE, Hooks, bodies, guide_says, signature
from tests.e2e.conftest import LOOPBACK, serving
from tests.support.process import ServerProcess

COMPANY = "tracktile"
CONTRACT = builtin(COMPANY)
FAILED = Answer(500)


@pytest.fixture
async def hooks(company: Company) -> AsyncIterator[Hooks]:
    """A customer of Tracktile's, whose retries run in fast motion."""
    async with company.caller({"Authorization": f"Bearer {company.key}"}) as client:
        yield Hooks(client, company)


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The same with the schedule as it is: a retry stays pending while a test looks."""
    yield from serving(tmp_path_factory.mktemp("slow"), *LOOPBACK, "--contract", COMPANY)


@pytest.fixture
async def slow(slow_server: ServerProcess) -> AsyncIterator[Hooks]:
    """A customer there."""
    async with (
        tenant_of(slow_server, COMPANY) as company,
        company.caller({"Authorization": f"Bearer {company.key}"}) as client,
    ):
        yield Hooks(client, company)


# The body


@pytest.mark.proves("TT-25", "TT-26", "TT-27")
async def test_sample(hooks: Hooks, receiver: Receiver) -> None:
    """The document's sample arrives as it stands there, key by key; only the id is another one."""
    await hooks.create(receiver.url)
    sent = await hooks.publish(occurred_at="2024-01-15T10:30:00.999Z")
    (arrival,) = await receiver.wait_for(1)
    document = json.dumps(json.loads(SAMPLE), separators=(",", ":"))
    assert arrival.body.decode() == document.replace("evt_abc123", sent["id"])


@pytest.mark.proves("TT-26")
async def test_ids(hooks: Hooks, receiver: Receiver) -> None:
    """An event's id begins with evt_; a transaction's id is made where the publisher has none."""
    await hooks.create(receiver.url)
    await hooks.company.publish({"orderId": "ord_456"}, CHANGED)
    (body,) = await bodies(receiver, 1)
    assert (body["id"][:4], body["transactionId"]) == ("evt_", f"txn_{body['id'][4:]}")


@pytest.mark.proves("TT-25")
async def test_envelope_wins(hooks: Hooks, receiver: Receiver) -> None:
    """A payload's own `id`, `kind` and `time` give way."""
    await hooks.create(receiver.url)
    sent = await hooks.company.publish({"id": 1, "kind": 2, "time": 3, "orderId": "ord_456"}, CHANGED)
    (body,) = await bodies(receiver, 1)
    assert (body["id"], body["kind"], body["orderId"]) == (sent["id"], CHANGED, "ord_456")


@pytest.mark.proves("TT-28")
async def test_other_fields(hooks: Hooks, receiver: Receiver) -> None:
    """Another event has other fields."""
    own = {"shipmentId": "shp_88", "currentShipmentStatus": "shipped"}
    await hooks.create(receiver.url, "shipment.status.changed")
    await hooks.company.publish(own, "shipment.status.changed")
    (body,) = await bodies(receiver, 1)
    assert list(body) == ["id", "kind", "time", "transactionId", *own]


@pytest.mark.parametrize(("type", "payload"), [(CHANGED, [1]), (CHANGED, "text"), ("order.exploded", {})])
async def test_what_cannot_be_published(hooks: Hooks, type: str, payload: object) -> None:
    """An event needs an object as its payload, and a type of the catalogue."""
    company = hooks.company
    answer = await company.client.post(company.path("events"), json={"type": type, "payload": payload})
    assert answer.status_code == 422


# Delivery


@pytest.mark.proves("TT-2")
async def test_real_time(hooks: Hooks, receiver: Receiver) -> None:
    """An event arrives within two seconds of being published."""
    await hooks.create(receiver.url)
    before = time.time() * 1000
    await hooks.publish()
    (arrival,) = await receiver.wait_for(1)
    assert arrival.at - before < 2000


@pytest.mark.proves("TT-1", "TT-7", "TT-8")
@pytest.mark.parametrize("type", CONTRACT.catalogue)
async def test_every_type_is_signed(hooks: Hooks, type: str) -> None:
    """Each of the 23 types is sent as a POST, and verifies with the webhook's secret."""
    async with Receiver(contract=CONTRACT) as receiver:
        receiver.trust("/", (await hooks.create(receiver.url, type))["secret"])
        await hooks.company.publish(json.loads(bytes(CONTRACT.catalogue[type].example or b"")), type)
        (arrival,) = await receiver.wait_for(1)
    assert (json.loads(arrival.body)["kind"], arrival.verified) == (type, True)


@pytest.mark.proves("TT-11")
async def test_only_its_type(hooks: Hooks, receiver: Receiver) -> None:
    """A webhook gets the one event type that it is on."""
    await hooks.create(receiver.url)
    await hooks.company.publish({"orderId": "ord_455"}, "order.created")
    await hooks.publish()
    assert [body["kind"] for body in await bodies(receiver, 1)] == [CHANGED]


@pytest.mark.proves("TT-4", part="the guide's code verifies")
async def test_guide(hooks: Hooks, receiver: Receiver) -> None:
    """The guide's code takes what we send, and not what was changed on its way."""
    secret = (await hooks.create(receiver.url))["secret"]
    await hooks.publish()
    (arrival,) = await receiver.wait_for(1)
    assert [guide_says([arrival], key) for key in (secret, "another secret")] == [[True], [False]]


@pytest.mark.proves("TT-4", "TT-8")
async def test_two_parts(hooks: Hooks, receiver: Receiver) -> None:
    """The header has a time and one signature, after a rotation too, and no blank."""
    id = (await hooks.create(receiver.url))["id"]
    await hooks.company.ask("POST", f"endpoints/{id}/rotate", {})
    await hooks.publish()
    (arrival,) = await receiver.wait_for(1)
    parts = [part.partition("=") for part in signature(arrival).split(",")]
    assert [(name, len(value)) for name, _, value in parts] == [("t", 10), ("v1", 64)]


async def test_retries(hooks: Hooks) -> None:
    """A retry has the same body, and is signed anew."""
    async with Receiver(contract=CONTRACT) as receiver:
        receiver.answer("/", FAILED, FAILED, FAILED, Answer())
        receiver.trust("/", (await hooks.create(receiver.url))["secret"])
        await hooks.publish()
        arrivals = await receiver.wait_for(4)
    assert ({one.body for one in arrivals}, {one.verified for one in arrivals}) == (
        {arrivals[0].body},
        {True},
    )


# Secrets


@pytest.mark.proves("TT-22", "TT-23", "TT-24")
async def test_rotated(hooks: Hooks) -> None:
    """After a rotation the new secret signs, and the old one does not."""
    async with Receiver(contract=CONTRACT) as receiver:
        made = await hooks.create(receiver.url)
        new = (await hooks.ask("POST", f"/{made['id']}/rotate"))["secret"]
        await hooks.publish()
        arrivals = await receiver.wait_for(1)
    assert [guide_says(arrivals, secret) for secret in (new, made["secret"])] == [[True], [False]]


@pytest.mark.proves("TT-23", "TT-24")
async def test_rotated_while_a_retry_is_pending(slow: Hooks, receiver: Receiver) -> None:
    """A retry that was pending when the secret was rotated is signed with the new one, and only that."""
    receiver.answer("/", FAILED, Answer())
    old = await slow.create(receiver.url)
    await slow.settled()
    new = await slow.ask("POST", f"/{old['id']}/rotate")
    await slow.retry()
    arrivals = await receiver.wait_for(2)
    assert [guide_says(arrivals, one["secret"]) for one in (old, new)] == [[True, False], [False, True]]


# Status


@pytest.mark.proves("TT-30", "TT-31")
async def test_paused(hooks: Hooks, receiver: Receiver) -> None:
    """What happens while a webhook is paused is dropped; once it is active it receives again."""
    path = f"/{(await hooks.create(receiver.url))['id']}"
    sent = []
    for status in ("active", "paused", "active"):
        await hooks.ask("PUT", path, {"status": status})
        sent.append((await hooks.publish())["id"])
    await hooks.company.final()
    assert [body["id"] for body in await bodies(receiver, 2)] == [sent[0], sent[2]]


@pytest.mark.proves("TT-31")
async def test_paused_while_a_retry_is_pending(slow: Hooks, receiver: Receiver) -> None:
    """A retry that was pending waits, and is sent once the webhook is active."""
    receiver.answer("/", FAILED, Answer())
    path = f"/{(await slow.create(receiver.url))['id']}"
    await slow.settled()
    await slow.ask("PUT", path, {"status": "paused"})
    waiting = await slow.company.statuses(), receiver.count
    await slow.ask("PUT", path, {"status": "active"})
    await receiver.wait_for(2)
    assert (waiting, [one["status"] for one in await slow.company.final()]) == (
        (["pending"], 1),
        ["succeeded"],
    )


@pytest.mark.proves("TT-29")
async def test_test_event(hooks: Hooks) -> None:
    """A test event looks as any other, and verifies."""
    async with Receiver(contract=CONTRACT) as receiver:
        made = await hooks.create(receiver.url)
        receiver.trust("/", made["secret"])
        await hooks.ask("POST", f"/{made['id']}/test")
        (arrival,) = await receiver.wait_for(1)
    body = json.loads(arrival.body)
    assert (list(body)[:4], body["kind"], arrival.verified) == (
        ["id", "kind", "time", "transactionId"],
        "webhook.test",
        True,
    )


@pytest.mark.proves("TT-21")
async def test_deleted(slow: Hooks, receiver: Receiver) -> None:
    """What waits for a webhook is cancelled when it is deleted."""
    receiver.answer("/", FAILED)
    id = (await slow.create(receiver.url))["id"]
    await slow.settled()
    await slow.ask("DELETE", f"/{id}")
    assert await slow.company.statuses() == ["cancelled"]
