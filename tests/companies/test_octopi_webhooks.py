"""How Octopi's customers configure webhooks: its API, and who opens what (OC-7 to OC-25, OC-32)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hookferry.receiver import Receiver
from tests.companies.octopi import DELETE, EVENTS, READ, WRITE, Terminal, organization, token
from tests.support.process import ServerProcess

COMPANY = "octopi"

URL = "https://example.com/octopi"
NEW = {"url": URL, "events": ["Cargo Held", "cargo_released"]}


@pytest.fixture
async def terminal(server: ServerProcess) -> AsyncIterator[Terminal]:
    """An organisation that has webhooks."""
    async with organization(server, "webhooks") as one:
        yield one


@pytest.fixture
async def plain(server: ServerProcess) -> AsyncIterator[Terminal]:
    """An organisation as it is by default."""
    async with organization(server) as one:
        yield one


async def all_answers(terminal: Terminal, key: str) -> list[int]:
    """What somebody gets for viewing, adding, editing and deleting webhooks."""
    webhook = await terminal.webhook(URL, "Cargo Held")
    return [
        await terminal.tries(key, "GET", "/webhooks"),
        await terminal.tries(key, "POST", "/webhooks", NEW),
        await terminal.tries(key, "PATCH", f"/webhooks/{webhook}", {"events": ["Hold Applied"]}),
        await terminal.tries(key, "DELETE", f"/webhooks/{webhook}"),
    ]


@pytest.mark.proves("OC-7")
async def test_off_by_default(plain: Terminal) -> None:
    """An organisation has no webhooks until they are enabled for it, whatever its people may do."""
    answers = [
        await plain.api.get("/webhooks"),
        await plain.api.post("/webhooks", json=NEW),
        await plain.api.get("/webhook_events"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


@pytest.mark.proves("OC-7")
async def test_says_whom_to_ask(plain: Terminal) -> None:
    """The answer says whom to contact, as the document does."""
    answer = await plain.api.get("/webhooks")

    assert "Please contact the Octopi Customer Success Team" in answer.json()["message"]


@pytest.mark.proves("OC-7")
async def test_off_again(terminal: Terminal, receiver: Receiver) -> None:
    """Where the feature is turned off again, nothing goes out."""
    await terminal.ready(f"{receiver.url}/off", "Cargo Loaded")
    await terminal.company.client.patch(f"/v1/tenants/{terminal.company.id}", json={"features": []})

    published = await terminal.company.publish({"cargo_id": 1}, "Cargo Loaded")

    assert published["deliveries"] == 0


@pytest.mark.proves("OC-8", "OC-32")
async def test_admin_cannot_enable(plain: Terminal) -> None:
    """The organisation's own admin enables neither webhooks nor developer documents."""
    admin = await plain.person("admin")
    async with plain.company.server.client(admin) as client:
        path = f"/v1/tenants/{plain.company.id}"
        answer = await client.patch(path, json={"features": ["webhooks", "developer-docs"]})

    assert answer.status_code == 403


@pytest.mark.proves("OC-8")
async def test_operator_enables(plain: Terminal) -> None:
    """The operator does, and then they are there."""
    await plain.company.client.patch(f"/v1/tenants/{plain.company.id}", json={"features": ["webhooks"]})

    answer = await plain.api.get("/webhooks")

    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.proves("OC-9")
async def test_no_permission(terminal: Terminal) -> None:
    """Without permissions a role can do nothing with webhooks."""
    assert await all_answers(terminal, await terminal.person()) == [403, 403, 403, 403]


@pytest.mark.proves("OC-10", part="what the page shows")
async def test_read(terminal: Terminal) -> None:
    """`Webhooks: Read` views webhooks, and no more."""
    assert await all_answers(terminal, await terminal.person(READ)) == [200, 403, 403, 403]


@pytest.mark.proves("OC-11")
async def test_write(terminal: Terminal) -> None:
    """`Webhooks: Write` adds and edits, and no more."""
    assert await all_answers(terminal, await terminal.person(WRITE)) == [403, 201, 200, 403]


@pytest.mark.proves("OC-12")
async def test_delete(terminal: Terminal) -> None:
    """`Webhooks: Delete` deletes, and no more."""
    assert await all_answers(terminal, await terminal.person(DELETE)) == [403, 403, 403, 204]


@pytest.mark.proves("OC-13")
async def test_admin_grants(terminal: Terminal) -> None:
    """An admin of the team adds the permission to the role, and it holds at once."""
    role = await terminal.role()
    _, key = await terminal.member(role)
    before = await terminal.tries(key, "GET", "/webhooks")

    async with terminal.company.server.client(await terminal.person("admin")) as admin:
        await admin.patch(terminal.company.path(f"roles/{role}"), json={"permissions": [READ]})

    assert [before, await terminal.tries(key, "GET", "/webhooks")] == [403, 200]


@pytest.mark.proves("OC-13")
async def test_admin_reassigns(terminal: Terminal) -> None:
    """Or gives the person another role."""
    member, key = await terminal.member(await terminal.role())
    readers = await terminal.role(READ)

    async with terminal.company.server.client(await terminal.person("admin")) as admin:
        await admin.patch(terminal.company.path(f"members/{member}"), json={"role": readers})

    assert await terminal.tries(key, "GET", "/webhooks") == 200


@pytest.mark.proves("OC-13")
async def test_others_do_not_grant(terminal: Terminal) -> None:
    """Who is no admin cannot grant a permission, to themselves neither."""
    role = await terminal.role(READ, WRITE, DELETE)
    _, key = await terminal.member(role)

    async with terminal.company.server.client(key) as client:
        answer = await client.patch(terminal.company.path(f"roles/{role}"), json={"permissions": ["admin"]})

    assert answer.status_code == 403


@pytest.mark.proves("OC-14")
async def test_operator_grants(terminal: Terminal) -> None:
    """Where no admin of the team can, the operator grants it."""
    role = await terminal.role()
    _, key = await terminal.member(role)

    await terminal.company.ask("PATCH", f"roles/{role}", {"permissions": [READ]})

    assert await terminal.tries(key, "GET", "/webhooks") == 200


@pytest.mark.proves("OC-15", "OC-16", "OC-17", part="what the page asks the API")
async def test_new(terminal: Terminal) -> None:
    """A new webhook has the URL that was entered and the events that were chosen."""
    answer = await terminal.api.post("/webhooks", json=NEW)

    made = answer.json()
    assert (answer.status_code, made["url"], made["events"]) == (201, URL, ["Cargo Held", "Cargo Released"])


@pytest.mark.proves("OC-17", "OC-21")
async def test_toggles(terminal: Terminal) -> None:
    """There is a toggle for each event of the document's table: name, trigger, and name in snake case."""
    events = (await terminal.api.get("/webhook_events")).json()

    assert events == [
        {"name": name, "slug": name.lower().replace(" ", "_"), "description": trigger}
        for name, trigger in EVENTS.items()
    ]


@pytest.mark.proves("OC-18")
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_edit(terminal: Terminal, method: str) -> None:
    """A webhook's events are edited, and its URL stays."""
    webhook = await terminal.webhook(URL, "Cargo Held")

    await terminal.api.request(method, f"/webhooks/{webhook}", json={"events": ["Truck Gated Out"]})

    found = (await terminal.api.get(f"/webhooks/{webhook}")).json()
    assert (found["url"], found["events"]) == (URL, ["Truck Gated Out"])


@pytest.mark.proves("OC-18")
async def test_edited_url(terminal: Terminal, receiver: Receiver) -> None:
    """What happens after an edit of the URL goes to the new one, with the secret as it was."""
    webhook = await terminal.webhook(f"{receiver.url}/old", "Cargo Loaded")
    await terminal.issue(webhook)

    await terminal.api.patch(f"/webhooks/{webhook}", json={"url": f"{receiver.url}/new"})
    await terminal.company.publish({"cargo_id": 1}, "Cargo Loaded")

    assert [arrival.target for arrival in await receiver.wait_for(1)] == ["/new"]


@pytest.mark.proves("OC-18")
async def test_deleted(terminal: Terminal) -> None:
    """A deleted webhook is gone."""
    webhook = await terminal.webhook(URL, "Cargo Held")

    answer = await terminal.api.delete(f"/webhooks/{webhook}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await terminal.api.get(f"/webhooks/{webhook}")).status_code == 404


@pytest.mark.proves("OC-20")
@pytest.mark.parametrize("events", [{}, {"events": []}])
async def test_one_event_at_least(terminal: Terminal, events: dict[str, Any]) -> None:
    """A webhook without events is refused."""
    answer = await terminal.api.post("/webhooks", json={"url": URL, **events})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["events"])


@pytest.mark.proves("OC-20")
async def test_last_event(terminal: Terminal) -> None:
    """Nor can the last event be taken from it."""
    webhook = await terminal.webhook(URL, "Cargo Held")

    answer = await terminal.api.patch(f"/webhooks/{webhook}", json={"events": []})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["events"])


@pytest.mark.proves("OC-24", "OC-25")
async def test_set_up(terminal: Terminal) -> None:
    """A webhook's set-up is finished once its secret is issued, and its status says so."""
    webhook = await terminal.webhook(URL, "Cargo Held")
    before = await terminal.status(webhook)

    await terminal.issue(webhook)

    assert [before, await terminal.status(webhook)] == ["awaiting_secret", "active"]


@pytest.mark.proves("OC-24")
async def test_admin_issues_none(terminal: Terminal) -> None:
    """No key of the organisation issues a secret, an admin's neither."""
    webhook = await terminal.webhook(URL, "Cargo Held")

    async with terminal.company.server.client(await terminal.person("admin")) as admin:
        answer = await admin.post(terminal.company.path(f"endpoints/{webhook}/rotate"))

    assert answer.status_code == 403


@pytest.mark.proves("OC-24")
async def test_secret_is_not_chosen(terminal: Terminal) -> None:
    """A secret that is sent along with a new webhook is none."""
    answer = await terminal.api.post(
        "/webhooks", json={**NEW, "secret": "one-of-my-own-that-is-long-enough-"}
    )

    assert (answer.status_code, answer.json()["status"]) == (201, "awaiting_secret")


@pytest.mark.proves("OC-24")
async def test_shown_once(terminal: Terminal) -> None:
    """The operator sees the secret when it is issued, and nobody ever again."""
    webhook = await terminal.webhook(URL, "Cargo Held")
    secret = await terminal.issue(webhook)

    answer = await terminal.company.client.get(terminal.company.path(f"endpoints/{webhook}/secret"))

    assert len(secret) == 64
    assert (answer.status_code, answer.json()["code"]) == (403, "secret_hidden")


@pytest.mark.proves("OC-32")
async def test_documents_are_closed(terminal: Terminal) -> None:
    """What is in an event's payload is not shown to an organisation by default, here or in the native API."""
    async with terminal.company.server.client(terminal.company.key) as native:
        answers = [
            await terminal.api.get("/webhook_events/cargo_held"),
            await native.get(terminal.company.path("event-types")),
            await native.get("/v1/event-types"),
            await native.get("/v1/event-types/Cargo%20Held"),
            await native.get("/v1/contracts/octopi"),
        ]

    assert [answer.status_code for answer in answers] == [403] * 5


@pytest.mark.proves("OC-32")
@pytest.mark.parametrize("name", ["cargo_held", "Cargo Held"])
async def test_documents_are_opened(terminal: Terminal, name: str) -> None:
    """Once the operator opens that, an event's schema and an example can be read."""
    features = {"features": ["webhooks", "developer-docs"]}
    await terminal.company.client.patch(f"/v1/tenants/{terminal.company.id}", json=features)

    found = (await terminal.api.get(f"/webhook_events/{name}")).json()

    assert found["schema"]["required"] == ["cargo_id", "hold_id"]
    assert found["example"]["cargo_number"] == "CSQU3054383"


async def test_curl(terminal: Terminal) -> None:
    """Octopi's header of a key works as one types it."""
    words = ["--silent", "-H", f"Authorization: Token token={terminal.company.key}", "-d", json.dumps(NEW)]
    curl = await asyncio.create_subprocess_exec(
        "curl", *words, f"{terminal.company.server.url}/webhooks", stdout=asyncio.subprocess.PIPE
    )

    said, _ = await curl.communicate()
    assert json.loads(said)["events"] == ["Cargo Held", "Cargo Released"]


@pytest.mark.parametrize(
    "header",
    ['Token token="{}"', 'Token token="{}", nonce="n"', 'Token nonce="n", token="{}"', "token token={}"],
)
async def test_key_as_rails_reads_it(terminal: Terminal, header: str) -> None:
    """A key may be quoted, and have other parameters beside it."""
    headers = {"Authorization": header.format(terminal.company.key)}
    async with terminal.company.caller(headers) as client:
        answer = await client.get("/webhooks")

    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["", "Token", "Token token=", "Token token=oct_nobody", "Basic b2N0"])
async def test_no_key(terminal: Terminal, header: str) -> None:
    """Without a valid key there is a 401."""
    async with terminal.company.caller({"Authorization": header}) as client:
        answer = await client.get("/webhooks")

    assert (answer.status_code, answer.json()) == (401, {"status": 401, "error": "Unauthorized"})


async def test_endless_key(terminal: Terminal) -> None:
    """A key with 60 KB of blanks before it is refused at once, and keeps nobody else waiting."""
    headers = {"Authorization": f"Token{' ' * 60_000}x"}
    async with terminal.company.caller(headers) as client:
        answer = await client.get("/webhooks")

    assert answer.status_code == 401


async def test_beside_others(terminal: Terminal) -> None:
    """The same API is below the contract's name, beside those of other companies."""
    async with terminal.company.caller(token(terminal.company.key), "/octopi") as client:
        answer = await client.get("/webhooks")

    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
async def test_of_others(terminal: Terminal, plain: Terminal, method: str) -> None:
    """Another organisation's webhook is not found."""
    await plain.company.client.patch(f"/v1/tenants/{plain.company.id}", json={"features": ["webhooks"]})
    webhook = await plain.webhook(URL, "Cargo Held")

    answer = await terminal.api.request(method, f"/webhooks/{webhook}", json={"url": URL})

    assert (answer.status_code, answer.json()) == (404, {"status": 404, "error": "Not Found"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "url"),
        (b"{}", "url"),
        (b'{"events":["Cargo Held"]}', "url"),
        (b'{"webhook":{"events":["Cargo Held"]}}', "url"),
        (b'{"url":"octopi","events":["Cargo Held"]}', "url"),
        (b'{"url":"ftp://example.com/","events":["Cargo Held"]}', "url"),
        (b'{"url":"http://10.0.0.1/","events":["Cargo Held"]}', "url"),
        (b'{"url":"https://example.com/","events":[""]}', "events"),
        (b'{"url":null,"events":["Cargo Held"]}', "base"),
        (b'{"url":7,"events":["Cargo Held"]}', "base"),
        (b'{"url":"https://example.com/","events":"Cargo Held"}', "base"),
        (b'{"url":"\xff"}', "base"),
        (b"[]", "base"),
        (b"{", "base"),
        (b"url=https://example.com/", "base"),
    ],
)
async def test_errors_by_field(terminal: Terminal, body: bytes, field: str) -> None:
    """What cannot be accepted is a 422 that names the field, or `base` where it is the whole."""
    answer: httpx.Response = await terminal.api.post("/webhooks", content=body)

    said = answer.json()
    assert (answer.status_code, list(said), list(said["errors"])) == (
        422,
        ["status", "error", "errors"],
        [field],
    )


async def test_below_its_name(terminal: Terminal) -> None:
    """Fields may stand below `webhook`, as Rails' clients send them, and unknown ones are ignored."""
    answer = await terminal.api.post(
        "/webhooks", json={"webhook": {**NEW, "colour": "red"}, "commit": "Save"}
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("base", ["", "/octopi"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/cargo"), ("GET", "/webhooks/1/2"), ("DELETE", "/webhooks")]
)
async def test_no_route(terminal: Terminal, base: str, method: str, path: str) -> None:
    """What there is no route for is not found, in the company's own form."""
    answer = await terminal.api.request(method, base + path)

    assert (answer.status_code, answer.json()) == (404, {"status": 404, "error": "Not Found"})


async def test_native_beside_it(terminal: Terminal) -> None:
    """The native API keeps its own form of errors beside a company's at the root."""
    answer = await terminal.company.client.get("/v1/cargo")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


async def test_unknown_event(terminal: Terminal) -> None:
    """An event that there is not has no documents."""
    features = {"features": ["webhooks", "developer-docs"]}
    await terminal.company.client.patch(f"/v1/tenants/{terminal.company.id}", json=features)

    assert (await terminal.api.get("/webhook_events/crane_painted")).status_code == 404
