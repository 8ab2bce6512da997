"""Foxtrot: what receivers get, of which DCs, and when (FX-15, FX-20 to FX-26, FX-29, FX-31)."""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from hookferry.contracts import builtin
from hookferry.receiver import Answer, Receiver
from tests.companies.company import Company
from tests.companies.foxtrot import CREATED, KNOWN, ROUTE, STARTED, Webhooks, bodies
from tests.support.hostile import OK, answers_and_closes, hostile

COMPANY = "foxtrot"
ATTEMPTS = 8
HOUR = 3600
FAILED = Answer(500)
FAILURES = [201, 202, 204, 226, 301, 302, 304, 400, 401, 404, 410, 429, 500, 503]
TYPES = list(builtin(COMPANY).catalogue)


@pytest.fixture
async def webhooks(company: Company) -> AsyncIterator[Webhooks]:
    """A customer of Foxtrot's."""
    async with company.caller({"Authorization": f"Bearer {company.key}"}) as client:
        yield Webhooks(client, company)


async def told(webhooks: Webhooks, receiver: Receiver, *types: str) -> list[str]:
    """The types of what arrives when events of these types happen."""
    for type in types:
        await webhooks.happens(type)
    await webhooks.company.final()
    return [json.loads(one.body)["event"] for one in receiver.arrivals]


# The catalogue


@pytest.mark.proves("FX-21", "FX-22")
def test_known_types() -> None:
    """The four types of the document are there."""
    assert set(KNOWN) <= set(TYPES)


@pytest.mark.proves("FX-21", "FX-22", part="what the command and the console ask for")
async def test_catalogue(webhooks: Webhooks) -> None:
    """The native API has the same types, each with a title, a description, a schema and an example."""
    found = (await webhooks.company.ask("GET", "event-types", limit=200))["data"]
    told = {one["name"] for one in found if all(one[field] for field in ("title", "description", "schema"))}
    assert told == {one["name"] for one in found if one["example"]} == set(TYPES)


@pytest.mark.proves("FX-20", "FX-21", "FX-22")
async def test_each_type(webhooks: Webhooks, receiver: Receiver) -> None:
    """One webhook gets each type that it names, under that name, with the event's own fields beside it."""
    sent = {name: json.loads(bytes(type.example or b"")) for name, type in builtin(COMPANY).catalogue.items()}
    await webhooks.add(receiver.url, events=TYPES)
    for type, payload in sent.items():
        await webhooks.happens(type, None, payload)
    found = await bodies(receiver, len(TYPES))
    assert {body.pop("event"): body for body in found if body.pop("hook_timestamp_millis")} == sent


@pytest.mark.proves("FX-20", part="no other types")
async def test_other_types(webhooks: Webhooks, receiver: Receiver) -> None:
    """A type that the webhook does not name is not sent."""
    await webhooks.add(receiver.url, events=[CREATED])
    assert await told(webhooks, receiver, STARTED, CREATED) == [CREATED]


async def test_unknown_type(webhooks: Webhooks) -> None:
    """An event of a type that there is not cannot be published."""
    wanted = {"type": "ROUTE_EXPLODED", "payload": ROUTE}
    answer = await webhooks.company.client.post(webhooks.company.path("events"), json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_event_type")


# DCs


@pytest.mark.proves("FX-23")
@pytest.mark.parametrize(("dc", "count"), [("1", 1), ("2", 1), ("3", 0), ("12", 0), (None, 0)])
async def test_listed_dcs(webhooks: Webhooks, receiver: Receiver, dc: str | None, count: int) -> None:
    """A webhook gets the events of the DCs that it lists, and no others; those of no DC neither."""
    await webhooks.add(receiver.url, dc_ids=["1", "2"])
    await webhooks.happens(dc=dc)
    await webhooks.company.final()
    assert receiver.count == count


@pytest.mark.proves("FX-23", part="no DCs listed: we decide")
@pytest.mark.parametrize("dc", ["1", "17", None])
async def test_all_dcs(webhooks: Webhooks, receiver: Receiver, dc: str | None) -> None:
    """A webhook without a list gets the events of all DCs."""
    await webhooks.add(receiver.url)
    await webhooks.happens(dc=dc)
    await webhooks.company.final()
    assert receiver.count == 1


@pytest.mark.proves("FX-23", part="side by side")
async def test_each_its_own_dc(webhooks: Webhooks, receiver: Receiver) -> None:
    """Of two webhooks each gets what is of its DC, and the body says which that is."""
    for dc in ("1", "2"):
        await webhooks.add(f"{receiver.url}/{dc}", dc_ids=[dc])
    for dc in ("1", "2", "3"):
        await webhooks.happens(dc=dc)
    arrivals = await receiver.wait_for(2)
    await webhooks.company.final()
    told = {one.target: json.loads(one.body)["dc_id"] for one in arrivals}
    assert (told, receiver.count) == ({"/1": "1", "/2": "2"}, 2)


# Enabled and disabled


@pytest.mark.proves("FX-15")
async def test_new_one_receives(webhooks: Webhooks, receiver: Receiver) -> None:
    """A new webhook receives at once."""
    await webhooks.add(receiver.url)
    before = time.time()
    await webhooks.happens()
    (arrival,) = await receiver.wait_for(1)
    assert arrival.at / 1000 - before < 5


@pytest.mark.proves("FX-31")
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_disabled(webhooks: Webhooks, receiver: Receiver, method: str) -> None:
    """A disabled webhook receives nothing, not later either; an enabled one what happens from then on."""
    id = (await webhooks.add(receiver.url))["id"]
    await webhooks.enable(id, False, method)
    missed = await webhooks.happens(payload={"route_id": "missed"})
    await webhooks.enable(id, True, method)
    await webhooks.happens(payload={"route_id": "seen"})
    await webhooks.company.final()
    assert (missed, [body["route_id"] for body in await bodies(receiver, 1)]) == (0, ["seen"])


@pytest.mark.proves("FX-31", part="retries wait: we decide")
async def test_disabled_between_attempts(webhooks: Webhooks, receiver: Receiver) -> None:
    """What was to be tried again waits while the webhook is disabled, and goes out when it is enabled."""
    receiver.answer("/slow", Answer(500, delay=0.5), Answer())
    receiver.answer("/other", FAILED, Answer())
    id = (await webhooks.add(f"{receiver.url}/slow"))["id"]
    async with webhooks.company.tail() as attempts:
        await webhooks.happens()
        await receiver.wait_for(1)
        await webhooks.enable(id, False)
        await anext(attempts)
        # Another webhook's retry, which is due later than the one that waits.
        await webhooks.add(f"{receiver.url}/other")
        await webhooks.happens()
        await receiver.wait_for(3)
    await webhooks.enable(id)
    arrivals = await receiver.wait_for(4)
    await webhooks.company.final()
    assert [one.target for one in arrivals] == ["/slow", "/other", "/other", "/slow"]


@pytest.mark.proves("FX-26")
async def test_replaced(webhooks: Webhooks, receiver: Receiver) -> None:
    """A webhook that was added in the place of another, with its URL, gets what it is for, once."""
    old = await webhooks.add(receiver.url, events=[CREATED])
    await webhooks.ask("DELETE", f"/{old['id']}")
    await webhooks.add(receiver.url, events=[STARTED])
    assert await told(webhooks, receiver, CREATED, STARTED) == [STARTED]


@pytest.mark.proves("FX-29")
async def test_deleted(webhooks: Webhooks, receiver: Receiver) -> None:
    """A deleted webhook receives nothing."""
    made = await webhooks.add(receiver.url)
    await webhooks.ask("DELETE", f"/{made['id']}")
    assert await told(webhooks, receiver, STARTED) == []


# What it looks like


async def test_request(webhooks: Webhooks) -> None:
    """It is a POST of JSON, with no id and no signature among its headers."""
    async with hostile(answers_and_closes(OK)) as receiver:
        await webhooks.add(receiver.url("/in/here?a=b"))
        await webhooks.happens()
        await webhooks.company.final()
    head = receiver.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    names = [line.partition(":")[0].lower() for line in head[1:]]
    ours = {"host", "user-agent", "accept-encoding", "content-type", "content-length"}
    assert (head[0], "Content-Type: application/json" in head, set(names) - ours) == (
        "POST /in/here?a=b HTTP/1.1",
        True,
        set(),
    )


async def test_body(webhooks: Webhooks, receiver: Receiver) -> None:
    """The event, its time in milliseconds, and its DC stand before its own fields."""
    await webhooks.add(receiver.url, dc_ids=["3"])
    scope = {"dc_ids": ["3"]}
    await webhooks.company.publish(ROUTE, STARTED, scope=scope, occurred_at="2026-02-03T04:05:06.007Z")
    (arrival,) = await receiver.wait_for(1)
    expected = (
        b'{"event":"ROUTE_STARTED","hook_timestamp_millis":1770091506007,"dc_id":"3","route_id":"route-17"}'
    )
    assert arrival.body == expected


async def test_retries_are_the_same(webhooks: Webhooks, receiver: Receiver) -> None:
    """Each attempt sends the same bytes."""
    receiver.answer("/hook", FAILED)
    await webhooks.add(f"{receiver.url}/hook")
    await webhooks.happens()
    await webhooks.company.final()
    assert Counter(one.body for one in receiver.arrivals).most_common(1)[0][1] == ATTEMPTS


# What counts as a success, and what follows a failure


async def test_exactly_200(webhooks: Webhooks, receiver: Receiver) -> None:
    """A 200 is a success: there is one attempt."""
    await webhooks.add(receiver.url)
    await webhooks.happens()
    (delivery,) = await webhooks.company.final()
    assert (delivery["status"], receiver.count) == ("succeeded", 1)


async def test_each_failure(webhooks: Webhooks, receiver: Receiver) -> None:
    """Anything else is tried again to the end, a 204 and a 410 too."""
    for status in FAILURES:
        receiver.answer(f"/{status}", Answer(status, headers=(("Location", f"{receiver.url}/moved"),)))
        await webhooks.add(f"{receiver.url}/{status}")
    await webhooks.happens()
    ended = await webhooks.company.final()
    ends = Counter((delivery["attempts"], delivery["status"]) for delivery in ended)
    assert (ends, receiver.count) == ({(ATTEMPTS, "failed"): len(FAILURES)}, ATTEMPTS * len(FAILURES))


async def test_still_enabled(webhooks: Webhooks, receiver: Receiver) -> None:
    """After an event that failed for good the webhook is enabled."""
    receiver.answer("/hook", Answer(410))
    await webhooks.add(f"{receiver.url}/hook")
    await webhooks.happens()
    await webhooks.company.final()
    assert [one["enabled"] for one in await webhooks.list()] == [True]


async def test_204_and_then_200(webhooks: Webhooks, receiver: Receiver) -> None:
    """A receiver that says 204 gets the event again until it says 200."""
    receiver.answer("/hook", Answer(204), Answer(204), Answer(200))
    await webhooks.add(f"{receiver.url}/hook")
    await webhooks.happens()
    (delivery,) = await webhooks.company.final()
    assert (delivery["status"], receiver.count) == ("succeeded", 3)


async def test_network_error(webhooks: Webhooks, closed_port: int) -> None:
    """A connection that is refused is tried again as well."""
    await webhooks.add(f"http://127.0.0.1:{closed_port}/")
    await webhooks.happens()
    (delivery,) = await webhooks.company.final()
    assert (delivery["status"], delivery["attempts"]) == ("failed", ATTEMPTS)


def test_several_hours() -> None:
    """An event is given up after several hours."""
    assert 4 * HOUR < sum(builtin(COMPANY).rules.schedule.delays) < 8 * HOUR
