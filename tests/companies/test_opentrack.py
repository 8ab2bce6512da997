"""OpenTrack: webhooks registered over its own API."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hookferry.receiver import Receiver
from tests.companies.company import Company, tenant_of
from tests.companies.opentrack import CHANGES, SECRET, STATUS_UPDATED, TYPES, Webhooks, bodies, code
from tests.support.process import ServerProcess

COMPANY = "opentrack"
URL = "https://example.com/hooks"
INVALID = (400, "VALIDATION_ERROR")


@pytest.fixture
async def webhooks(company: Company) -> AsyncIterator[Webhooks]:
    """A customer of OpenTrack's."""
    async with company.caller({"Opentrack-API-Key": company.key}) as client:
        yield Webhooks(client, company)


@pytest.fixture
async def another(server: ServerProcess) -> AsyncIterator[Webhooks]:
    """Another account."""
    async with (
        tenant_of(server, COMPANY) as company,
        company.caller({"Opentrack-API-Key": company.key}) as client,
    ):
        yield Webhooks(client, company)


async def with_rights(webhooks: Webhooks, *permissions: str) -> None:
    """Call with a key that has just these from now on."""
    webhooks.client.headers["Opentrack-API-Key"] = await webhooks.company.new_key(*permissions)


# Registration


@pytest.mark.proves("OT-1", "OT-2", "OT-3")
async def test_register(webhooks: Webhooks) -> None:
    """A URL, the wanted events and a name make a webhook."""
    made = await webhooks.register(URL, events=[STATUS_UPDATED], name="Warehouse")
    assert {**made, "id": "", "createdAt": "", "updatedAt": ""} == {
        "id": "",
        "url": URL,
        "events": [STATUS_UPDATED],
        "name": "Warehouse",
        "hasSecret": False,
        "status": "active",
        "createdAt": "",
        "updatedAt": "",
    }


@pytest.mark.proves("OT-3")
async def test_wanted_events_only(webhooks: Webhooks, receiver: Receiver) -> None:
    """Events that were not asked for do not come."""
    await webhooks.register(receiver.url, events=["container.holds.updated", STATUS_UPDATED])
    for type in ("container.location.updated", "container.holds.updated", STATUS_UPDATED):
        await webhooks.publish(type=type)
    found = await bodies(receiver, 2)
    assert {body["event"] for body in found} == {"container.holds.updated", STATUS_UPDATED}


@pytest.mark.proves("OT-4")
@pytest.mark.parametrize("given", [{}, {"events": []}, {"events": None}], ids=str)
async def test_all_events(webhooks: Webhooks, receiver: Receiver, given: dict[str, None]) -> None:
    """A webhook without events gets all types."""
    await webhooks.register(receiver.url, **given)
    for type in TYPES:
        await webhooks.publish(type=type)
    found = await bodies(receiver, len(TYPES))
    assert sorted(body["event"] for body in found) == TYPES


@pytest.mark.proves("OT-5")
async def test_list_of_event_types(webhooks: Webhooks) -> None:
    """All event types can be looked up."""
    answer = await webhooks.ask("GET", "/event-types")
    assert sorted(type["event"] for type in answer.json()["events"]) == TYPES


@pytest.mark.proves("OT-5", "OT-26", part="what each is, with its schema and an example")
async def test_documented_event_types(webhooks: Webhooks) -> None:
    """The list says of each type what it means and what `data` holds."""
    found = (await webhooks.ask("GET", "/event-types")).json()["events"]
    assert all(type["title"] and type["description"] and type["schema"] and type["example"] for type in found)


@pytest.mark.proves("OT-5", part="by the native API too")
async def test_native_event_types(webhooks: Webhooks) -> None:
    """The operator sees the same list."""
    found = (await webhooks.company.ask("GET", "event-types"))["data"]
    assert [type["name"] for type in found] == TYPES


async def test_unknown_event(webhooks: Webhooks) -> None:
    """An event that is not on the list cannot be asked for."""
    answer = await webhooks.ask("POST", body={"url": URL, "events": ["container.sunk"]})
    assert code(answer) == INVALID


# A URL once


@pytest.mark.proves("OT-6", "OT-7")
async def test_duplicate(webhooks: Webhooks) -> None:
    """A URL that is registered already is refused with VALIDATION_ERROR."""
    await webhooks.register(URL, events=[STATUS_UPDATED])
    answer = await webhooks.ask("POST", body={"url": URL, "events": ["container.holds.updated"]})
    assert code(answer) == INVALID


@pytest.mark.proves("OT-7", part="by the native API")
async def test_native_duplicate(webhooks: Webhooks) -> None:
    """The native API says the company's code beside its own."""
    await webhooks.register(URL)
    answer = await webhooks.company.client.post(webhooks.company.path("endpoints"), json={"url": URL})
    assert (answer.json()["code"], answer.json()["contract_code"]) == ("url_taken", "VALIDATION_ERROR")


@pytest.mark.proves("OT-6", part="the webhooks stay as they were")
async def test_duplicate_leaves_nothing(webhooks: Webhooks) -> None:
    """A refused duplicate leaves the first webhook as it was, and no second."""
    made = await webhooks.register(URL)
    await webhooks.ask("POST", body={"url": URL, "name": "again"})
    assert await webhooks.list() == [made]


@pytest.mark.proves("OT-6", part="at the same moment")
async def test_duplicates_at_once(webhooks: Webhooks) -> None:
    """Of five that register the same URL at the same moment one succeeds."""
    answers = await asyncio.gather(*(webhooks.ask("POST", body={"url": URL}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400]


@pytest.mark.proves("OT-6", part="written otherwise")
async def test_same_url(webhooks: Webhooks) -> None:
    """Another way to write the same URL is no other URL."""
    await webhooks.register("https://example.com/hooks")
    assert code(await webhooks.ask("POST", body={"url": "HTTPS://EXAMPLE.com:443/hooks"})) == INVALID


@pytest.mark.proves("OT-6", part="by a change")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_change_to_a_taken_url(webhooks: Webhooks, method: str) -> None:
    """A webhook cannot move to the URL of another."""
    await webhooks.register(URL)
    other = await webhooks.register("https://example.com/other")
    assert code(await webhooks.ask(method, f"/{other['id']}", {"url": URL})) == INVALID


@pytest.mark.proves("OT-6", part="free again")
async def test_url_of_a_deleted_one(webhooks: Webhooks) -> None:
    """The URL of a deleted webhook can be registered again."""
    made = await webhooks.register(URL)
    await webhooks.ask("DELETE", f"/{made['id']}")
    assert (await webhooks.register(URL))["url"] == URL


@pytest.mark.proves("OT-8")
async def test_another_account(webhooks: Webhooks, another: Webhooks) -> None:
    """Another account may register the same URL."""
    await webhooks.register(URL)
    assert (await another.register(URL))["url"] == URL


# The secret


@pytest.mark.proves("OT-9", "OT-10")
@pytest.mark.parametrize("secret", [SECRET, "x", "schlüssel ☃", "whsec_c2VjcmV0", "y" * 255], ids=range(5))
async def test_secret(webhooks: Webhooks, secret: str) -> None:
    """The customer chooses the secret when registering, whatever it is."""
    assert (await webhooks.register(URL, secret=secret))["hasSecret"] is True


@pytest.mark.proves("OT-9")
@pytest.mark.parametrize("given", [{}, {"secret": None}], ids=str)
async def test_no_secret(webhooks: Webhooks, given: dict[str, None]) -> None:
    """A webhook without a secret is registered all the same, and none is made up."""
    assert (await webhooks.register(URL, **given))["hasSecret"] is False


async def test_secret_stays_secret(webhooks: Webhooks) -> None:
    """No answer shows the secret."""
    made = await webhooks.register(URL, secret="a-secret-of-mine")
    answers = [await webhooks.ask("GET", path) for path in ("", f"/{made['id']}")]
    assert "a-secret-of-mine" not in str(made) + "".join(answer.text for answer in answers)


@pytest.mark.parametrize("secret", ["", "y" * 256, "a\nb", 7])
async def test_bad_secret(webhooks: Webhooks, secret: object) -> None:
    """What cannot be a secret is refused."""
    assert code(await webhooks.ask("POST", body={"url": URL, "secret": secret})) == INVALID


# Beside registration (we decide)


async def test_list(webhooks: Webhooks, another: Webhooks) -> None:
    """The list holds the account's own webhooks, newest first."""
    made = [await webhooks.register(f"{URL}/{number}") for number in range(3)]
    await another.register(URL)
    assert await webhooks.list() == made[::-1]


async def test_show(webhooks: Webhooks) -> None:
    """A webhook is found by its id."""
    made = await webhooks.register(URL)
    assert (await webhooks.ask("GET", f"/{made['id']}")).json() == made


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_change(webhooks: Webhooks, method: str) -> None:
    """What is given is changed, what is left out stays."""
    made = await webhooks.register(URL, events=[STATUS_UPDATED], name="Old")
    await webhooks.ask(method, f"/{made['id']}", {"name": "New", "url": f"{URL}/2", "secret": SECRET})
    (found,) = await webhooks.list()
    assert found == {
        **made,
        "name": "New",
        "url": f"{URL}/2",
        "hasSecret": True,
        "updatedAt": found["updatedAt"],
    }


async def test_put_what_was_got(webhooks: Webhooks) -> None:
    """A webhook that is sent back as it was shown stays as it is."""
    made = await webhooks.register(URL, events=[STATUS_UPDATED], secret=SECRET)
    answer = await webhooks.ask("PUT", f"/{made['id']}", made)
    assert answer.json() == {**made, "updatedAt": answer.json()["updatedAt"]}


async def test_back_to_all_events(webhooks: Webhooks) -> None:
    """A webhook whose events are taken away gets all of them."""
    made = await webhooks.register(URL, events=[STATUS_UPDATED])
    answer = await webhooks.ask("PATCH", f"/{made['id']}", {"events": None})
    assert answer.json()["events"] == []


async def test_take_the_secret_away(webhooks: Webhooks) -> None:
    """A secret that is set to null is gone."""
    made = await webhooks.register(URL, secret=SECRET)
    answer = await webhooks.ask("PATCH", f"/{made['id']}", {"secret": None})
    assert answer.json()["hasSecret"] is False


async def test_bad_secret_changes_nothing(webhooks: Webhooks) -> None:
    """A change with a secret that is refused changes nothing else either."""
    made = await webhooks.register(URL)
    assert code(await webhooks.ask("PATCH", f"/{made['id']}", {"name": "New", "secret": ""})) == INVALID
    assert await webhooks.list() == [made]


async def test_pause(webhooks: Webhooks, receiver: Receiver) -> None:
    """A paused webhook receives once it is active again."""
    made = await webhooks.register(receiver.url)
    paused = await webhooks.ask("PATCH", f"/{made['id']}", {"status": "paused"})
    await webhooks.publish({"containerId": "MSCU1234567"})
    came = receiver.count
    await webhooks.ask("PATCH", f"/{made['id']}", {"status": "active"})
    (body,) = await bodies(receiver, 1)
    assert (paused.json()["status"], came, body["changes"]) == ("paused", 0, CHANGES)


async def test_delete(webhooks: Webhooks) -> None:
    """A deleted webhook is gone."""
    made = await webhooks.register(URL)
    deleted = await webhooks.ask("DELETE", f"/{made['id']}")
    again = await webhooks.ask("DELETE", f"/{made['id']}")
    assert (deleted.json(), code(again), await webhooks.list()) == (
        {"id": made["id"]},
        (404, "NOT_FOUND"),
        [],
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_of_another_account(webhooks: Webhooks, another: Webhooks, method: str) -> None:
    """Another account's webhook is not there."""
    made = await another.register(URL)
    assert code(await webhooks.ask(method, f"/{made['id']}", {})) == (404, "NOT_FOUND")


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
        {"url": URL, "events": STATUS_UPDATED},
        {"url": URL, "events": [1]},
        {"url": URL, "name": "x" * 201},
        {"url": URL, "name": ["x"]},
    ],
    ids=lambda body: str(body)[:50],
)
async def test_refused(webhooks: Webhooks, body: object) -> None:
    """What cannot be registered is refused with VALIDATION_ERROR, its message at the top."""
    assert code(await webhooks.ask("POST", body=body)) == INVALID


@pytest.mark.parametrize("body", [b"", b"{", b"url=x", b"\xff", b"[" * 100_000], ids=lambda body: body[:6])
async def test_no_json(webhooks: Webhooks, body: bytes) -> None:
    """So is what cannot be read."""
    assert code(await webhooks.client.post("/v1/webhooks", content=body)) == INVALID


async def test_unknown_fields(webhooks: Webhooks) -> None:
    """Fields that we do not know are ignored."""
    assert (await webhooks.register(URL, version=2, headers={}))["url"] == URL


async def test_bad_status(webhooks: Webhooks) -> None:
    """A webhook is active or paused."""
    made = await webhooks.register(URL)
    assert code(await webhooks.ask("PATCH", f"/{made['id']}", {"status": "deleted"})) == INVALID


@pytest.mark.parametrize(
    "headers", [{}, {"Opentrack-API-Key": "ot_wrong"}, {"Authorization": "Bearer {key}"}]
)
async def test_no_key(company: Company, headers: dict[str, str]) -> None:
    """Without a key in `Opentrack-API-Key` nothing is said."""
    given = {name: value.replace("{key}", company.key) for name, value in headers.items()}
    async with company.caller(given) as client:
        assert code(await client.get("/v1/webhooks")) == (401, "UNAUTHORIZED")


async def test_key_of_another_company(server: ServerProcess) -> None:
    """A key of another contract's tenant does not open this API."""
    async with (
        tenant_of(server, "standard") as other,
        other.caller({"Opentrack-API-Key": other.key}) as client,
    ):
        assert code(await client.get("/v1/webhooks")) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "", "webhooks:read"),
        ("GET", "/event-types", "webhooks:read"),
        ("GET", "/{id}", "webhooks:read"),
        ("POST", "", "webhooks:write"),
        ("PUT", "/{id}", "webhooks:write"),
        ("PATCH", "/{id}", "webhooks:write"),
        ("DELETE", "/{id}", "webhooks:delete"),
    ],
)
async def test_permissions(webhooks: Webhooks, method: str, path: str, needed: str) -> None:
    """Each route needs its permission, and no other."""
    made = await webhooks.register(URL)
    path = path.format(id=made["id"])
    others = {"webhooks:read", "webhooks:write", "webhooks:delete", "events:write"} - {needed}
    await with_rights(webhooks, *others)
    refused = await webhooks.ask(method, path, {"url": f"{URL}/2"})
    await with_rights(webhooks, needed)
    taken = await webhooks.ask(method, path, {"url": f"{URL}/2"})
    assert (code(refused), taken.is_success) == ((403, "FORBIDDEN"), True)


async def test_below_its_name(company: Company) -> None:
    """The API is below the company's name too, on a server that has another one at its root."""
    async with company.caller({"Opentrack-API-Key": company.key}, "/opentrack") as client:
        assert (await Webhooks(client, company).register(URL))["url"] == URL


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("DELETE", "/v1/webhooks", (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/v1/webhooks/1/2", (404, "NOT_FOUND")),
        ("GET", "/nothing", (404, "NOT_FOUND")),
    ],
)
async def test_no_route(company: Company, method: str, path: str, expected: tuple[int, str]) -> None:
    """What no route takes is refused in OpenTrack's words, below /v1 too."""
    async with company.caller({"Opentrack-API-Key": company.key}) as client:
        assert code(await client.request(method, path)) == expected
