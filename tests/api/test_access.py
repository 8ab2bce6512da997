"""Every route of the document, with the wrong key and with none."""

from typing import Any

import pytest

from hookferry.model import Permission
from tests.api.conftest import Client, NewClient

IDS = {"id": "ep_000000000000000000000000000a", "name": "order.created"}


async def operations(client: Client) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of every route that needs a key."""
    document = (await client.get("/openapi.json")).json()
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "security" in operation
    ]


def filled(path: str, tenant: str = "demo") -> str:
    return path.format(tenant=tenant, **IDS)


async def call(client: Client, method: str, path: str, operation: dict[str, Any]) -> int:
    """The status of a request with a well-formed body."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answer = await client.request(method, path, json=content.get("example"))
    return answer.status_code


async def test_without_key(nobody: Client) -> None:
    """Without a key every route answers 401."""
    answers = {
        (method, path): await call(nobody, method, filled(path), operation)
        for method, path, operation in await operations(nobody)
    }
    assert answers == dict.fromkeys(answers, 401)


@pytest.mark.parametrize("permissions", [(), (Permission.ADMIN,)])
async def test_foreign_key(
    new_client: NewClient, nobody: Client, permissions: tuple[Permission, ...]
) -> None:
    """With another tenant's key every route of a tenant answers 404, and an operator's route 403."""
    foreign = await new_client("other", *permissions)
    wrong = {}
    for method, path, operation in await operations(nobody):
        if "{tenant}" in path:
            wanted = 403 if operation["x-permission"] == "operator" else 404
            status = await call(foreign, method, filled(path), operation)
            if status != wanted:
                wrong[method, path] = status
    assert wrong == {}


async def test_operators_routes(new_client: NewClient, nobody: Client) -> None:
    """A tenant's admin key is refused what only an operator may do."""
    admin = await new_client("demo", Permission.ADMIN)
    answers = {
        (method, path): await call(admin, method, filled(path), operation)
        for method, path, operation in await operations(nobody)
        if operation["x-permission"] == "operator"
    }
    assert answers == dict.fromkeys(answers, 403)


@pytest.mark.parametrize("permission", [one for one in Permission if one is not Permission.ADMIN])
async def test_lacking_permission(new_client: NewClient, nobody: Client, permission: Permission) -> None:
    """A key is refused every route that asks for a permission which it lacks."""
    client = await new_client("demo", permission)
    answers = {
        (method, path): await call(client, method, filled(path), operation)
        for method, path, operation in await operations(nobody)
        if operation["x-permission"] not in (permission, "any key")
    }
    assert answers == dict.fromkeys(answers, 403)


async def test_foreign_objects(demo: Client, operator: Client) -> None:
    """An endpoint's id under another tenant is not found."""
    body = {"url": "https://example.com/"}
    mine = (await operator.post("/v1/tenants/other/endpoints", json=body)).json()["id"]
    assert (await demo.get(f"/v1/tenants/demo/endpoints/{mine}")).status_code == 404


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "hf_key", "Bearer hf_wrong", "Bearer é"]
)
async def test_bad_header(nobody: Client, header: str) -> None:
    """Whatever is no valid key gets 401, and is told how to send one."""
    answer = await nobody.get("/v1/tenants", headers=[(b"Authorization", header.encode())])
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_scheme_in_any_case(nobody: Client) -> None:
    """The word Bearer may be written in any case (RFC 9110, section 11.1)."""
    headers = {"Authorization": "bEARER an admin key of forty characters, or more"}
    assert (await nobody.get("/v1/tenants", headers=headers)).status_code == 200
