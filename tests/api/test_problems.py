"""What callers do wrong, and how they are told."""

import ast
from pathlib import Path
from typing import Any

import pytest

from hookferry.api.problems import CODES, problem
from hookferry.api.publish import App
from hookferry.contracts import builtin
from hookferry.contracts.load import builtin_names
from hookferry.errors import HookferryError, Unavailable
from tests.api.conftest import Client, client_of, whole_app
from tests.support.services import ADMIN_KEY, House

DEEP = b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


async def post(client: Client, content: bytes, path: str = "/v1/tenants") -> tuple[int, str, str | None]:
    """Status, code and field of the answer to a body."""
    answer = await client.post(path, content=content)
    told = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, told["code"], told.get("field")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", (422, "invalid", "name")),
        (b"{", (400, "malformed", None)),
        (b"nonsense", (400, "malformed", None)),
        (b"[]", (422, "invalid", None)),
        (b'{"name":"\xff"}', (400, "malformed", None)),
        (b'{"name":"\\ud800"}', (400, "malformed", None)),
        (b'{"name":1}', (422, "invalid", "name")),
        (b'{"name":"a","id":"a\\u0000b"}', (422, "invalid", "id")),
        (b'{"name":"a\\u0000b"}', (422, "invalid", "name")),
        (b'{"name":"a","nmae":"b"}', (422, "invalid", "nmae")),
        (b'{"name":"a","contract":"nix"}', (422, "invalid", "contract")),
        (b'{"name":"a","id":"demo"}', (409, "already_exists", "id")),
        (DEEP, (422, "invalid", "name")),
        (b'{"name":"' + b"a" * 1024 * 1024 + b'"}', (413, "too_large", None)),
    ],
)
async def test_body(operator: Client, body: bytes, wanted: tuple[int, str, str | None]) -> None:
    """A bad body gets its status, a code and the field."""
    assert await post(operator, body) == wanted


@pytest.mark.parametrize(
    "deep", [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000]
)
async def test_deep(operator: Client, deep: bytes) -> None:
    """Nesting of 100,000 in a field of any JSON is refused."""
    body = b'{"name":"a","schema":' + deep + b"}"
    assert await post(operator, body, "/v1/event-types") == (400, "too_deep", None)


async def test_invalid_utf8_in_raw_json(operator: Client) -> None:
    """Invalid UTF-8 is found in what is kept as it is, too."""
    body = b'{"name":"a","example":"\xff"}'
    assert await post(operator, body, "/v1/event-types") == (400, "malformed", None)


async def test_nested_field(operator: Client) -> None:
    """A wrong type deep in a body is named by its path."""
    answer = await operator.post(
        "/v1/tenants/demo/endpoints", json={"url": "https://a.example/", "event_types": [1]}
    )
    assert answer.json()["field"] == "event_types[0]"


async def test_did_you_mean(operator: Client) -> None:
    """An unknown field is answered with what was probably meant."""
    answer = await operator.post("/v1/tenants", json={"nmae": "x"})
    assert "Did you mean `name`?" in answer.json()["detail"]


async def test_not_json(operator: Client) -> None:
    """A form is not JSON."""
    answer = await operator.post("/v1/tenants", data={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("type", ["application/json; charset=utf-8", "Application/JSON", "text/x+json"])
async def test_json_by_any_name(operator: Client, type: str) -> None:
    """JSON may be called so in several ways."""
    answer = await operator.post("/v1/tenants", content=b'{"name":"x"}', headers={"Content-Type": type})
    assert answer.status_code == 201


async def test_unknown_path(operator: Client) -> None:
    """An unknown path is a problem with a code, too."""
    answer = await operator.get("/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_wrong_method(operator: Client) -> None:
    """A wrong method is told which ones there are."""
    answer = await operator.put("/v1/tenants")
    assert (answer.status_code, "GET" in answer.headers["Allow"]) == (405, True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=***", "cursor"),
        ("cursor=aGVsbG8", "cursor"),
        ("since=yesterday", "since"),
        ("since=2026-01-01T00:00:00", "since"),
        ("status=held", "status[0]"),
        ("stauts=failed", "stauts"),
    ],
)
async def test_query(demo: Client, query: str, field: str) -> None:
    """A bad query names its parameter: a filter with a typing error must not show everything."""
    answer = await demo.get(f"/v1/tenants/demo/deliveries?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize("path", ["events/x", "deliveries/%00", "endpoints/ep_%FF", "deliveries/x/attempts"])
async def test_bad_id(demo: Client, path: str) -> None:
    """An id that is none is not found."""
    assert (await demo.get(f"/v1/tenants/demo/{path}")).status_code == 404


async def test_cut_short(app: App) -> None:
    """A caller that goes in the middle of its body is no bug of ours."""
    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    told: list[Any] = []

    async def receive() -> Any:
        return next(parts)

    async def send(message: Any) -> None:
        told.append(message)

    headers = [(b"authorization", b"Bearer " + ADMIN_KEY.encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/tenants", "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    assert told[0]["status"] == 400


def test_try_later() -> None:
    """A store that cannot write says when to try again."""
    status, headers, _ = problem(Unavailable("The disk is full."))
    assert (status, dict(headers)[b"retry-after"]) == (503, b"5")


def test_closed_set() -> None:
    """Every code that the source raises in an answer is in the published set."""
    answered = {one.__name__ for one in _subclasses(HookferryError) if one.status != 500}
    files = (Path(__file__).parents[2] / "src" / "hookferry").rglob("*.py")
    calls = [
        node for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)
    ]
    raised = {
        keyword.value.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in answered
        for keyword in call.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }
    assert raised <= CODES.keys()


def test_tree_in_closed_set() -> None:
    """Every error that can reach a caller has a code of the published set."""
    answered = [one for one in _subclasses(HookferryError) if one.status != 500]
    assert {one.code for one in answered} <= CODES.keys()


def _subclasses(type: type[HookferryError]) -> list[type[HookferryError]]:
    return [one for sub in type.__subclasses__() for one in (sub, *_subclasses(sub))]


async def test_bug(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A bug answers 500 without a trace, and its words, which may quote a secret, stay out of the log."""
    secret = "whsec_" + "secret"

    async def metrics() -> bytes:
        raise RuntimeError(secret)

    async with client_of(whole_app(house, metrics)) as client:
        answer = await client.get("/metrics")
    logged = capsys.readouterr()
    assert answer.json()["code"] == "internal"
    assert secret not in answer.text + logged.out + logged.err


async def test_no_guessing(nobody: Client) -> None:
    """Errors too are marked against guessing of their type."""
    assert (await nobody.get("/nothing")).headers["X-Content-Type-Options"] == "nosniff"


async def test_secrets_are_not_kept(demo: Client) -> None:
    """No cache keeps what may hold a secret."""
    assert (await demo.get("/v1/tenants")).headers["Cache-Control"] == "no-store"


async def test_key_is_not_repeated(nobody: Client) -> None:
    """A key never comes back in an error."""
    answer = await nobody.get("/v1/tenants", headers={"Authorization": f"Bearer {ADMIN_KEY}x"})
    assert ADMIN_KEY not in answer.text


@pytest.mark.parametrize("name", builtin_names())
def test_codes_of_contracts(name: str) -> None:
    """Contracts give names to errors that there are."""
    assert builtin(name).errors.keys() <= CODES.keys()


async def test_no_code_of_the_contract(demo: Client) -> None:
    """Without a word of the contract's there is no `contract_code`."""
    answer = await demo.post("/v1/tenants/demo/endpoints", json={"url": "x"})
    assert "contract_code" not in answer.json()
