"""Y42: webhooks and status alerts, managed over its own API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookferry.receiver import Receiver
from tests.companies.company import Company, tenant_of
from tests.companies.y42 import (
    ALERT,
    FAILED_JOB,
    FINISHED,
    OUTCOMES,
    SUCCEEDED,
    TYPES,
    Space,
    bodies,
    space_of,
)
from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import running
from tests.support.hostile import OK, answers, hostile
from tests.support.process import ServerProcess

COMPANY = "y42"
URL = "https://example.com/hooks"
TOKEN = "8c2a4f0e9b7d615243af0987bcde1234567890ab"


@pytest.fixture
async def space(server: ServerProcess) -> AsyncIterator[Space]:
    """A space of Y42's."""
    async with space_of(server) as one:
        yield one


@pytest.fixture
async def another(server: ServerProcess) -> AsyncIterator[Space]:
    """Another space."""
    async with space_of(server) as one:
        yield one


# Webhooks


@pytest.mark.proves("Y-7", "Y-10", "Y-13", part="the API behind the screen")
async def test_url_alone(space: Space) -> None:
    """A URL is all that a webhook needs: it gets all events, and signs nothing."""
    made = await space.webhook(URL)
    assert {**made, "id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "url": URL,
        "events": [],
        "name": "",
        "has_secret": False,
        "status": "active",
        "created_at": "",
        "updated_at": "",
    }


@pytest.mark.proves("Y-9", "Y-13", "Y-14")
async def test_all_fields(space: Space) -> None:
    """Several events, a secret and a name can be given."""
    made = await space.webhook(URL, events=[FAILED_JOB, FINISHED], secret=TOKEN, name="On call")
    shown = (made["events"], made["has_secret"], made["name"])
    assert shown == ([FAILED_JOB, FINISHED], True, "On call")


@pytest.mark.proves("Y-13", part="no events, however that is said, are all")
@pytest.mark.parametrize("given", [{}, {"events": None}, {"events": []}], ids=str)
async def test_all_events(space: Space, receiver: Receiver, given: dict[str, None]) -> None:
    """A webhook without events gets each type."""
    await space.webhook(receiver.url, **given)
    for type in TYPES:
        await space.publish(type)
    assert {body["event"] for body in await bodies(receiver, len(TYPES))} == set(TYPES)


@pytest.mark.proves("Y-7")
async def test_another_space(space: Space, another: Space, receiver: Receiver) -> None:
    """A webhook gets the events of its own space."""
    await space.webhook(receiver.url)
    for one in (another, space):
        await one.publish()
        await one.company.final()
    assert [body["space"] for body in await bodies(receiver, 1)] == [space.company.id]


@pytest.mark.proves("Y-10")
async def test_list(space: Space, another: Space) -> None:
    """The list holds the space's own webhooks, newest first."""
    made = [await space.webhook(f"{URL}/{number}") for number in range(3)]
    await another.webhook(URL)
    assert await space.webhooks() == made[::-1]


@pytest.mark.proves("Y-10")
async def test_show(space: Space) -> None:
    """A webhook is found by its id."""
    made = await space.webhook(URL)
    assert await space.ask("GET", f"/webhooks/{made['id']}") == made


@pytest.mark.proves("Y-10")
async def test_change(space: Space) -> None:
    """What is given is changed, what is left out stays."""
    made = await space.webhook(URL, events=[FAILED_JOB], name="Old")
    changed = await space.ask("PATCH", f"/webhooks/{made['id']}", {"name": "New", "secret": TOKEN})
    wanted = {**made, "name": "New", "has_secret": True, "updated_at": changed["updated_at"]}
    assert (changed, await space.webhooks()) == (wanted, [wanted])


async def test_send_back_what_was_shown(space: Space) -> None:
    """A webhook that is sent back as it was shown stays as it is."""
    made = await space.webhook(URL, events=[FAILED_JOB], secret=TOKEN, name="On call")
    changed = await space.ask("PATCH", f"/webhooks/{made['id']}", made)
    assert {**changed, "updated_at": made["updated_at"]} == made


async def test_nothing_left(space: Space) -> None:
    """Null takes events, secret and name away."""
    made = await space.webhook(URL, events=[FAILED_JOB], secret=TOKEN, name="On call")
    nothing = {"events": None, "secret": None, "name": None}
    changed = await space.ask("PATCH", f"/webhooks/{made['id']}", nothing)
    assert (changed["events"], changed["has_secret"], changed["name"]) == ([], False, "")


@pytest.mark.proves("Y-10")
async def test_pause(space: Space, receiver: Receiver) -> None:
    """A paused webhook is sent what happened meanwhile once it is active again."""
    path = f"/webhooks/{(await space.webhook(receiver.url))['id']}"
    paused = await space.ask("PATCH", path, {"status": "paused"})
    await space.publish()
    came = receiver.count
    await space.ask("PATCH", path, {"status": "active"})
    await receiver.wait_for(1)
    assert (paused["status"], came) == ("paused", 0)


@pytest.mark.proves("Y-10")
async def test_delete(space: Space) -> None:
    """A deleted webhook is gone."""
    path = f"/webhooks/{(await space.webhook(URL))['id']}"
    said = [(await space.tries("DELETE", path))[0] for _ in range(2)]
    assert (said, await space.webhooks()) == ([204, 404], [])


async def test_test(space: Space, receiver: Receiver) -> None:
    """A test event is sent to this webhook, whatever it is subscribed to."""
    made = await space.webhook(receiver.url, events=[FAILED_JOB])
    sent = await space.ask("POST", f"/webhooks/{made['id']}/test")
    (body,) = await bodies(receiver, 1)
    assert {name: body[name] for name in sent} == sent == {"id": body["id"], "event": "webhook.test"}


async def test_test_of_a_paused_one(space: Space) -> None:
    """A webhook that is paused is not tested."""
    path = f"/webhooks/{(await space.webhook(URL))['id']}"
    await space.ask("PATCH", path, {"status": "paused"})
    said = await space.tries("POST", f"{path}/test")
    assert said == (409, "The webhook is paused: make it active to test it.")


async def test_more_tests_than_the_quota(space: Space) -> None:
    """A quota that the operator has set is told like any error, with the time to wait."""
    path = f"/webhooks/{(await space.webhook(URL))['id']}/test"
    quotas = {"quotas": {"events_per_second": 0.1}}
    await space.company.client.patch(f"/v1/tenants/{space.company.id}", json=quotas)
    await space.ask("POST", path)
    answer = await space.client.post(path)
    said = answer.status_code, answer.headers["Retry-After"], answer.json()["error"]["code"]
    assert said == (429, "10", "too_many_requests")


# Secrets


@pytest.mark.proves("Y-14", "Y-21", part="whatever the customer has chosen")
@pytest.mark.parametrize("secret", [TOKEN, "x", "schlüssel ☃", "whsec_c2VjcmV0", "y" * 1024], ids=range(5))
async def test_any_secret(space: Space, secret: str) -> None:
    """Any text can be a secret."""
    assert (await space.webhook(URL, secret=secret))["has_secret"] is True


@pytest.mark.proves("Y-21", part="what the console offers comes from here")
async def test_suggested_secret(space: Space) -> None:
    """A secret that we suggest has 40 hexadecimal digits, another ones each time."""
    made = [(await space.ask("POST", "/webhooks/secret"))["secret"] for _ in range(5)]
    assert {len(bytes.fromhex(secret)) for secret in set(made)} == {20}
    assert len(set(made)) == 5


@pytest.mark.proves("Y-21", part="a suggestion changes nothing until it is taken")
async def test_suggestion_is_not_kept(space: Space) -> None:
    """A webhook has a secret once it is given one, and not before."""
    path = f"/webhooks/{(await space.webhook(URL))['id']}"
    suggested = await space.ask("POST", "/webhooks/secret")
    before = (await space.ask("GET", path))["has_secret"]
    assert (before, (await space.ask("PATCH", path, suggested))["has_secret"]) == (False, True)


async def test_secret_stays_secret(space: Space) -> None:
    """No answer shows a secret, not the operator's either."""
    made = await space.webhook(URL, secret=TOKEN)
    path = f"/webhooks/{made['id']}"
    told = [made, await space.webhooks(), await space.ask("GET", path), await space.ask("PATCH", path, {})]
    company = space.company
    revealed = await company.client.get(company.path(f"endpoints/{made['id']}/secret"))
    assert (TOKEN in str(told), revealed.status_code) == (False, 403)


@pytest.mark.parametrize("secret", ["", "y" * 1025, "a\nb", 7])
async def test_bad_secret(space: Space, secret: object) -> None:
    """What cannot be a secret is refused, and changes nothing."""
    made = await space.webhook(URL)
    status, _ = await space.tries("PATCH", f"/webhooks/{made['id']}", {"name": "New", "secret": secret})
    assert (status, await space.webhooks()) == (400, [made])


# The catalogue


@pytest.mark.proves("Y-3", "Y-4", "Y-5", part="they can be looked up and subscribed to")
async def test_catalogue(space: Space) -> None:
    """There are events for jobs that failed and succeeded and for finished runs, each with its details."""
    found = (await space.ask("GET", "/webhooks/events"))["events"]
    named = {name: details for name, *details in (one.values() for one in found)}
    assert [all(named[type]) for type in TYPES] == [True] * len(TYPES)


@pytest.mark.proves("Y-6")
async def test_new_event_type(space: Space, receiver: Receiver) -> None:
    """A type that the operator adds to a running server is listed, subscribed to, published and delivered."""
    new = {"name": "export.refreshed", "title": "Export refreshed", "schema": {}, "example": {"rows": 1}}
    operator = space.company.client
    before = await space.tries("POST", "/webhooks", {"url": receiver.url, "events": [new["name"]]})
    assert (await operator.post("/v1/event-types", json=new)).is_success
    listed = (await space.ask("GET", "/webhooks/events"))["events"][-1]
    await space.webhook(receiver.url, events=[new["name"]])
    await space.publish()
    await space.company.publish({"rows": 17}, "export.refreshed")
    (body,) = await bodies(receiver, 1)
    await operator.delete("/v1/event-types/export.refreshed")
    assert (before[0], listed["title"], body["event"], body["data"]) == (
        400,
        "Export refreshed",
        "export.refreshed",
        {"rows": 17},
    )


async def test_unknown_event(space: Space) -> None:
    """An event that is not in the catalogue cannot be subscribed to."""
    said = await space.tries("POST", "/webhooks", {"url": URL, "events": ["endpoint.lost"]})
    assert said == (400, "events: There is no event type 'endpoint.lost'.")


# Alerts


@pytest.mark.proves("Y-11")
async def test_webhook_created_with_an_alert(space: Space) -> None:
    """A webhook that is set up while creating an alert is one of the space's, and the alert names it."""
    alert = await space.alert({"url": URL, "secret": TOKEN, "name": "On call"})
    (made,) = await space.webhooks()
    shown = (made["url"], made["has_secret"], made["name"], alert["webhooks"])
    assert shown == (URL, True, "On call", [made["id"]])


@pytest.mark.proves("Y-11")
async def test_only_alerts(space: Space, receiver: Receiver) -> None:
    """A webhook that is created with an alert and names no events gets alerts, and nothing twice."""
    await space.alert({"url": receiver.url})
    await space.status("int-7", "failure")
    await space.company.final()
    assert [body["event"] for body in await bodies(receiver, 1)] == [ALERT]


@pytest.mark.proves("Y-11", part="with events of its own")
async def test_alerts_and_events(space: Space, receiver: Receiver) -> None:
    """One that names events gets these too."""
    await space.alert({"url": receiver.url, "events": [FAILED_JOB]})
    await space.status("int-7", "failure")
    assert {body["event"] for body in await bodies(receiver, 2)} == {ALERT, FAILED_JOB}


@pytest.mark.proves("Y-11", part="all or nothing")
async def test_all_or_nothing(space: Space) -> None:
    """An alert with a webhook that cannot be leaves nothing behind."""
    wanted = {"name": "Imports", "webhooks": [{"url": URL}, {"url": "example.com"}]}
    status, message = await space.tries("POST", "/alerts", wanted)
    left = (await space.webhooks(), await space.ask("GET", "/alerts"))
    assert (status, message.partition(":")[0], left) == (400, "webhooks[1].url", ([], {"alerts": []}))


@pytest.mark.proves("Y-12")
async def test_alert(space: Space) -> None:
    """An alert has a name, a message, resources, outcomes, and the webhooks that it notifies."""
    webhook = await space.webhook(URL)
    fields = {"message": "Call the data team.", "resources": ["int-7", "orc-2"], "outcomes": ["failure"]}
    made = await space.alert(webhook["id"], **fields)
    wanted = {"name": "Imports", **fields, "webhooks": [webhook["id"]], "active": True}
    assert {name: made[name] for name in wanted} == wanted
    assert set(made) == {*wanted, "id", "created_at", "updated_at"}


@pytest.mark.proves("Y-12")
async def test_what_sets_it_off(space: Space, receiver: Receiver) -> None:
    """An alert is set off by its resources and outcomes, and by nothing else."""
    await space.alert({"url": receiver.url}, resources=["int-7"], outcomes=["failure", "partial_success"])
    for resource in ("int-7", "int-8"):
        for outcome in OUTCOMES:
            await space.status(resource, outcome)
    await space.publish(scope={"resource": "int-7"})
    await space.company.final()
    told = [body["data"]["scope"] for body in await bodies(receiver, 2)]
    assert sorted(told, key=str) == [
        {"resource": ["int-7"], "outcome": ["failure"]},
        {"resource": ["int-7"], "outcome": ["partial_success"]},
    ]


@pytest.mark.proves("Y-12", part="no resources, no outcomes: all of them")
async def test_any_status(space: Space, receiver: Receiver) -> None:
    """An alert that names neither is set off by each event with an outcome."""
    made = await space.alert({"url": receiver.url})
    await space.publish()
    for outcome in OUTCOMES:
        await space.status("exp-1", outcome, SUCCEEDED)
    await space.company.final()
    told = [body["data"]["scope"]["outcome"][0] for body in await bodies(receiver, 3)]
    assert (sorted(told), made["resources"], made["outcomes"]) == (sorted(OUTCOMES), [], OUTCOMES)


@pytest.mark.proves("Y-12")
async def test_whom_it_tells(space: Space, receiver: Receiver) -> None:
    """Of three webhooks the two that an alert names are told, though they subscribed to something else."""
    ids = [(await space.webhook(f"{receiver.url}/{name}", events=[FINISHED]))["id"] for name in "abc"]
    await space.alert(*ids[:2])
    await space.status("int-7", "failure")
    await space.company.final()
    assert sorted(one.target for one in receiver.arrivals) == ["/a", "/b"]


@pytest.mark.proves("Y-12")
async def test_what_it_tells(space: Space, receiver: Receiver) -> None:
    """An alert says its message, and what happened."""
    made = await space.alert({"url": receiver.url}, message="Call the data team.\nBefore nine.")
    cause = await space.status("int-7", "failure")
    (body,) = await bodies(receiver, 1)
    about = {name: made[name] for name in ("id", "name", "message")}
    told = (body["data"]["alert"], body["data"]["event"]["id"], body["data"]["payload"]["resource"]["id"])
    assert told == (about, cause["id"], "int-7")


@pytest.mark.proves("Y-12", part="changed")
async def test_change_alert(space: Space) -> None:
    """What is given is changed, what is left out stays; new webhooks can come with it."""
    made = await space.alert({"url": URL}, resources=["int-7"], outcomes=["failure"])
    path = f"/alerts/{made['id']}"
    given = {"outcomes": ["success"], "webhooks": [*made["webhooks"], {"url": f"{URL}/2"}]}
    changed = await space.ask("PATCH", path, given)
    ids = [one["id"] for one in (await space.webhooks())[::-1]]
    wanted = {"outcomes": ["success"], "webhooks": ids, "updated_at": changed["updated_at"]}
    assert (changed, await space.ask("GET", path)) == ({**made, **wanted}, changed)


async def test_send_back_an_alert(space: Space) -> None:
    """An alert that is sent back as it was shown stays as it is."""
    made = await space.alert({"url": URL}, resources=["int-7"], message="Call.")
    changed = await space.ask("PATCH", f"/alerts/{made['id']}", made)
    assert {**changed, "updated_at": made["updated_at"]} == made


async def test_scope_of_the_operators(space: Space) -> None:
    """Labels that the operator gave an alert stay when its name is changed."""
    webhook = await space.webhook(URL)
    given = {"name": "Prod", "scope": {"stage": "prod"}, "endpoints": [webhook["id"]]}
    made = await space.company.ask("POST", "alerts", given)
    await space.ask("PATCH", f"/alerts/{made['id']}", {"name": "Production"})
    found = await space.company.ask("GET", f"alerts/{made['id']}")
    assert (found["name"], found["scope"]) == ("Production", {"stage": ["prod"]})


async def test_silent_alert(space: Space, receiver: Receiver) -> None:
    """An alert that is not active is kept, and tells nobody."""
    made = await space.alert({"url": receiver.url})
    await space.ask("PATCH", f"/alerts/{made['id']}", {"active": False})
    await space.status("int-7", "failure")
    assert (await space.company.deliveries(), (await space.ask("GET", "/alerts"))["alerts"][0]["active"]) == (
        [],
        False,
    )


async def test_delete_alert(space: Space) -> None:
    """A deleted alert is gone; its webhooks stay."""
    made = await space.alert({"url": URL})
    said = [(await space.tries("DELETE", f"/alerts/{made['id']}"))[0] for _ in range(2)]
    ids = [one["id"] for one in await space.webhooks()]
    assert (said, await space.ask("GET", "/alerts"), ids) == ([204, 404], {"alerts": []}, made["webhooks"])


async def test_deleted_webhook_of_an_alert(space: Space) -> None:
    """A webhook that is deleted is no longer named by an alert."""
    one, two = [(await space.webhook(f"{URL}/{number}"))["id"] for number in range(2)]
    made = await space.alert(one, two)
    await space.ask("DELETE", f"/webhooks/{one}")
    assert (await space.ask("GET", f"/alerts/{made['id']}"))["webhooks"] == [two]


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": "x" * 201},
        {"webhooks": None},
        {"webhooks": []},
        {"webhooks": ["ep_unknown"]},
        {"webhooks": [{}]},
        {"webhooks": [{"url": URL, "events": ["job.lost"]}]},
        {"webhooks": [7]},
        {"outcomes": ["lost"]},
        {"resources": "int-7"},
        {"resources": ["a\nb"]},
        {"message": "x" * 4001},
        {"active": "yes"},
    ],
    ids=lambda change: str(change)[:40],
)
async def test_refused_alerts(space: Space, change: dict[str, object]) -> None:
    """What cannot be an alert is refused."""
    wanted = {"name": "Imports", "webhooks": [{"url": URL}], **change}
    assert (await space.tries("POST", "/alerts", wanted))[0] == 400


async def test_webhook_of_another_space(space: Space, another: Space) -> None:
    """An alert cannot name another space's webhook, and says so in the company's words."""
    id = (await another.webhook(URL))["id"]
    said = await space.tries("POST", "/alerts", {"name": "Imports", "webhooks": [id]})
    assert said == (400, f"webhooks: There is no webhook '{id}' in this space.")


# Addresses


@pytest.mark.proves("Y-15")
async def test_egress(tmp_path: Path) -> None:
    """Requests come from the address that the operator has chosen and the API publishes."""
    server = ServerProcess(tmp_path, *LOOPBACK, "--contract", COMPANY, "--bind-address", "127.0.0.2")
    async with running(server), space_of(server) as space, hostile(answers(OK)) as receiver:
        told = await space.ask("GET", "/egress")
        await space.webhook(receiver.url())
        await space.publish()
        await receiver.accepted()
    assert (told, receiver.peers[0].address) == ({"addresses": ["127.0.0.2"]}, "127.0.0.2")


@pytest.mark.proves("Y-15", part="behind a proxy or a gateway")
async def test_egress_of_a_gateway(tmp_path: Path) -> None:
    """Where requests leave by another machine, the operator says what its addresses are."""
    said = [f"--egress-addresses={one}" for one in ("192.0.2.8/29", "192.0.2.1")]
    server = ServerProcess(tmp_path, "--contract", COMPANY, *said)
    async with running(server), space_of(server) as space:
        told = await space.ask("GET", "/egress")
    assert told == {"addresses": ["192.0.2.8/29", "192.0.2.1"]}


async def test_no_egress(space: Space) -> None:
    """Without either nothing is promised."""
    assert await space.ask("GET", "/egress") == {"addresses": []}


# Errors


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"url": None},
        {"url": 7},
        {"url": "example.com"},
        {"url": "ftp://example.com/"},
        {"url": URL, "events": FAILED_JOB},
        {"url": URL, "events": [1]},
        {"url": URL, "name": "x" * 201},
    ],
    ids=lambda body: str(body)[:50],
)
async def test_refused(space: Space, body: object) -> None:
    """What cannot be a webhook is refused."""
    assert (await space.tries("POST", "/webhooks", body))[0] == 400


@pytest.mark.parametrize("route", ["/webhooks", "/alerts"])
@pytest.mark.parametrize("body", [b"", b"{", b"url=x", b"\xff", b"[" * 100_000], ids=lambda body: body[:6])
async def test_no_json(space: Space, route: str, body: bytes) -> None:
    """So is what cannot be read."""
    answer = await space.client.post(route, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_unknown_fields(space: Space) -> None:
    """Fields that we do not know are ignored."""
    assert (await space.webhook(URL, version=2, headers={}))["url"] == URL


async def test_bad_status(space: Space) -> None:
    """A webhook is active or paused."""
    path = f"/webhooks/{(await space.webhook(URL))['id']}"
    said = await space.tries("PATCH", path, {"status": "disabled"})
    assert said == (400, "status: It is active or paused.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/webhooks/{webhook}"),
        ("PATCH", "/webhooks/{webhook}"),
        ("DELETE", "/webhooks/{webhook}"),
        ("POST", "/webhooks/{webhook}/test"),
        ("GET", "/alerts/{alert}"),
        ("PATCH", "/alerts/{alert}"),
        ("DELETE", "/alerts/{alert}"),
    ],
)
async def test_of_another_space(space: Space, another: Space, method: str, path: str) -> None:
    """Another space's webhooks and alerts are not there."""
    alert = await another.alert({"url": URL})
    ids = {"webhook": alert["webhooks"][0], "alert": alert["id"]}
    kind = "webhook" if "webhook" in path else "alert"
    said = await space.tries(method, path.format(**ids), {})
    assert said == (404, f"There is no {kind} '{ids[kind]}' in this space.")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/spaces", 404), ("PUT", "/webhooks", 405)])
async def test_no_route(space: Space, method: str, path: str, status: int) -> None:
    """A route that there is not is refused in the same style."""
    assert (await space.tries(method, path))[0] == status


# Keys


@pytest.mark.parametrize("header", ["", "Bearer hf_wrong", "Basic YTpi"])
async def test_no_key(space: Space, header: str) -> None:
    """Without a valid key nothing is said."""
    space.client.headers["Authorization"] = header
    assert (await space.tries("GET", "/webhooks"))[0] == 401


async def test_key_of_another_company(space: Space, server: ServerProcess) -> None:
    """A key of another contract's tenant does not open this API."""
    async with tenant_of(server, "standard") as other:
        space.client.headers["Authorization"] = f"Bearer {other.key}"
    assert (await space.tries("GET", "/egress"))[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", "/webhooks", None, "read"),
        ("GET", "/webhooks/events", None, "read"),
        ("GET", "/webhooks/{webhook}", None, "read"),
        ("GET", "/alerts", None, "read"),
        ("GET", "/alerts/{alert}", None, "read"),
        ("POST", "/webhooks", {"url": URL}, "write"),
        ("POST", "/webhooks/secret", None, "write"),
        ("POST", "/webhooks/{webhook}/test", None, "write"),
        ("PATCH", "/webhooks/{webhook}", {}, "write"),
        ("POST", "/alerts", {"name": "Imports", "webhooks": [{"url": URL}]}, "write"),
        ("PATCH", "/alerts/{alert}", {}, "write"),
        ("DELETE", "/webhooks/{webhook}", None, "delete"),
        ("DELETE", "/alerts/{alert}", None, "delete"),
    ],
)
async def test_rights(
    space: Space, receiver: Receiver, method: str, path: str, body: object, needed: str
) -> None:
    """Each route needs its permission, and no other."""
    alert = await space.alert({"url": receiver.url})
    path = path.format(alert=alert["id"], webhook=alert["webhooks"][0])
    others = [f"webhooks:{right}" for right in ("read", "write", "delete") if right != needed]
    said = []
    for rights in ([*others, "events:write"], [f"webhooks:{needed}"]):
        space.client.headers["Authorization"] = f"Bearer {await space.company.new_key(*rights)}"
        said.append((await space.tries(method, path, body))[0])
    assert (said[0], said[1] < 300) == (403, True)


async def test_below_its_name(company: Company) -> None:
    """The API is below the company's name too."""
    async with company.caller({"Authorization": f"Bearer {company.key}"}, "/y42") as client:
        assert (await Space(client, company).webhook(URL))["url"] == URL
