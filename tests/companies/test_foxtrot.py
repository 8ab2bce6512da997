"""Foxtrot: webhooks, managed over its own API as its document says (FX-1 to FX-20, FX-24 to FX-30)."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.companies.company import Company, tenant_of
from tests.companies.foxtrot import (
    ANSWER,
    CREATED,
    KNOWN,
    LIST,
    NEW,
    STARTED,
    URL,
    Webhooks,
    literally,
    refused,
)
from tests.support.process import ServerProcess

COMPANY = "foxtrot"
BOTH = pytest.mark.parametrize("method", ["PATCH", "PUT"])


@pytest.fixture
async def webhooks(company: Company) -> AsyncIterator[Webhooks]:
    """A customer of Foxtrot's."""
    async with company.caller({"Authorization": f"Bearer {company.key}"}) as client:
        yield Webhooks(client, company)


# The document's answers


@pytest.mark.proves("FX-2", "FX-6", "FX-8", "FX-9", "FX-11", "FX-12", "FX-13", "FX-14", "FX-15")
async def test_create_as_written(webhooks: Webhooks) -> None:
    """A webhook is created with the document's parameters and answered as there, with 200."""
    answer = await webhooks.ask("POST", body=NEW)
    id = answer.json()["data"]["webhook"]["id"]
    assert (answer.status_code, answer.text) == (200, literally(ANSWER, id))


@pytest.mark.proves("FX-1", "FX-6", "FX-7", "FX-9")
async def test_list_as_written(webhooks: Webhooks) -> None:
    """The list of one webhook is the document's."""
    made = await webhooks.add(dc_ids=["1", "2", "3"])
    answer = await webhooks.ask("GET")
    assert (answer.status_code, answer.text) == (200, literally(LIST, made["id"]))


@pytest.mark.proves("FX-3", "FX-4", "FX-6", "FX-24", "FX-27")
@BOTH
async def test_update_as_written(webhooks: Webhooks, method: str) -> None:
    """`enabled` is taken, and the answer is the document's."""
    made = await webhooks.add(**NEW)
    await webhooks.enable(made["id"], False)
    answer = await webhooks.ask(method, f"/{made['id']}", {"enabled": True})
    assert (answer.status_code, answer.text) == (200, literally(ANSWER, made["id"]))


@pytest.mark.proves("FX-5", "FX-29", part="the body: we decide")
async def test_delete(webhooks: Webhooks) -> None:
    """A deleted webhook is gone, and the answer is a success."""
    made = await webhooks.add()
    answer = await webhooks.ask("DELETE", f"/{made['id']}")
    assert (answer.status_code, answer.text, await webhooks.list()) == (
        200,
        '{"status":"success","data":{}}',
        [],
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl(webhooks: Webhooks) -> None:
    """A call works as one types it."""
    words = ["--silent", "-H", f"Authorization: Bearer {webhooks.company.key}", "-d", json.dumps(NEW)]
    url = f"{webhooks.company.server.url}/webhooks"
    curl = await asyncio.create_subprocess_exec("curl", *words, url, stdout=asyncio.subprocess.PIPE)
    said, _ = await curl.communicate()
    assert json.loads(said)["data"]["webhook"]["url"] == URL


# Lists


@pytest.mark.proves("FX-1", part="an empty list")
async def test_none(webhooks: Webhooks) -> None:
    """An account without webhooks has an empty list."""
    assert (await webhooks.ask("GET")).json() == {"status": "success", "data": {"webhooks": []}}


@pytest.mark.proves("FX-7", part="no paging")
async def test_all_at_once(webhooks: Webhooks) -> None:
    """However many there are, one answer has them all."""
    made = [(await webhooks.add(f"{URL}/{number}"))["id"] for number in range(60)]
    assert sorted(one["id"] for one in await webhooks.list()) == sorted(made)


@pytest.mark.proves("FX-10")
async def test_ids_are_texts(webhooks: Webhooks) -> None:
    """A webhook's id and those of its DCs are strings, and stay as they are."""
    made = await webhooks.add(dc_ids=["1", "dc-ö", "007"])
    assert (type(made["id"]), made["dc_ids"]) == (str, ["1", "dc-ö", "007"])


# What is created


@pytest.mark.proves("FX-11", part="no DCs: we decide")
async def test_without_dcs(webhooks: Webhooks) -> None:
    """A webhook without DCs is for all of them, and shows none."""
    assert (await webhooks.add())["dc_ids"] == []


@pytest.mark.proves("FX-15", part="whatever else the request says")
async def test_new_ones_are_enabled(webhooks: Webhooks) -> None:
    """A new webhook is enabled; what `POST` does not take is ignored."""
    assert (await webhooks.add(enabled=False, id="mine", colour="red"))["enabled"] is True


@pytest.mark.proves("FX-19")
@pytest.mark.parametrize("url", ["http://example.com/webhook", "https://example.com:8443/a?b=c"])
async def test_schemes(webhooks: Webhooks, url: str) -> None:
    """http and https are taken."""
    assert (await webhooks.add(url))["url"] == url


@pytest.mark.proves("FX-16", "FX-17", "FX-19")
@pytest.mark.parametrize(
    "url", ["", "example.com/webhook", "/webhook", "//example.com/", "ftp://example.com/", "https://"]
)
async def test_urls_that_are_not_whole(webhooks: Webhooks, url: str) -> None:
    """A URL that is not fully formed is refused, with its number."""
    answer = await webhooks.ask("POST", body={**NEW, "webhook_url": url})
    assert (refused(answer), await webhooks.list()) == ((400, 1001), [])


@pytest.mark.proves("FX-20")
async def test_several_types(webhooks: Webhooks) -> None:
    """One webhook is for several event types, each once."""
    assert (await webhooks.add(events=[*KNOWN, CREATED]))["events"] == KNOWN


@pytest.mark.proves("FX-16", "FX-17")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"events": []}, 1002),
        ({"events": ["ROUTE_EXPLODED"]}, 1002),
        ({"events": ["route_created"]}, 1002),
        ({"events": [""]}, 1002),
        ({"dc_ids": []}, 1003),
        ({"dc_ids": ["a\nb"]}, 1003),
        ({"dc_ids": [str(number) for number in range(1001)]}, 1003),
        ({"webhook_url": None}, 1000),
        ({"webhook_url": 7}, 1000),
        ({"events": "ROUTE_CREATED"}, 1000),
        ({"events": [7]}, 1000),
        ({"events": None}, 1000),
        ({"dc_ids": None}, 1000),
        ({"dc_ids": "1"}, 1000),
        ({"dc_ids": [1]}, 1000),
    ],
)
async def test_invalid_parameters(webhooks: Webhooks, change: Any, code: int) -> None:
    """An invalid parameter is a 400 with the number of what is wrong, and nothing is created."""
    answer = await webhooks.ask("POST", body={**NEW, **change})
    assert (refused(answer), await webhooks.list()) == ((400, code), [])


@pytest.mark.proves("FX-11", "FX-16", "FX-17")
@pytest.mark.parametrize("missing", ["webhook_url", "events"])
async def test_missing_parameters(webhooks: Webhooks, missing: str) -> None:
    """A URL and event types are needed."""
    body = {name: value for name, value in NEW.items() if name != missing}
    assert refused(await webhooks.ask("POST", body=body)) == (400, 1000)


@pytest.mark.proves("FX-16", "FX-17", part="bodies that cannot be read")
@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b"webhook_url=x"])
async def test_what_is_no_object(webhooks: Webhooks, text: bytes) -> None:
    """A body that is no JSON object is refused as any other."""
    assert refused(await webhooks.client.post("/webhooks", content=text)) == (400, 1000)


@pytest.mark.proves("FX-16", "FX-17", part="bodies that are too large")
async def test_what_is_too_large(webhooks: Webhooks) -> None:
    """So is one of more than a MiB."""
    answer = await webhooks.client.post("/webhooks", content=b" " * (1024 * 1024 + 1))
    assert refused(answer) == (400, 1000)


# What is changed


@pytest.mark.proves("FX-24", "FX-27")
@BOTH
async def test_there_and_back(webhooks: Webhooks, method: str) -> None:
    """A webhook is disabled and enabled, and asking for what it is already changes nothing."""
    id = (await webhooks.add())["id"]
    wanted = [False, False, True, True]
    answers = [(await webhooks.ask(method, f"/{id}", {"enabled": one})).json() for one in wanted]
    assert [answer["data"]["webhook"]["enabled"] for answer in answers] == wanted


@pytest.mark.proves("FX-25", "FX-27")
@BOTH
@pytest.mark.parametrize("dcs", [{}, {"dc_ids": ["1", "2"]}])
async def test_whole_object(webhooks: Webhooks, method: str, dcs: Any) -> None:
    """The whole object may come back with another `enabled`; that of all DCs too."""
    wanted = {**await webhooks.add(**dcs), "enabled": False}
    answer = await webhooks.ask(method, f"/{wanted['id']}", wanted)
    assert (answer.status_code, answer.json()["data"]["webhook"], await webhooks.list()) == (
        200,
        wanted,
        [wanted],
    )


@pytest.mark.proves("FX-25", part="unchanged ones in other words")
@pytest.mark.parametrize(
    "same",
    [
        {"webhook_url": URL},
        {"url": "HTTPS://EXAMPLE.COM:443/webhook"},
        {"events": [STARTED, CREATED]},
        {"dc_ids": ["3", "2", "1"]},
        {"colour": "red"},
    ],
)
async def test_same_in_other_words(webhooks: Webhooks, same: Any) -> None:
    """Another order or spelling is no other value; fields that there are not are ignored."""
    made = await webhooks.add(**NEW)
    answer = await webhooks.ask("PATCH", f"/{made['id']}", {"enabled": True, **same})
    assert answer.json()["data"]["webhook"] == made


@pytest.mark.proves("FX-16", "FX-25")
@BOTH
@pytest.mark.parametrize(
    "change",
    [
        {"id": "another"},
        {"url": "https://example.com/other"},
        {"webhook_url": "https://example.com/other"},
        {"events": [CREATED]},
        {"events": []},
        {"dc_ids": ["1"]},
        {"dc_ids": []},
    ],
)
async def test_what_cannot_change(webhooks: Webhooks, method: str, change: Any) -> None:
    """Another value of any other field is refused, and nothing changes."""
    made = await webhooks.add(**NEW)
    answer = await webhooks.ask(method, f"/{made['id']}", {**made, "enabled": False, **change})
    assert (refused(answer), await webhooks.list()) == ((400, 1004), [made])


@pytest.mark.proves("FX-16", "FX-24", part="what `enabled` may be")
@BOTH
@pytest.mark.parametrize("change", [{}, {"enabled": "false"}, {"enabled": 0}, {"enabled": None}, [], None])
async def test_enabled_is_a_boolean(webhooks: Webhooks, method: str, change: Any) -> None:
    """A change needs `enabled`, and that is true or false."""
    made = await webhooks.add()
    assert refused(await webhooks.ask(method, f"/{made['id']}", change)) == (400, 1000)


@pytest.mark.proves("FX-25", part="the native API too")
async def test_native_change(webhooks: Webhooks) -> None:
    """Nor does the native API change what cannot change, for the operator neither."""
    made = await webhooks.add()
    path = webhooks.company.path(f"endpoints/{made['id']}")
    answer = await webhooks.company.client.patch(path, json={"event_types": [CREATED]})
    assert (answer.status_code, answer.json()["field"]) == (422, "event_types")


@pytest.mark.proves("FX-26")
async def test_delete_and_add_another(webhooks: Webhooks) -> None:
    """To change more, one deletes the webhook and adds another with the same URL at once."""
    made = await webhooks.add(events=[CREATED])
    await webhooks.ask("DELETE", f"/{made['id']}")
    again = await webhooks.add(events=[STARTED])
    assert ([again], again["url"], again["id"] == made["id"]) == (await webhooks.list(), made["url"], False)


async def test_same_url_twice(webhooks: Webhooks) -> None:
    """A URL may be registered more than once."""
    await webhooks.add()
    await webhooks.add()
    assert [one["url"] for one in await webhooks.list()] == [URL, URL]


# What is not there


@pytest.mark.proves("FX-28", "FX-30")
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_unknown_id(webhooks: Webhooks, method: str) -> None:
    """An unknown id is a 404."""
    assert refused(await webhooks.ask(method, "/the-webhook-identifier", {"enabled": True})) == (404, 1200)


@pytest.mark.proves("FX-30")
async def test_deleted_twice(webhooks: Webhooks) -> None:
    """So is one that was deleted."""
    id = (await webhooks.add())["id"]
    answers = [await webhooks.ask("DELETE", f"/{id}") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 404]


@pytest.mark.proves("FX-28", "FX-30", part="another account's")
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_of_others(webhooks: Webhooks, server: ServerProcess, method: str) -> None:
    """Another account's webhook is not there."""
    async with tenant_of(server, COMPANY) as other:
        made = await other.register(URL, event_types=[CREATED])
    assert refused(await webhooks.ask(method, f"/{made['id']}", {"enabled": False})) == (404, 1200)


@pytest.mark.parametrize("base", ["", "/foxtrot"])
@pytest.mark.parametrize(
    ("method", "path", "said"),
    [("GET", "/routes", (404, 1200)), ("GET", "/webhooks/1", (405, 1201)), ("PUT", "/webhooks", (405, 1201))],
)
async def test_no_route(webhooks: Webhooks, base: str, method: str, path: str, said: tuple[int, int]) -> None:
    """What there is no route for is told in the same envelope."""
    assert refused(await webhooks.client.request(method, base + path)) == said


# Keys


@pytest.mark.proves("FX-18")
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody", "Basic YTpi", "Token token={}"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("PATCH", "/1"), ("PUT", "/1"), ("DELETE", "/1")],
)
async def test_invalid_key(webhooks: Webhooks, header: str, method: str, path: str) -> None:
    """Without a valid key each route is a 401."""
    webhooks.client.headers["Authorization"] = header.format(webhooks.company.key)
    assert refused(await webhooks.ask(method, path)) == (401, 1100)


@pytest.mark.proves("FX-18", part="a key of another company's")
async def test_key_of_another_company(webhooks: Webhooks, server: ServerProcess) -> None:
    """A key of another contract's tenant is none here."""
    async with tenant_of(server, "standard") as other:
        webhooks.client.headers["Authorization"] = f"Bearer {other.key}"
    assert refused(await webhooks.ask("GET")) == (401, 1100)


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        ("webhooks:read", [200, 403, 403, 403, 403]),
        ("webhooks:write", [403, 200, 200, 200, 403]),
        ("webhooks:delete", [403, 403, 403, 403, 200]),
        ("events:write", [403, 403, 403, 403, 403]),
    ],
)
async def test_rights(webhooks: Webhooks, right: str, allowed: list[int]) -> None:
    """A key does what its permission says, and nothing more."""
    id = (await webhooks.add())["id"]
    key = await webhooks.company.new_key(right)
    webhooks.client.headers["Authorization"] = f"Bearer {key}"
    change = {"enabled": False}
    calls = [("GET", "", None), ("POST", "", NEW), ("PATCH", f"/{id}", change), ("PUT", f"/{id}", change)]
    answers = [await webhooks.ask(*call) for call in [*calls, ("DELETE", f"/{id}", None)]]
    assert [answer.status_code for answer in answers] == allowed


async def test_forbidden(webhooks: Webhooks) -> None:
    """What a key may not do has a number of its own."""
    webhooks.client.headers["Authorization"] = f"Bearer {await webhooks.company.new_key('webhooks:read')}"
    assert refused(await webhooks.ask("POST", body=NEW)) == (403, 1101)


async def test_beside_others(webhooks: Webhooks) -> None:
    """The same API is below the contract's name, beside those of other companies."""
    assert (await webhooks.client.get("/foxtrot/webhooks")).status_code == 200
