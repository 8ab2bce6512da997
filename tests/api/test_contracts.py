"""/v1/contracts, and tenants that are moved between versions."""

from typing import Any

import pytest

from hookferry.contracts import builtin
from hookferry.contracts.load import builtin_names
from tests.api.conftest import Client
from tests.support.contracts import acme

FIRST, SECOND = acme("one"), acme("two")
SAMPLE = {"type": "order.created", "payload": {"order": 17}}


async def uploaded(client: Client, text: str = FIRST, **more: str) -> Any:
    """A contract's answer; it must be accepted."""
    answer = await client.post("/v1/contracts", json={"text": text, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def tenant(client: Client, **fields: str) -> Any:
    return (await client.post("/v1/tenants", json={"id": "a", "name": "A", **fields})).json()


async def test_list(operator: Client) -> None:
    """Each name with its source, its version and how many tenants are at each."""
    await uploaded(operator)
    found = {row["name"]: row for row in (await operator.get("/v1/contracts?limit=200")).json()["data"]}
    version = builtin("standard").version
    assert (found["standard"]["source"], found["standard"]["versions"]) == (
        "built-in",
        [{"version": version, "tenants": 2}],
    )
    assert (found["acme"]["source"], found["acme"]["versions"][0]["tenants"]) == ("uploaded", 0)


async def test_a_tenants_key_counts_itself_alone(demo: Client) -> None:
    """How many customers there are is nobody else's business."""
    assert (await demo.get("/v1/contracts/standard")).json()["versions"][0]["tenants"] == 1


@pytest.mark.parametrize("way", ["", "/preview"])
async def test_a_company_s_own_contract_is_its_own(operator: Client, demo: Client, way: str) -> None:
    """What another company has written down, a secret in its vectors maybe, is no tenant's to read."""
    await uploaded(operator)
    method = "POST" if way else "GET"
    answer = await demo.request(method, f"/v1/contracts/acme{way}", json=SAMPLE if way else None)
    assert answer.status_code == 404


async def test_list_of_a_tenant(operator: Client, demo: Client) -> None:
    """A tenant's key sees what comes with Hookferry, and not what other companies have."""
    await uploaded(operator)
    found = {row["name"] for row in (await demo.get("/v1/contracts?limit=200")).json()["data"]}
    assert found == set(builtin_names())


async def test_own_contract_without_vectors(operator: Client, new_client: Any) -> None:
    """A tenant reads its own contract; the vectors are the operator's."""
    await uploaded(operator)
    await tenant(operator, contract="acme")
    found = (await (await new_client("a")).get("/v1/contracts/acme")).json()
    assert (found["text"], found["vectors"]) == (FIRST, None)


async def test_upload(operator: Client) -> None:
    """The answer has the text as it is kept."""
    answer = await uploaded(operator)
    assert (answer["name"], answer["title"], answer["text"]) == ("acme", "one", FIRST)


async def test_versions(operator: Client) -> None:
    """The latest comes first; each can be read."""
    first, second = await uploaded(operator), await uploaded(operator, SECOND)
    read = (await operator.get(f"/v1/contracts/acme?version={first['version']}")).json()
    assert [one["version"] for one in second["versions"]] == [second["version"], first["version"]]
    assert (read["text"], read["title"]) == (FIRST, "one")


async def test_upload_is_the_operators(demo: Client) -> None:
    """A tenant's key cannot upload."""
    assert (await demo.post("/v1/contracts", json={"text": FIRST})).status_code == 403


@pytest.mark.parametrize(
    ("body", "field", "place"),
    [
        ({"text": FIRST.replace("[body]", "[boddy]")}, "text", "contract.toml:"),
        ({"text": "name = "}, "text", "contract.toml:1:"),
        ({"text": FIRST, "vectors": "[[request]]\ntime = 1\n"}, "vectors", "contract.vectors.toml:2:"),
    ],
)
async def test_invalid(operator: Client, body: dict[str, str], field: str, place: str) -> None:
    """What is wrong is said with its line."""
    answer = await operator.post("/v1/contracts", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "invalid_contract", field)
    assert problem["detail"].startswith(place)


async def test_a_taken_name(operator: Client) -> None:
    """A built-in contract's name is taken."""
    text = FIRST.replace('name = "acme"', 'name = "standard"')
    answer = await operator.post("/v1/contracts", json={"text": text})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")


async def test_pin_and_move(operator: Client) -> None:
    """A tenant shows its version, which changes when it is moved."""
    first = await uploaded(operator)
    made = await tenant(operator, contract="acme")
    second = await uploaded(operator, SECOND)
    stays = (await operator.get("/v1/tenants/a")).json()
    moved = (await operator.patch("/v1/tenants/a", json={"contract_version": "latest"})).json()
    assert [one["contract_version"] for one in (made, stays, moved)] == [
        first["version"],
        first["version"],
        second["version"],
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_words_are_for_their_own(operator: Client, demo: Client, nobody: Client, method: str) -> None:
    """What a contract calls errors does not tell strangers that there is a tenant which has it."""
    errors = 'not_found = "NO"\nunauthenticated = "NO"'
    await uploaded(operator, f"{FIRST}\n[errors]\n{errors}\n")
    await tenant(operator, contract="acme")
    answers = [await one.request(method, "/v1/tenants/a/events", json=SAMPLE) for one in (demo, nobody)]
    assert ["contract_code" in answer.json() for answer in answers] == [False, False]


async def test_its_own_words(operator: Client, new_client: Any) -> None:
    """A tenant is told what its contract calls an error."""
    await uploaded(operator, f'{FIRST}\n[errors]\nnot_found = "NO"\nmalformed = "BAD"\n')
    await tenant(operator, contract="acme")
    own = await new_client("a")
    answers = [await own.get("/v1/tenants/a/events/evt_1"), await own.post("/v1/tenants/a/events")]
    assert [answer.json()["contract_code"] for answer in answers] == ["NO", "BAD"]


async def test_move_to_nothing(operator: Client) -> None:
    """A version that is not there is refused, with its field."""
    answer = await operator.patch("/v1/tenants/demo", json={"contract_version": "0123456789ab"})
    assert (answer.status_code, answer.json()["field"]) == (422, "contract_version")


async def test_move_that_would_lose_secrets(operator: Client) -> None:
    """A version that cannot read the endpoints' secrets is a conflict, and nothing moves."""
    first = await uploaded(operator)
    await tenant(operator, contract="acme")
    await operator.post("/v1/tenants/a/endpoints", json={"url": "https://example.com/"})
    await uploaded(operator, acme("two", prefix="other_"))
    answer = await operator.patch("/v1/tenants/a", json={"contract_version": "latest"})
    stays = (await operator.get("/v1/tenants/a")).json()["contract_version"]
    assert (answer.status_code, answer.json()["code"], stays) == (409, "conflict", first["version"])


async def test_move_that_would_need_secrets(operator: Client) -> None:
    """A version that needs secrets where an endpoint has none is a conflict: nothing could be sent to it."""
    optional = '[secret]\nrequired = false\ngiver = "customer"'
    await uploaded(operator, FIRST.replace("[secret]", optional))
    await tenant(operator, contract="acme")
    await operator.post("/v1/tenants/a/endpoints", json={"url": "https://example.com/"})
    await uploaded(operator, SECOND)
    answer = await operator.patch("/v1/tenants/a", json={"contract_version": "latest"})
    assert (answer.status_code, answer.json().get("field")) == (409, "contract_version")


async def test_a_refused_move_shows_no_secret(operator: Client) -> None:
    """The answer says what is wrong with a secret, not the secret."""
    await uploaded(operator)
    await tenant(operator, contract="acme")
    made = (await operator.post("/v1/tenants/a/endpoints", json={"url": "https://example.com/"})).json()
    await uploaded(operator, acme("two", prefix="other_"))
    answer = await operator.patch("/v1/tenants/a", json={"contract_version": "latest"})
    assert made["secret"] not in answer.text


async def test_tenants_move_nothing_themselves(new_client: Any) -> None:
    """The operator alone moves a tenant."""
    admin = await new_client("demo", "admin")
    assert (await admin.patch("/v1/tenants/demo", json={"contract_version": "latest"})).status_code == 403


async def test_a_status_that_stays(operator: Client) -> None:
    """Where a contract lets nobody change the status, an endpoint cannot be paused."""
    await uploaded(operator, FIRST.replace("[subscription]", '[subscription]\nmutable = ["url"]'))
    await tenant(operator, contract="acme")
    made = (await operator.post("/v1/tenants/a/endpoints", json={"url": "https://example.com/"})).json()
    paths = [f"/v1/tenants/a/endpoints/{made['id']}/{word}" for word in ("pause", "resume")]
    assert [(await operator.post(path)).status_code for path in paths] == [422, 200]


async def test_a_key_pair_that_is_needed(operator: Client) -> None:
    """Where a contract signs each request with Ed25519, each endpoint has a key pair, asked for or not."""
    await uploaded(operator, FIRST.replace("optional = true", "optional = false"))
    await tenant(operator, contract="acme")
    made = (await operator.post("/v1/tenants/a/endpoints", json={"url": "https://example.com/"})).json()
    assert made["public_key"].startswith("whpk_")


async def test_delete(operator: Client) -> None:
    """One that no tenant has goes; one that a tenant has stays."""
    await uploaded(operator)
    await tenant(operator, contract="acme")
    taken = (await operator.delete("/v1/contracts/acme")).status_code
    await operator.delete("/v1/tenants/a")
    free = (await operator.delete("/v1/contracts/acme")).status_code
    assert (taken, free, (await operator.get("/v1/contracts/acme")).status_code) == (409, 200, 404)


async def test_preview(demo: Client) -> None:
    """The request as it would be sent, with example ids."""
    answer = (await demo.post("/v1/contracts/standard/preview", json=SAMPLE)).json()
    assert (answer["method"], answer["url"]) == ("POST", "https://example.com/webhooks")
    assert answer["body"].endswith('"data":{"order":17}}')
    assert answer["headers"]["webhook-signature"].startswith("v1,")


async def test_preview_verifies(operator: Client) -> None:
    """It is signed with the secret that was given."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    answer = (await operator.post("/v1/contracts/standard/preview", json={**SAMPLE, "secret": secret})).json()
    now = int(answer["headers"]["webhook-timestamp"]) * 1000
    builtin("standard").verify(answer["headers"], answer["body"].encode(), [secret], now)


async def test_preview_of_a_version(operator: Client) -> None:
    """Any version can be looked at before a tenant is moved to it."""
    first = await uploaded(operator)
    await uploaded(operator, SECOND)
    asked = {**SAMPLE, "version": first["version"]}
    answer = (await operator.post("/v1/contracts/acme/preview", json=asked)).json()
    assert answer["headers"]["x-acme"] == "one"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"attempt": 99}, "attempt"),
        ({"attempt": 0}, "attempt"),
        ({"secret": "short"}, "secret"),
        ({"type": ""}, "type"),
        ({"changes": {"a": 1}}, "changes"),
    ],
)
async def test_a_faulty_preview(operator: Client, more: dict[str, Any], field: str) -> None:
    """The field that is wrong is named."""
    answer = await operator.post("/v1/contracts/standard/preview", json={**SAMPLE, **more})
    assert (answer.status_code, answer.json()["field"].partition("[")[0]) == (422, field)


async def test_preview_of_too_much(demo: Client) -> None:
    """A payload that could not be published is not previewed."""
    more = {**SAMPLE, "payload": "x" * 256 * 1024}
    assert (await demo.post("/v1/contracts/opentrack/preview", json=more)).status_code == 413


async def test_preview_of_what_a_contract_cannot_carry(operator: Client) -> None:
    """As at publish: the field is named."""
    await uploaded(operator, FIRST.replace('style = "raw"', 'style = "javascript"'))
    answer = await operator.post(
        "/v1/contracts/acme/preview", content=b'{"type":"a","payload":12345678901234567891}'
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "payload")
