"""OpenTrack: what its receivers get, and when; its document's code verifies it."""

import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from hookferry.contracts import builtin
from hookferry.receiver import Answer, Arrival, Receiver
from tests.companies.company import tenant_of
from tests.companies.opentrack import (
    CHANGES,
    SECRET,
    STATUS_UPDATED,
    TYPES,
    Webhooks,
    bodies,
    receivers_say,
    seconds,
    signatures,
)
from tests.e2e.conftest import LOOPBACK, serving
from tests.support.hostile import OK, answers_and_closes, hostile
from tests.support.process import ServerProcess

COMPANY = "opentrack"
ATTEMPTS = 5
MINUTE = 60
FAILED = Answer(500)
FAILURES = [400, 401, 404, 408, 410, 418, 429, 500, 501, 503, 504]
SUCCESSES = [200, 201, 202, 204, 226]
CONTAINER = {"containerId": "MSCU1234567", "status": "AVAILABLE", "weight": 1.0}
KEYS = ["data", "changes", "deliveryAttempt", "pendingRetries", "event", "sentAt"]

# What JSON libraries and JavaScript write differently, one for each rule of OT-29 and 30.
NASTY = [
    '{ "blank" : [ 1 , 2 ] }',
    '{"whole": 1.0, "zero": -0, "half": 0.50}',
    '{"large": 1e21, "larger": 1.5e+300, "small": 0.0000001, "plain": 100000000000000000000}',
    '{"b": 1, "10": 2, "9": 3, "a": 4}',
    '{"name": "Z\\u00fcrich \\u2603 \\ud83d\\ude00", "path": "a\\/b", "line": "\\u2028", "bell": "\\u0007"}',
    '{"twice": 1, "other": 2, "twice": {"x": 1.0}}',
    '{"__proto__": {"1": 1, "0": 2}, "constructor": null}',
    '{"deep": [[[{"2": [], "1": {}}]]]}',
    '"text"',
    "1.0",
    "[]",
    "null",
]


@pytest.fixture
async def webhooks(server: ServerProcess) -> AsyncIterator[Webhooks]:
    """A customer of OpenTrack's, whose retries run in fast motion."""
    async with customer_of(server) as one:
        yield one


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The same with the schedule as it is."""
    yield from serving(tmp_path_factory.mktemp("slow"), *LOOPBACK, "--contract", COMPANY)


@pytest.fixture
async def patient(slow_server: ServerProcess) -> AsyncIterator[Webhooks]:
    """A customer who has half an hour."""
    async with customer_of(slow_server) as one:
        yield one


@asynccontextmanager
async def customer_of(server: ServerProcess) -> AsyncIterator[Webhooks]:
    async with (
        tenant_of(server, COMPANY) as company,
        company.caller({"Opentrack-API-Key": company.key}) as client,
    ):
        yield Webhooks(client, company)


async def delivered(webhooks: Webhooks, receiver: Receiver, *answers: Answer, **fields: Any) -> list[Arrival]:
    """All arrivals of an event that is answered with these in turn, once nothing more will come."""
    receiver.answer("/hook", *answers)
    await webhooks.register(f"{receiver.url}/hook", **fields)
    await webhooks.publish(CONTAINER)
    await webhooks.company.final()
    return list(receiver.arrivals)


async def one(webhooks: Webhooks, receiver: Receiver, **event: Any) -> Any:
    """The body that an event arrives with."""
    await webhooks.register(receiver.url)
    await webhooks.publish(**event)
    (body,) = await bodies(receiver, 1)
    return body


def without_numbers(arrivals: Sequence[Arrival]) -> set[bytes]:
    """The bodies with what differs from attempt to attempt taken out: one, if that is all."""
    varying = re.compile(rb'"deliveryAttempt":\d,"pendingRetries":\d|"sentAt":"[^"]+"\}$')
    return {varying.sub(b"", one.body) for one in arrivals}


# When it comes


@pytest.mark.proves("OT-12", part="a POST to the URL, on the wire")
async def test_request(webhooks: Webhooks) -> None:
    """An event is a POST to the webhook's URL, path, query and all."""
    async with hostile(answers_and_closes(OK)) as receiver:
        await webhooks.register(receiver.url("/in/here?a=b"))
        await webhooks.publish(CONTAINER)
        await webhooks.company.final()
    assert [request.split(b"\r\n")[0] for request in receiver.requests] == [b"POST /in/here?a=b HTTP/1.1"]


@pytest.mark.proves("OT-12", "OT-13")
async def test_data(webhooks: Webhooks, receiver: Receiver) -> None:
    """On an event its data arrives."""
    assert (await one(webhooks, receiver, payload=CONTAINER))["data"] == CONTAINER


@pytest.mark.proves("OT-1", part="each event type of a container's life, and of a shipment's")
@pytest.mark.proves("OT-24", "OT-26")
async def test_each_event_type(webhooks: Webhooks, receiver: Receiver) -> None:
    """Each event type arrives under its dotted name with data of its own."""
    sent = {name: json.loads(bytes(type.example or b"")) for name, type in builtin(COMPANY).catalogue.items()}
    await webhooks.register(receiver.url)
    for type, data in sent.items():
        await webhooks.publish(data, type)
    found = await bodies(receiver, len(TYPES))
    assert {body["event"]: body["data"] for body in found} == sent


@pytest.mark.proves("OT-24", part="the form of all names")
def test_names() -> None:
    """Names are lower-case words with full stops."""
    assert all(re.fullmatch(r"[a-z]+(\.[a-z]+)+", type) for type in TYPES)


@pytest.mark.proves("OT-14")
async def test_latency(webhooks: Webhooks, receiver: Receiver) -> None:
    """An event arrives within a minute."""
    await webhooks.register(receiver.url)
    occurred = datetime.now(UTC)
    await webhooks.publish(occurred_at=occurred.isoformat())
    (arrival,) = await receiver.wait_for(1)
    assert arrival.at / 1000 - occurred.timestamp() < MINUTE


# What counts as a failure, and what follows


@pytest.mark.proves("OT-15", "OT-20")
async def test_each_failure(webhooks: Webhooks, receiver: Receiver) -> None:
    """Whatever the 4xx or 5xx is, and whatever Retry-After says, there are five attempts, then no more."""
    for status in FAILURES:
        receiver.answer(f"/{status}", Answer(status, headers=(("Retry-After", "86400"),)))
        await webhooks.register(f"{receiver.url}/{status}")
    await webhooks.publish()
    ended = await webhooks.company.final()
    ends = Counter((delivery["attempts"], delivery["status"]) for delivery in ended)
    assert (ends, receiver.count) == ({(ATTEMPTS, "failed"): len(FAILURES)}, ATTEMPTS * len(FAILURES))


@pytest.mark.proves("OT-15", part="a network error")
async def test_network_error(webhooks: Webhooks, closed_port: int) -> None:
    """A connection that is refused is a failure: there are five attempts."""
    await webhooks.register(f"http://127.0.0.1:{closed_port}/")
    await webhooks.publish()
    (delivery,) = await webhooks.company.final()
    found = await webhooks.company.attempts(delivery["id"])
    assert [attempt["outcome"] for attempt in found] == ["connect_refused"] * ATTEMPTS


@pytest.mark.proves("OT-15", part="a time-out; its 30 s are cut to one here")
async def test_time_out(webhooks: Webhooks, receiver: Receiver) -> None:
    """A time-out is a failure, and the next attempt may succeed."""
    receiver.answer("/", Answer(delay=30), Answer())
    await webhooks.company.register(receiver.url, timeout=1)
    await webhooks.publish()
    (delivery,) = await webhooks.company.final()
    found = await webhooks.company.attempts(delivery["id"])
    assert [attempt["outcome"] for attempt in found] == ["response", "response_timeout"]


@pytest.mark.proves("OT-19")
async def test_until_2xx(webhooks: Webhooks, receiver: Receiver) -> None:
    """Whatever 2xx it is, it ends the attempts."""
    for status in SUCCESSES:
        receiver.answer(f"/{status}", FAILED, Answer(404), Answer(status))
        await webhooks.register(f"{receiver.url}/{status}")
    await webhooks.publish()
    ended = await webhooks.company.final()
    ends = Counter((delivery["attempts"], delivery["status"]) for delivery in ended)
    assert (ends, receiver.count) == ({(3, "succeeded"): len(SUCCESSES)}, 3 * len(SUCCESSES))


@pytest.mark.proves("OT-20", part="nothing disables the webhook")
async def test_never_disabled(webhooks: Webhooks, receiver: Receiver) -> None:
    """After ten events that failed for good, with 410, the webhook is active and gets the next one."""
    receiver.answer("/hook", *[Answer(410)] * 50, Answer())
    made = await webhooks.register(f"{receiver.url}/hook")
    for _ in range(10):
        await webhooks.publish()
    await webhooks.company.final()
    await webhooks.publish()
    await webhooks.company.final()
    status = (await webhooks.ask("GET", f"/{made['id']}")).json()["status"]
    assert (status, (await webhooks.company.statuses())[-1]) == ("active", "succeeded")


@pytest.mark.proves("OT-16", "OT-17")
async def test_schedule(patient: Webhooks, receiver: Receiver) -> None:
    """The first retry is due less than 30 minutes after the event, each other one 30 minutes later.

    Nobody waits for it: what is due then is sent by hand.
    """
    receiver.answer("/hook", FAILED)
    await patient.register(f"{receiver.url}/hook")
    due = []
    async with patient.company.tail() as records:
        await patient.publish()
        for _ in range(ATTEMPTS):
            record = await anext(records)
            due.append(record["next_attempt_at"] and seconds(record["started_at"], record["next_attempt_at"]))
            if record["next_attempt_at"]:
                await patient.company.ask("POST", f"deliveries/{record['delivery']}/retry")
    assert [round(delay / MINUTE, 1) if delay else delay for delay in due] == [29, 30, 30, 30, None]


@pytest.mark.proves("OT-16", part="after a time-out too")
def test_first_retry_after_a_time_out() -> None:
    """The first delay and the longest attempt are less than 30 minutes together."""
    contract = builtin(COMPANY)
    assert contract.rules.schedule.delays[0] + contract.timeout < 30 * MINUTE


# What it looks like


@pytest.mark.proves("OT-18", "OT-21", "OT-23")
async def test_five_attempts(webhooks: Webhooks, receiver: Receiver) -> None:
    """Five attempts count up and down in their bodies, and differ in nothing else but their times."""
    arrivals = await delivered(webhooks, receiver, FAILED, secret=SECRET)
    found = [json.loads(one.body) for one in arrivals]
    counted = [(body["deliveryAttempt"], body["pendingRetries"]) for body in found]
    assert (counted, len(without_numbers(arrivals))) == ([(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)], 1)


@pytest.mark.proves("OT-18", part="and so does the log")
async def test_as_logged(webhooks: Webhooks, receiver: Receiver) -> None:
    """What the log shows of each attempt is what arrived, byte for byte."""
    arrivals = await delivered(webhooks, receiver, FAILED, secret=SECRET)
    (delivery,) = await webhooks.company.deliveries()
    logged = await webhooks.company.attempts(delivery["id"])
    assert [one["request"]["body"].encode() for one in reversed(logged)] == [one.body for one in arrivals]


@pytest.mark.proves("OT-21")
async def test_order(webhooks: Webhooks, receiver: Receiver) -> None:
    """The six keys stand in the order of the document."""
    assert list(await one(webhooks, receiver)) == KEYS


@pytest.mark.proves("OT-21", part="without changes")
async def test_no_changes(webhooks: Webhooks, receiver: Receiver) -> None:
    """An event that changed nothing comes without that key."""
    body = await one(webhooks, receiver, changes=None)
    assert list(body) == [key for key in KEYS if key != "changes"]


@pytest.mark.proves("OT-22")
async def test_changes(webhooks: Webhooks, receiver: Receiver) -> None:
    """`changes` maps each field to what it was and what it is."""
    changes = {**CHANGES, "eta": {"previous": None, "current": "2026-02-03T00:00:00.000Z"}}
    assert (await one(webhooks, receiver, changes=changes))["changes"] == changes


@pytest.mark.proves("OT-22", part="nothing else passes")
@pytest.mark.parametrize("changes", ['{"status": "AVAILABLE"}', '{"status": {"previous": "A"}}', "[]"])
async def test_bad_changes(webhooks: Webhooks, changes: str) -> None:
    """Changes of another shape are refused at publish."""
    assert (await webhooks.publish_text("{}", changes)).status_code == 422


@pytest.mark.proves("OT-25")
async def test_form_of_sent_at(webhooks: Webhooks, receiver: Receiver) -> None:
    """`sentAt` is ISO 8601 in UTC, with milliseconds and a Z."""
    sent = (await one(webhooks, receiver))["sentAt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", sent)


@pytest.mark.proves("OT-18", "OT-25", part="the time of each attempt")
async def test_sent_at(webhooks: Webhooks, receiver: Receiver) -> None:
    """`sentAt` is the time of the attempt, another one each time."""
    arrivals = await delivered(webhooks, receiver, FAILED)
    sent = [json.loads(one.body)["sentAt"] for one in arrivals]
    late = [
        one.at / 1000 - datetime.fromisoformat(at).timestamp() for one, at in zip(arrivals, sent, strict=True)
    ]
    assert (sorted(set(sent)), max(late) < 5) == (sent, True)


# Signatures


@pytest.mark.proves("OT-10", "OT-27", "OT-28")
@pytest.mark.parametrize("secret", [SECRET, "schlüssel ☃", "whsec_c2VjcmV0", "00ff"])
async def test_signature(webhooks: Webhooks, receiver: Receiver, secret: str) -> None:
    """The header holds the HMAC-SHA256 of the body in hexadecimal digits, keyed with the secret's text."""
    arrivals = await delivered(webhooks, receiver, Answer(), secret=secret)
    expected = [hmac.new(secret.encode(), one.body, hashlib.sha256).hexdigest() for one in arrivals]
    assert signatures(arrivals) == expected


@pytest.mark.proves("OT-21", "OT-27", "OT-28", part="the document's sample, as the contract's vectors say")
def test_sample() -> None:
    """The document's sample with empty data, signed with `s3cr3t`, has the known signature."""
    body = (
        b'{"data":{},"changes":{"status":{"previous":"DISCHARGED","current":"AVAILABLE"}},'
        b'"deliveryAttempt":1,"pendingRetries":4,"event":"container.status.updated",'
        b'"sentAt":"2019-07-19T17:00:00.654Z"}'
    )
    signature = "d5767e14e0156e805e76660bc45da496f0013c536c57a49afb21b8ff678726f2"
    headers = (("Content-Type", "application/json"), ("X-OpenTrack-Signature", signature))
    assert (len(body), builtin(COMPANY).sign(body, "", SECRET, 0)) == (190, headers)


@pytest.mark.proves("OT-11")
async def test_no_signature(webhooks: Webhooks, receiver: Receiver) -> None:
    """Without a secret everything works, and there is no signature header."""
    arrivals = await delivered(webhooks, receiver, FAILED, Answer())
    assert (signatures(arrivals), await webhooks.company.statuses()) == ([None, None], ["succeeded"])


@pytest.mark.proves("OT-29", "OT-30")
async def test_every_attempt_verifies(webhooks: Webhooks, receiver: Receiver) -> None:
    """The document's code verifies each attempt of a delivery that fails four times."""
    arrivals = await delivered(webhooks, receiver, *[FAILED] * 4, Answer(), secret=SECRET)
    said = receivers_say(arrivals, SECRET)
    assert (len(arrivals), said) == (ATTEMPTS, [[given, given] for given in signatures(arrivals)])


@pytest.mark.proves("OT-29", "OT-30", part="whatever JavaScript writes in its own way")
async def test_nasty_payloads(webhooks: Webhooks, receiver: Receiver) -> None:
    """Both ways to hash agree with the header for what other libraries write differently."""
    await webhooks.register(receiver.url, secret=SECRET)
    for payload in NASTY:
        assert (await webhooks.publish_text(payload)).status_code == 202
    arrivals = await receiver.wait_for(len(NASTY))
    assert receivers_say(arrivals, SECRET) == [[given, given] for given in signatures(arrivals)]


@pytest.mark.proves("OT-29", "OT-30", part="in changes too")
async def test_nasty_changes(webhooks: Webhooks, receiver: Receiver) -> None:
    """The same holds for what changed."""
    await webhooks.register(receiver.url, secret=SECRET)
    await webhooks.publish_text(
        "{}", '{"w": {"previous": 1.0, "current": -0.0}, "7": {"current": 1, "previous": 2}}'
    )
    arrivals = await receiver.wait_for(1)
    assert receivers_say(arrivals, SECRET) == [[given, given] for given in signatures(arrivals)]


async def test_lone_surrogate(webhooks: Webhooks) -> None:
    """Half a character, which no UTF-8 can carry, is refused at publish."""
    assert (await webhooks.publish_text('{"name": "\\ud800"}')).status_code == 400


@pytest.mark.proves("OT-29", "OT-30", part="an integer that no double holds is refused")
async def test_integer_beyond_doubles(webhooks: Webhooks) -> None:
    """An integer that JavaScript would read as another one is refused at publish, by its place."""
    answer = await webhooks.publish_text('{"items": [1, {"price": 9007199254740993}]}')
    assert (answer.status_code, answer.json()["field"]) == (422, "payload.items[1].price")


async def test_integer_in_changes(webhooks: Webhooks) -> None:
    """So is one in what changed."""
    answer = await webhooks.publish_text("{}", '{"id": {"previous": 1, "current": 9007199254740993}}')
    assert (answer.status_code, answer.json()["field"]) == (422, "changes.id.current")


async def test_refused_event_is_not_stored(webhooks: Webhooks, receiver: Receiver) -> None:
    """An event that was refused is not kept, and nothing of it goes out."""
    await webhooks.register(receiver.url)
    await webhooks.publish_text('{"id": 9007199254740993}')
    assert (await webhooks.company.events(), await webhooks.company.deliveries()) == ([], [])


async def test_unknown_type(webhooks: Webhooks) -> None:
    """An event of a type that is not on the list is refused."""
    wanted = {"type": "container.sunk", "payload": {}}
    answer = await webhooks.company.client.post(webhooks.company.path("events"), json=wanted)
    told = answer.json()
    assert (told["code"], told["contract_code"]) == ("unknown_event_type", "VALIDATION_ERROR")


async def test_new_secret(webhooks: Webhooks, receiver: Receiver) -> None:
    """A secret that is changed signs from then on, and retries of what went before too."""
    receiver.answer("/hook", Answer(500, delay=0.2), Answer())
    made = await webhooks.register(f"{receiver.url}/hook", secret="old")
    await webhooks.publish(CONTAINER)
    await receiver.wait_for(1)
    await webhooks.ask("PATCH", f"/{made['id']}", {"secret": "new"})
    await webhooks.company.final()
    arrivals = list(receiver.arrivals)
    expected = [
        hmac.new(secret, one.body, hashlib.sha256).hexdigest()
        for secret, one in zip([b"old", b"new"], arrivals, strict=True)
    ]
    assert signatures(arrivals) == expected


async def test_test_event(webhooks: Webhooks, receiver: Receiver) -> None:
    """A test looks like an event of OpenTrack's."""
    made = await webhooks.register(receiver.url, events=["container.holds.updated"])
    await webhooks.company.ask("POST", f"endpoints/{made['id']}/test")
    (body,) = await bodies(receiver, 1)
    assert (body["event"], body["data"]["containerId"]) == (STATUS_UPDATED, "TEST0000000")
