"""Y42: what its receivers get, and how they verify it."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator

import pytest

from hookferry.contracts import builtin
from hookferry.receiver import Answer, Arrival, Receiver
from tests.companies.y42 import (
    EXPORT,
    FAILED_JOB,
    FINISHED,
    JOB,
    SIGNATURE,
    SUCCEEDED,
    TYPES,
    Space,
    bodies,
    guide,
    guide_says,
    new_token,
    openssl_says,
    signature,
    space_of,
)
from tests.support.hostile import OK, answers_and_closes, hostile
from tests.support.process import ServerProcess

COMPANY = "y42"
CONTRACT = builtin(COMPANY)
FAILED = Answer(500)
TOKEN = "8c2a4f0e9b7d615243af0987bcde1234567890ab"


@pytest.fixture
async def space(server: ServerProcess) -> AsyncIterator[Space]:
    """A space of Y42's, whose retries run in fast motion."""
    async with space_of(server) as one:
        yield one


async def delivered(space: Space, receiver: Receiver, *answers: Answer, secret: str | None) -> list[Arrival]:
    """All arrivals of an event that is answered with these in turn."""
    receiver.answer("/hook", *answers)
    await space.webhook(f"{receiver.url}/hook", secret=secret)
    await space.publish()
    await space.company.final()
    return list(receiver.arrivals)


# Events


@pytest.mark.proves("Y-1", "Y-2")
async def test_request(space: Space, receiver: Receiver) -> None:
    """An event is sent as a POST of JSON to the URL as it was configured."""
    await space.webhook(f"{receiver.url}/in/here?a=b")
    sent = await space.publish(occurred_at="2026-02-03T04:05:06.789Z")
    (arrival,) = await receiver.wait_for(1)
    assert (arrival.target, dict(arrival.headers)["Content-Type"], json.loads(arrival.body)) == (
        "/in/here?a=b",
        "application/json",
        {
            "id": sent["id"],
            "event": FAILED_JOB,
            "space": space.company.id,
            "time": "2026-02-03T04:05:06Z",
            "data": JOB,
        },
    )


@pytest.mark.proves("Y-2", part="what stands on the wire")
async def test_method(space: Space) -> None:
    """The method is POST."""
    async with hostile(answers_and_closes(OK)) as receiver:
        await space.webhook(receiver.url("/in/here?a=b"))
        await space.publish()
        await space.company.final()
    assert [one.split(b"\r\n")[0] for one in receiver.requests] == [b"POST /in/here?a=b HTTP/1.1"]


@pytest.mark.proves("Y-3", "Y-4", "Y-5")
@pytest.mark.parametrize("type", TYPES)
async def test_each_event(space: Space, receiver: Receiver, type: str) -> None:
    """Jobs that failed and succeeded, and runs that finished, arrive with what the catalogue shows."""
    payload = json.loads(bytes(CONTRACT.catalogue[type].example or b""))
    await space.webhook(receiver.url, events=[type])
    await space.company.publish(payload, type)
    (body,) = await bodies(receiver, 1)
    assert (body["event"], body["data"]) == (type, payload)


@pytest.mark.proves("Y-8")
async def test_each_time(space: Space, receiver: Receiver) -> None:
    """The webhook is sent each time that the event occurs."""
    await space.webhook(receiver.url, events=[FAILED_JOB])
    sent = [(await space.publish())["id"] for _ in range(5)]
    await space.company.final()
    assert {body["id"] for body in await bodies(receiver, 5)} == set(sent)


@pytest.mark.proves("Y-9")
async def test_several_events(space: Space, receiver: Receiver) -> None:
    """A webhook of two event types gets both, and not a third."""
    await space.webhook(receiver.url, events=[FAILED_JOB, FINISHED])
    for type in (SUCCEEDED, FAILED_JOB, FINISHED):
        await space.publish(type)
    await space.company.final()
    assert {body["event"] for body in await bodies(receiver, 2)} == {FAILED_JOB, FINISHED}


async def test_unknown_type(space: Space) -> None:
    """An event outside of the catalogue is refused at publish."""
    company = space.company
    answer = await company.client.post(company.path("events"), json={"type": "job.lost", "payload": JOB})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_event_type")


# Signatures


@pytest.mark.proves("Y-14", "Y-18")
async def test_no_secret(space: Space, receiver: Receiver) -> None:
    """Without a secret there is no signature header, and all else works."""
    arrivals = await delivered(space, receiver, FAILED, Answer(), secret=None)
    assert [SIGNATURE in str(one.headers).lower() for one in arrivals] == [False, False]


@pytest.mark.proves("Y-16", "Y-17", "Y-18", "Y-19", "Y-20", "Y-21")
@pytest.mark.parametrize("secret", [TOKEN, "schlüssel ☃", "whsec_c2VjcmV0", "00ff", " x "])
async def test_signature(space: Space, receiver: Receiver, secret: str) -> None:
    """The header is `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits, keyed with the text."""
    (arrival,) = await delivered(space, receiver, Answer(), secret=secret)
    mac = hmac.new(secret.encode(), arrival.body, hashlib.sha256).hexdigest()
    assert signature(arrival) == f"sha256={mac}"


@pytest.mark.proves("Y-18", "Y-19", part="its form")
async def test_form_of_the_signature(space: Space, receiver: Receiver) -> None:
    """The header has 64 lower-case hexadecimal digits behind `sha256=`, and there is one."""
    (arrival,) = await delivered(space, receiver, Answer(), secret=TOKEN)
    found = [value for name, value in arrival.headers if name == SIGNATURE]
    assert [bool(re.fullmatch("sha256=[0-9a-f]{64}", one)) for one in found] == [True]


@pytest.mark.proves("Y-17", "Y-19", part="made by other tools")
async def test_openssl(space: Space, receiver: Receiver) -> None:
    """OpenSSL makes the same of the token and the body."""
    (arrival,) = await delivered(space, receiver, Answer(), secret=TOKEN)
    assert signature(arrival) == f"sha256={openssl_says(arrival, TOKEN)}"


@pytest.mark.proves("Y-16", "Y-20", "Y-21", part="the guide's code, with the document's own commands")
async def test_guide(space: Space, receiver: Receiver) -> None:
    """Who makes a token and exports it as the document says verifies each attempt, and nothing forged."""
    token = new_token()
    arrivals = await delivered(space, receiver, FAILED, FAILED, Answer(), secret=token)
    assert [guide_says(arrivals, one) for one in (token, new_token())] == [[True] * 3, [False] * 3]


@pytest.mark.proves("Y-21", part="a suggested secret, used")
async def test_suggested_secret_signs(space: Space, receiver: Receiver) -> None:
    """What we suggest as a secret signs, as it stands."""
    secret = (await space.ask("POST", "/webhooks/secret"))["secret"]
    arrivals = await delivered(space, receiver, Answer(), secret=secret)
    assert guide_says(arrivals, secret) == [True]


@pytest.mark.proves("Y-20", part="an unsigned request is refused")
async def test_guide_refuses_the_unsigned(space: Space, receiver: Receiver) -> None:
    """The guide's code takes nothing without a signature."""
    assert guide_says(await delivered(space, receiver, Answer(), secret=None), TOKEN) == [False]


@pytest.mark.proves("Y-21", part="the guide holds no secret")
def test_guide_reads_the_environment() -> None:
    """The guide's code reads the token from SECRET_TOKEN, the variable that the document exports."""
    variable = EXPORT.split()[1].partition("=")[0]
    assert re.findall(r'environ\["(\w+)"\]', guide()) == [variable]


@pytest.mark.proves("Y-17", "Y-19", part="a known one, as the contract's vectors say")
def test_vector() -> None:
    """A body and a token have the signature that OpenSSL made of them."""
    body = (
        b'{"id":"evt_1","event":"job.failed","space":"vector","time":"2026-02-03T04:05:06Z",'
        b'"data":{"job":"int-7","rows":1.50}}'
    )
    mac = "c075f2c29167ec4690979be616194538410b01346a50d9fb8724cf37e36c436d"
    headers = (("Content-Type", "application/json"), (SIGNATURE, f"sha256={mac}"))
    assert CONTRACT.sign(body, "", TOKEN, 0) == headers


async def test_new_secret(space: Space, receiver: Receiver) -> None:
    """A secret that is changed signs from then on, alone."""
    made = await space.webhook(receiver.url, secret=TOKEN)
    await space.ask("PATCH", f"/webhooks/{made['id']}", {"secret": "another"})
    await space.publish()
    arrivals = await receiver.wait_for(1)
    assert [guide_says(arrivals, one) for one in (TOKEN, "another")] == [[False], [True]]


@pytest.mark.proves("Y-11", "Y-16", part="a webhook that was created with an alert signs as any other")
async def test_alert_is_signed(space: Space, receiver: Receiver) -> None:
    """What an alert sends is signed with the webhook's secret."""
    await space.alert({"url": receiver.url, "secret": TOKEN})
    await space.status("int-7", "failure")
    assert guide_says(await receiver.wait_for(1), TOKEN) == [True]


# Retries (we decide)


async def test_retries(space: Space, receiver: Receiver) -> None:
    """A failure is tried again five times, with the same request."""
    arrivals = await delivered(space, receiver, FAILED, secret=TOKEN)
    assert (len(arrivals), len({(one.body, signature(one)) for one in arrivals})) == (6, 1)


async def test_gone(space: Space, receiver: Receiver) -> None:
    """A 410 disables the webhook, which can be made active again."""
    receiver.answer("/hook", Answer(410))
    path = f"/webhooks/{(await space.webhook(f'{receiver.url}/hook'))['id']}"
    await space.publish()
    await space.company.final()
    found = [await space.ask("GET", path)]
    found += [await space.ask("PATCH", path, change) for change in (found[0], {"status": "active"})]
    assert [one["status"] for one in found] == ["disabled", "disabled", "active"]


async def test_all_or_nothing(space: Space, receiver: Receiver) -> None:
    """Of a change whose status is refused nothing is done: a disabled webhook cannot be paused."""
    receiver.answer("/hook", Answer(410))
    path = f"/webhooks/{(await space.webhook(f'{receiver.url}/hook'))['id']}"
    await space.publish()
    await space.company.final()
    change = {"name": "changed", "secret": TOKEN, "status": "paused"}
    status, _ = await space.tries("PATCH", path, change)
    found = await space.ask("GET", path)
    assert (status, found["name"], found["has_secret"]) == (409, "", False)
