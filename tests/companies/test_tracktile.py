"""Tracktile: hooks, managed over its own API and its own command."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookferry.contracts import builtin
from hookferry.receiver import Answer, Receiver
from tests.companies.company import Company, tenant_of
from tests.companies.tracktile import (
    CHANGED,
    CREATE,
    DELETE,
    EXECUTIONS,
    LIST,
    REGISTER,
    ROTATE,
    TEST,
    UPDATE,
    Hooks,
    bodies,
    call,
    install,
    run,
)
from tests.support.process import ServerProcess

COMPANY = "tracktile"
URL = "https://your-server.com/webhook"
HOOK = {"name", "url", "on", "status", "id", "createdAt", "updatedAt"}
NEW = {"name": "My Webhook", "url": URL, "on": CHANGED}


@pytest.fixture
async def hooks(company: Company) -> AsyncIterator[Hooks]:
    """A customer of Tracktile's."""
    async with company.caller({"Authorization": f"Bearer {company.key}"}) as client:
        yield Hooks(client, company)


async def with_key(hooks: Hooks, key: str) -> None:
    """Call with this key from now on."""
    hooks.client.headers["Authorization"] = f"Bearer {key}"


# The document's calls


@pytest.mark.proves("TT-5", "TT-9", "TT-10", "TT-11", "TT-12", "TT-13", "TT-14")
async def test_create_as_written(company: Company) -> None:
    """The document's call creates a webhook and answers with its secret."""
    status, made = call(CREATE, company)
    assert (status, {name: made[name] for name in NEW}, len(made["secret"])) == (201, NEW, 64)


@pytest.mark.proves("TT-17", "TT-18", part="the API behind the screen")
async def test_fields(company: Company) -> None:
    """The answer has a name, a URL and one event type, as the form does, and the status active."""
    _, made = call(CREATE, company)
    assert (set(made), made["status"]) == (HOOK | {"secret"}, "active")


@pytest.mark.proves("TT-19")
async def test_list_as_written(company: Company) -> None:
    """The document's call lists all webhooks in Tracktile's envelope."""
    made = [call(CREATE, company)[1] for _ in range(2)]
    for one in made:
        del one["secret"]
    assert call(LIST, company) == (200, {"results": made[::-1], "nextCursor": None, "total": 2})


@pytest.mark.proves("TT-20")
async def test_update_as_written(company: Company) -> None:
    """The document's call changes name and status, and leaves the rest."""
    _, made = call(CREATE, company)
    status, changed = call(UPDATE, company, made["id"])
    wanted = {"name": "Updated Webhook", "status": "paused", "url": URL, "on": CHANGED, "id": made["id"]}
    assert (status, {name: changed[name] for name in wanted}) == (200, wanted)


@pytest.mark.proves("TT-21")
async def test_delete_as_written(company: Company) -> None:
    """The document's call deletes a webhook."""
    _, made = call(CREATE, company)
    deleted = call(DELETE, company, made["id"])
    assert (deleted, call(LIST, company)[1]["total"]) == ((204, None), 0)


@pytest.mark.proves("TT-22")
async def test_rotate_as_written(company: Company) -> None:
    """The document's call answers 200 with another secret."""
    _, made = call(CREATE, company)
    status, rotated = call(ROTATE, company, made["id"])
    assert (status, len(rotated["secret"]), rotated["secret"] == made["secret"]) == (200, 64, False)


@pytest.mark.proves("TT-29")
async def test_test_as_written(hooks: Hooks, receiver: Receiver) -> None:
    """The document's call sends a test event to the webhook's URL."""
    made = await hooks.create(receiver.url)
    status, sent = call(TEST, hooks.company, made["id"])
    (arrived,) = await bodies(receiver, 1)
    assert (status, sent) == (200, {"id": arrived["id"], "kind": arrived["kind"]})


@pytest.mark.proves("TT-32", "TT-33")
async def test_executions_as_written(hooks: Hooks, receiver: Receiver) -> None:
    """The document's call shows recent executions, with status codes and what the receiver said."""
    receiver.answer("/", Answer(503, body=b"busy"), Answer(200, headers=(("X-Seen", "yes"),)))
    made = await hooks.create(receiver.url)
    await hooks.publish()
    await hooks.company.final()
    _, found = call(EXECUTIONS, hooks.company, made["id"])
    shown = [(one["statusCode"], one["attempt"], one["response"]["body"]) for one in found["results"]]
    assert (shown, found["total"], found["nextCursor"]) == ([(200, 2, ""), (503, 1, "busy")], 2, None)


# The command and the app


@pytest.mark.proves("TT-9", "TT-16")
async def test_command_as_written(company: Company, tmp_path: Path) -> None:
    """The document's command, installed under its own name, registers a webhook and prints its secret."""
    install(tmp_path)
    printed = run(REGISTER, company, tmp_path)
    (found,) = call(LIST, company)[1]["results"]
    assert ({name: found[name] for name in NEW}, len(printed["secret"])) == (NEW, 64)


# Secrets


@pytest.mark.proves("TT-6")
async def test_secrets_are_unique(hooks: Hooks) -> None:
    """Each webhook gets a secret of its own."""
    assert len({(await hooks.create(URL))["secret"] for _ in range(5)}) == 5


async def test_secret_is_not_chosen(hooks: Hooks) -> None:
    """A secret in the request is ignored, as any field that is not known."""
    assert (await hooks.ask("POST", body={**NEW, "secret": "mine"}))["secret"] != "mine"


@pytest.mark.proves("TT-15")
async def test_secret_is_shown_once(hooks: Hooks) -> None:
    """No later answer of any route has the secret, not the operator's either."""
    made = await hooks.create(URL)
    id = made["id"]
    shown = [await hooks.ask("GET"), await hooks.ask("GET", f"/{id}"), await hooks.ask("PUT", f"/{id}", {})]
    company = hooks.company
    operators = [await company.client.get(company.path(f"endpoints/{id}{rest}")) for rest in ("", "/secret")]
    said = f"{shown}{[answer.text for answer in operators]}"
    assert (made["secret"] in said, operators[1].status_code) == (False, 403)


# Lists


async def test_pages(hooks: Hooks) -> None:
    """A list is read on with its cursor; the total stays."""
    made = [(await hooks.create(URL))["id"] for _ in range(3)]
    first = await hooks.ask("GET", "?limit=2")
    second = await hooks.ask("GET", f"?limit=2&cursor={first['nextCursor']}")
    ids = [hook["id"] for hook in first["results"] + second["results"]]
    assert (ids, first["total"], second["nextCursor"]) == (made[::-1], 3, None)


@pytest.mark.proves("TT-32")
async def test_pages_of_executions(hooks: Hooks, receiver: Receiver) -> None:
    """Executions too are read on with the cursor."""
    id = (await hooks.create(receiver.url))["id"]
    for _ in range(3):
        await hooks.publish()
    await hooks.company.final()
    first = await hooks.ask("GET", f"/{id}/executions?limit=2")
    second = await hooks.ask("GET", f"/{id}/executions?limit=2&cursor={first['nextCursor']}")
    ids = [one["id"] for one in first["results"] + second["results"]]
    assert (len(set(ids)), ids == sorted(ids, reverse=True), second["nextCursor"]) == (3, True, None)


@pytest.mark.proves("TT-33")
async def test_execution_without_an_answer(hooks: Hooks, closed_port: int) -> None:
    """Where nobody answers, there is no status code but a reason."""
    id = (await hooks.create(f"http://127.0.0.1:{closed_port}/"))["id"]
    async with hooks.company.tail() as attempts:
        await hooks.publish()
        await anext(attempts)
    last = (await hooks.ask("GET", f"/{id}/executions"))["results"][-1]
    assert (last["statusCode"], last["response"], bool(last["error"])) == (None, None, True)


# Changes


async def test_what_is_answered_can_be_sent_back(hooks: Hooks) -> None:
    """A whole webhook with a new name changes its name."""
    made = await hooks.create(URL)
    changed = await hooks.ask("PUT", f"/{made['id']}", {**made, "name": "Other"})
    assert changed["name"] == "Other"


@pytest.mark.parametrize("change", [{"url": "https://other.example/"}, {"on": "order.created"}])
async def test_what_cannot_change(hooks: Hooks, change: dict[str, str]) -> None:
    """Another URL or event type is refused: the document changes names and statuses only."""
    made = await hooks.create(URL)
    assert (await hooks.tries("PUT", f"/{made['id']}", change))[0] == 400


@pytest.mark.proves("TT-30")
async def test_status_goes_there_and_back(hooks: Hooks) -> None:
    """A webhook is paused and active again, and asking for what it is already changes nothing."""
    id = (await hooks.create(URL))["id"]
    wanted = ["paused", "paused", "active", "active"]
    assert [(await hooks.ask("PUT", f"/{id}", {"status": one}))["status"] for one in wanted] == wanted


async def test_test_of_a_paused_one(hooks: Hooks) -> None:
    """A paused webhook is not tested: it receives nothing."""
    id = (await hooks.create(URL))["id"]
    await hooks.ask("PUT", f"/{id}", {"status": "paused"})
    assert (await hooks.tries("POST", f"/{id}/test"))[0] == 409


# What is refused, in Tracktile's envelope


@pytest.mark.proves("TT-11")
@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"name": "x", "url": URL},
        {"name": "x", "on": CHANGED},
        {"url": URL, "on": CHANGED},
        {**NEW, "on": [CHANGED]},
        {**NEW, "on": "order.exploded"},
        {**NEW, "on": ""},
        {**NEW, "url": "your-server.com"},
        {**NEW, "url": "ftp://your-server.com/"},
        {**NEW, "name": 7},
        {**NEW, "name": "x" * 201},
    ],
)
async def test_what_cannot_be_created(hooks: Hooks, body: object) -> None:
    """A webhook needs a name, a URL and one event type of the catalogue."""
    assert (await hooks.tries("POST", body=body))[0] == 400


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[" * 100_000])
async def test_what_is_no_json(hooks: Hooks, text: bytes) -> None:
    """A body that cannot be read is refused as any other."""
    answer = await hooks.client.post("/hooks", content=text)
    assert (answer.status_code, set(answer.json())) == (400, {"status", "message"})


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=many"])
async def test_impossible_pages(hooks: Hooks, query: str) -> None:
    """A page has 1 to 200 webhooks."""
    assert (await hooks.tries("GET", f"?{query}"))[0] == 400


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/rotate"),
        ("POST", "/test"),
        ("GET", "/executions"),
    ],
)
async def test_another_customers_webhook(hooks: Hooks, server: ServerProcess, method: str, rest: str) -> None:
    """It is not there, whatever one asks of it."""
    async with tenant_of(server, COMPANY) as other:
        made = await other.register(URL, event_types=[CHANGED])
    said = await hooks.tries(method, f"/{made['id']}{rest}", {})
    assert said == (404, "There is no webhook with this id.")


# Keys


@pytest.mark.proves("TT-12")
async def test_prefix(company: Company) -> None:
    """A key of the customer's begins with api-."""
    assert company.key.startswith("api-")


@pytest.mark.proves("TT-12")
@pytest.mark.parametrize("header", ["", "Bearer api-unknown", "Basic YTpi"])
async def test_without_a_key(hooks: Hooks, header: str) -> None:
    """Without a valid key nothing is answered."""
    hooks.client.headers["Authorization"] = header
    assert (await hooks.tries("GET"))[0] == 401


async def test_key_of_another_company(hooks: Hooks, server: ServerProcess) -> None:
    """A key of another contract's tenant is none here."""
    async with tenant_of(server, "standard") as other:
        await with_key(hooks, other.key)
    assert (await hooks.tries("GET"))[0] == 401


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        ("webhooks:read", [200, 403, 403, 403, 403, 403, 403]),
        ("webhooks:write", [403, 201, 200, 200, 200, 403, 403]),
        ("events:read", [403, 403, 403, 403, 403, 200, 403]),
        ("webhooks:delete", [403, 403, 403, 403, 403, 403, 204]),
    ],
)
async def test_rights(hooks: Hooks, receiver: Receiver, right: str, allowed: list[int]) -> None:
    """A key does what its permission says, and nothing more."""
    id = (await hooks.create(receiver.url))["id"]
    await with_key(hooks, await hooks.company.new_key(right))
    calls = [
        ("GET", "", None),
        ("POST", "", NEW),
        ("PUT", f"/{id}", {"name": "x"}),
        ("POST", f"/{id}/rotate", None),
        ("POST", f"/{id}/test", None),
        ("GET", f"/{id}/executions", None),
        ("DELETE", f"/{id}", None),
    ]
    assert [(await hooks.tries(*one))[0] for one in calls] == allowed


# The catalogue


@pytest.mark.proves("TT-1")
async def test_catalogue(hooks: Hooks) -> None:
    """There are 23 event types, about orders, shipments and inventory."""
    found = (await hooks.client.get("/events")).json()
    kinds = [one["kind"] for one in found["results"]]
    about = {kind.partition(".")[0] for kind in kinds}
    assert (len(set(kinds)), found["total"], about) == (23, 23, {"order", "shipment", "inventory"})


@pytest.mark.proves("TT-3", part="by API")
@pytest.mark.parametrize("kind", builtin(COMPANY).catalogue)
async def test_details(hooks: Hooks, kind: str) -> None:
    """Each has a title, a description, a schema, and as an example a whole body."""
    found = (await hooks.client.get(f"/events/{kind}")).json()
    said = [bool(found[name]) for name in ("title", "description", "schema")]
    assert (said, list(found["example"])[:4]) == ([True] * 3, ["id", "kind", "time", "transactionId"])


@pytest.mark.proves("TT-3", part="by CLI")
async def test_catalogue_of_the_command(company: Company, tmp_path: Path) -> None:
    """The company's command lists the same types."""
    install(tmp_path)
    found = run("tt event-types", company, tmp_path)["data"]
    assert {one["name"] for one in found} == set(builtin(COMPANY).catalogue)


@pytest.mark.proves("TT-3", part="what the app asks for")
async def test_native_catalogue(hooks: Hooks) -> None:
    """The native API has the same catalogue."""
    found = await hooks.company.ask("GET", "event-types", limit=200)
    assert {one["name"] for one in found["data"]} == set(builtin(COMPANY).catalogue)


async def test_unknown_event_type(hooks: Hooks) -> None:
    """What is not in the catalogue is not there."""
    answer = await hooks.client.get("/events/order.exploded")
    assert answer.json() == {"status": 404, "message": "There is no event type 'order.exploded'."}
