"""What the API shows of secrets, by contract: always, once, or never, and then a public key."""

from typing import Any

import pytest

from hookferry.contracts.keys import public_der
from tests.api.conftest import Client
from tests.support.contracts import acme

ENDPOINTS = "/v1/tenants/a/endpoints"


async def registered(client: Client, contract: str, **fields: Any) -> Any:
    """A new tenant's new endpoint."""
    tenant = await client.post("/v1/tenants", json={"id": "a", "name": "A", "contract": contract})
    assert tenant.status_code == 201, tenant.text
    answer = await client.post(ENDPOINTS, json={"url": "https://example.com/", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def rotated(client: Client, id: str, **fields: Any) -> Any:
    return (await client.post(f"{ENDPOINTS}/{id}/rotate", json=fields)).json()


async def test_never(operator: Client) -> None:
    """A private key stays here: who registers gets the public one."""
    made = await registered(operator, "sendgrid")
    assert (made["secret"], bool(public_der(made["public_key"], "ecdsa-p256"))) == (None, True)


async def test_public_key_is_read_again(operator: Client) -> None:
    """The public key is in every answer about the endpoint."""
    made = await registered(operator, "sendgrid")
    read = (await operator.get(f"{ENDPOINTS}/{made['id']}")).json()
    (listed,) = (await operator.get(ENDPOINTS)).json()["data"]
    assert [read["public_key"], listed["public_key"]] == [made["public_key"]] * 2


async def test_rotate_a_key_pair(operator: Client) -> None:
    """A rotation shows the new public key, and no secret."""
    made = await registered(operator, "sendgrid")
    answer = await rotated(operator, made["id"])
    assert (answer["secret"], answer["public_key"] in (None, made["public_key"])) == (None, False)


async def test_never_is_not_asked_for(operator: Client) -> None:
    """Nobody can ask for it, the operator neither."""
    made = await registered(operator, "sendgrid")
    answer = await operator.get(f"{ENDPOINTS}/{made['id']}/secret")
    assert (answer.status_code, answer.json()["code"]) == (403, "secret_hidden")


async def test_once(operator: Client) -> None:
    """A secret that is shown once is not shown by the rotation that ends it."""
    once = acme().replace("[secret]", '[secret]\nreveal = "once"', 1)
    await operator.post("/v1/contracts", json={"text": once})
    made = await registered(operator, "acme")
    answer = await rotated(operator, made["id"], overlap=60)
    assert (bool(answer["secret"]), answer["previous"][0]["secret"]) == (True, None)


@pytest.mark.parametrize("contract", ["stripe", "sendgrid"])
async def test_no_ed25519(operator: Client, contract: str) -> None:
    """A key that nothing would be signed with is refused."""
    await registered(operator, contract)
    answer = await operator.post(ENDPOINTS, json={"url": "https://example.com/", "ed25519": True})
    assert (answer.status_code, answer.json()["field"]) == (422, "ed25519")
