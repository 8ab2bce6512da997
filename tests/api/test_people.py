"""Features, roles, members and their keys over HTTP, on a real socket."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hookferry.api.publish import App
from tests.api.conftest import Client
from tests.support.server import served
from tests.support.services import ADMIN_KEY

ROLES, MEMBERS, ENDPOINTS = (f"/v1/tenants/demo/{kind}" for kind in ("roles", "members", "endpoints"))
HOOK = {"url": "https://example.com/"}


class World:
    """The served API. `as_` speaks with a key."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def as_(self, key: str, method: str, path: str, json: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"}
        return await self._client.request(method, path, json=json, headers=headers)

    async def operator(self, method: str, path: str, json: object = None) -> Any:
        """What the operator is answered. It must succeed."""
        answer = await self.as_(ADMIN_KEY, method, path, json)
        assert answer.is_success, answer.text
        return answer.json()

    async def key(self, **wanted: Any) -> str:
        """A new key's text."""
        return str((await self.operator("POST", "/v1/keys", wanted))["key"])


@pytest.fixture
async def world(app: App) -> AsyncIterator[World]:
    async with served(app) as url, Client(base_url=url) as client:
        yield World(client)


@pytest.fixture
async def admin(world: World) -> str:
    """The key of the tenant's admin."""
    return await world.key(tenant="demo", permissions=["admin"])


@pytest.fixture
async def role(world: World, admin: str) -> str:
    """The id of a role that reads endpoints, made by the tenant's admin."""
    wanted = {"name": "Reader", "permissions": ["webhooks:read"]}
    return str((await world.as_(admin, "POST", ROLES, wanted)).json()["id"])


@pytest.fixture
async def ada(world: World, admin: str, role: str) -> str:
    """The id of a member with the role."""
    return str((await world.as_(admin, "POST", MEMBERS, {"name": "Ada", "role": role})).json()["id"])


@pytest.fixture
async def adas_key(world: World, admin: str, ada: str) -> str:
    """The text of a member's key, made by the tenant's admin."""
    return str((await world.as_(admin, "POST", "/v1/keys", {"member": ada})).json()["key"])


async def test_role(world: World, admin: str, role: str) -> None:
    """A role shows as it was made."""
    shown = (await world.as_(admin, "GET", f"{ROLES}/{role}")).json()
    assert {**shown, "created_at": ""} == {
        "id": role,
        "name": "Reader",
        "permissions": ["webhooks:read"],
        "created_at": "",
    }


async def test_member(world: World, admin: str, ada: str, role: str) -> None:
    """A member shows as it was made."""
    shown = (await world.as_(admin, "GET", f"{MEMBERS}/{ada}")).json()
    assert {**shown, "created_at": ""} == {
        "id": ada,
        "name": "Ada",
        "email": None,
        "role": role,
        "created_at": "",
    }


async def test_lists(world: World, admin: str, ada: str, role: str) -> None:
    """Roles and members are listed in pages."""
    roles = (await world.as_(admin, "GET", ROLES)).json()
    members = (await world.as_(admin, "GET", MEMBERS)).json()
    assert [[one["id"] for one in page["data"]] for page in (roles, members)] == [[role], [ada]]


async def test_key_of_a_member(world: World, admin: str, adas_key: str, ada: str) -> None:
    """A member's key is listed as the member's, without permissions of its own."""
    keys = (await world.as_(admin, "GET", "/v1/keys")).json()["data"]
    assert [(key["permissions"], key["tenant"]) for key in keys if key["member"] == ada] == [([], "demo")]


async def test_read(world: World, adas_key: str) -> None:
    """`webhooks:read` views the list of endpoints."""  # OC-9
    assert (await world.as_(adas_key, "GET", ENDPOINTS)).status_code == 200


async def test_read_alone_does_not_write(world: World, adas_key: str) -> None:
    """Without `webhooks:write` nothing is registered."""  # OC-10
    assert (await world.as_(adas_key, "POST", ENDPOINTS, HOOK)).json()["code"] == "forbidden"


async def test_write_at_once(world: World, admin: str, role: str, adas_key: str) -> None:
    """Once the tenant's admin grants `webhooks:write`, the member registers an endpoint."""  # OC-10, OC-12
    await world.as_(admin, "PATCH", f"{ROLES}/{role}", {"permissions": ["webhooks:write"]})
    assert (await world.as_(adas_key, "POST", ENDPOINTS, HOOK)).status_code == 201


async def test_taken_back_at_once(world: World, admin: str, role: str, adas_key: str) -> None:
    """What a role no longer allows is refused at the next request."""
    await world.as_(admin, "PATCH", f"{ROLES}/{role}", {"permissions": []})
    assert (await world.as_(adas_key, "GET", ENDPOINTS)).status_code == 403


async def test_delete_by_another_role(world: World, admin: str, ada: str, adas_key: str) -> None:
    """A member who is reassigned a role with `webhooks:delete` deletes an endpoint."""  # OC-11, OC-13
    endpoint = (await world.operator("POST", ENDPOINTS, HOOK))["id"]
    before = await world.as_(adas_key, "DELETE", f"{ENDPOINTS}/{endpoint}")
    cleaner = await world.as_(admin, "POST", ROLES, {"name": "C", "permissions": ["webhooks:delete"]})
    await world.as_(admin, "PATCH", f"{MEMBERS}/{ada}", {"role": cleaner.json()["id"]})
    after = await world.as_(adas_key, "DELETE", f"{ENDPOINTS}/{endpoint}")
    assert (before.status_code, after.status_code) == (403, 200)


async def test_the_operator_grants(world: World, role: str, adas_key: str) -> None:
    """The operator grants what no admin of the tenant has granted."""  # OC-14
    await world.operator("PATCH", f"{ROLES}/{role}", {"permissions": ["webhooks:write"]})
    assert (await world.as_(adas_key, "POST", ENDPOINTS, HOOK)).status_code == 201


@pytest.mark.parametrize("kind", ["roles", "members"])
async def test_members_manage_nobody(world: World, adas_key: str, kind: str) -> None:
    """A member without `admin` sees neither roles nor members."""
    assert (await world.as_(adas_key, "GET", f"/v1/tenants/demo/{kind}")).status_code == 403


@pytest.mark.parametrize("kind", ["roles", "members"])
async def test_a_foreign_admin(world: World, role: str, ada: str, kind: str) -> None:
    """Another tenant's admin finds none of this tenant's, not by its own path either."""
    foreign = await world.key(tenant="other", permissions=["admin"])
    id = {"roles": role, "members": ada}[kind]
    answers = [await world.as_(foreign, "GET", f"/v1/tenants/{t}/{kind}/{id}") for t in ("demo", "other")]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_foreign_member(world: World, ada: str) -> None:
    """Another tenant's admin gets no key for a member of this one."""
    foreign = await world.key(tenant="other", permissions=["admin"])
    assert (await world.as_(foreign, "POST", "/v1/keys", {"member": ada})).status_code == 404


async def test_a_deleted_members_key(world: World, admin: str, ada: str, adas_key: str) -> None:
    """The key of a deleted member is refused at once."""
    await world.as_(admin, "DELETE", f"{MEMBERS}/{ada}")
    assert (await world.as_(adas_key, "GET", ENDPOINTS)).status_code == 401


async def test_a_role_in_use(world: World, admin: str, ada: str, role: str) -> None:
    """A role that a member has cannot be deleted."""
    assert (await world.as_(admin, "DELETE", f"{ROLES}/{role}")).status_code == 409


async def test_an_unknown_role(world: World, admin: str) -> None:
    """A member's role must be there; the answer names the field."""
    answer = await world.as_(admin, "POST", MEMBERS, {"name": "Bob", "role": "role_1"})
    assert (answer.status_code, answer.json()["field"]) == (422, "role")


async def test_needs(nobody: Client) -> None:
    """Every route of an endpoint asks for exactly the permission that its verb names."""  # OC-9 to 11
    paths = (await nobody.get("/openapi.json")).json()["paths"]
    needs = {
        f"{method} {path.partition('endpoints')[2]}": operation["x-permission"]
        for path, item in paths.items()
        if path.startswith("/v1/tenants/{tenant}/endpoints")
        for method, operation in item.items()
    }
    assert needs == {
        "get ": "webhooks:read",
        "get /{id}": "webhooks:read",
        "post ": "webhooks:write",
        "patch /{id}": "webhooks:write",
        "post /{id}/pause": "webhooks:write",
        "post /{id}/resume": "webhooks:write",
        "post /{id}/rotate": "webhooks:write",
        "post /{id}/test": "webhooks:write",
        "get /{id}/secret": "webhooks:write",
        "delete /{id}": "webhooks:delete",
        "get /{id}/attempts": "events:read",
        "post /{id}/replay": "events:write",
    }


# features


@pytest.fixture
async def port(world: World) -> str:
    """The key of the admin of a tenant `port`, whose contract has gates."""
    await world.operator("POST", "/v1/tenants", {"id": "port", "name": "Port", "contract": "gated"})
    permissions = ["admin", "webhooks:read", "webhooks:write", "events:write"]
    return await world.key(tenant="port", permissions=permissions)


async def test_feature_is_off(world: World, port: str) -> None:
    """Without the feature endpoints are refused, with a sentence that says who turns it on."""  # OC-7
    answer = await world.as_(port, "POST", "/v1/tenants/port/endpoints", HOOK)
    assert (answer.status_code, answer.json()["code"]) == (403, "feature_disabled")
    assert "the operator turns it on" in answer.json()["detail"]


async def test_nobody_turns_on_its_own_feature(world: World, port: str) -> None:
    """A tenant's own admin cannot turn a feature on."""  # OC-7, OC-8
    answer = await world.as_(port, "PATCH", "/v1/tenants/port", {"features": ["webhooks"]})
    assert answer.status_code == 403


async def test_the_operator_turns_it_on(world: World, port: str) -> None:
    """Once the operator turns the feature on, endpoints can be registered and receive."""  # OC-8
    await world.operator("PATCH", "/v1/tenants/port", {"features": ["webhooks"]})
    made = await world.as_(port, "POST", "/v1/tenants/port/endpoints", HOOK)
    event = await world.as_(port, "POST", "/v1/tenants/port/events", {"type": "a", "payload": 1})
    assert (made.status_code, event.json()["deliveries"]) == (201, 1)


async def test_an_event_without_the_feature(world: World, port: str) -> None:
    """Without the feature an event is accepted and goes nowhere."""  # OC-7
    await world.operator("PATCH", "/v1/tenants/port", {"features": ["webhooks"]})
    await world.as_(port, "POST", "/v1/tenants/port/endpoints", HOOK)
    await world.operator("PATCH", "/v1/tenants/port", {"features": []})
    event = await world.as_(port, "POST", "/v1/tenants/port/events", {"type": "a", "payload": 1})
    assert (event.status_code, event.json()["deliveries"]) == (202, 0)


@pytest.mark.parametrize("kind", ["roles", "members"])
async def test_people_need_no_feature(world: World, port: str, kind: str) -> None:
    """Roles and members can be managed before the feature is on."""
    assert (await world.as_(port, "GET", f"/v1/tenants/port/{kind}")).status_code == 200


async def test_documents(world: World, port: str) -> None:
    """The operator opens a tenant's event types for it, and sees them before."""  # OC-32
    path = "/v1/tenants/port/event-types"
    before = (await world.as_(port, "GET", path)).status_code
    operator = (await world.as_(ADMIN_KEY, "GET", path)).status_code
    await world.operator("PATCH", "/v1/tenants/port", {"features": ["developer-docs"]})
    assert (before, operator, (await world.as_(port, "GET", path)).status_code) == (403, 200, 200)


async def test_features_show(world: World) -> None:
    """A tenant shows its features, each once and in order."""
    features = ["webhooks", "developer-docs", "webhooks"]
    tenant = await world.operator("PATCH", "/v1/tenants/demo", {"features": features})
    assert tenant["features"] == ["developer-docs", "webhooks"]
