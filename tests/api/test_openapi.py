"""The OpenAPI document and the page made of it."""

import re
from typing import Any

import msgspec
import pytest

from hookferry.api.problems import CODES
from hookferry.service import forms
from hookferry.service.previews import NewPreview
from hookferry.service.publish import Draft
from tests.api.conftest import Client

# DESIGN, "Native API".
ROUTES = {
    "/v1/tenants": "get post",
    "/v1/tenants/{tenant}": "get patch delete",
    "/v1/tenants/{tenant}/events": "get post",
    "/v1/tenants/{tenant}/events/batch": "post",
    "/v1/tenants/{tenant}/events/{id}": "get",
    "/v1/tenants/{tenant}/events/{id}/deliveries": "get",
    "/v1/tenants/{tenant}/events/{id}/explain": "get",
    "/v1/tenants/{tenant}/endpoints": "get post",
    "/v1/tenants/{tenant}/endpoints/{id}": "get patch delete",
    "/v1/tenants/{tenant}/endpoints/{id}/pause": "post",
    "/v1/tenants/{tenant}/endpoints/{id}/resume": "post",
    "/v1/tenants/{tenant}/endpoints/{id}/rotate": "post",
    "/v1/tenants/{tenant}/endpoints/{id}/test": "post",
    "/v1/tenants/{tenant}/endpoints/{id}/replay": "post",
    "/v1/tenants/{tenant}/endpoints/{id}/secret": "get",
    "/v1/tenants/{tenant}/endpoints/{id}/attempts": "get",
    "/v1/tenants/{tenant}/alerts": "get post",
    "/v1/tenants/{tenant}/alerts/{id}": "get patch delete",
    "/v1/tenants/{tenant}/deliveries": "get",
    "/v1/tenants/{tenant}/deliveries/{id}": "get",
    "/v1/tenants/{tenant}/deliveries/{id}/attempts": "get",
    "/v1/tenants/{tenant}/deliveries/{id}/retry": "post",
    "/v1/tenants/{tenant}/deliveries/{id}/cancel": "post",
    "/v1/tenants/{tenant}/jobs": "get",
    "/v1/tenants/{tenant}/jobs/{id}": "get",
    "/v1/tenants/{tenant}/jobs/{id}/cancel": "post",
    "/v1/tenants/{tenant}/roles": "get post",
    "/v1/tenants/{tenant}/roles/{id}": "get patch delete",
    "/v1/tenants/{tenant}/members": "get post",
    "/v1/tenants/{tenant}/members/{id}": "get patch delete",
    "/v1/tenants/{tenant}/tail": "get",
    "/v1/tenants/{tenant}/event-types": "get",
    "/v1/event-types": "get post",
    "/v1/event-types/{name}": "get patch delete",
    "/v1/contracts": "get post",
    "/v1/contracts/{name}": "get delete",
    "/v1/contracts/{name}/preview": "post",
    "/v1/keys": "get post",
    "/v1/keys/{id}": "delete",
    "/v1/egress": "get",
    "/healthz": "get",
    "/readyz": "get",
    "/metrics": "get",
    "/openapi.json": "get",
    "/docs": "get",
}


@pytest.fixture
async def document(nobody: Client) -> Any:
    return (await nobody.get("/openapi.json")).json()


@pytest.fixture
async def page(nobody: Client) -> str:
    return (await nobody.get("/docs")).text


def test_routes(document: Any) -> None:
    """The document has all the routes of the design, and no other."""
    assert {path: set(item) for path, item in document["paths"].items()} == {
        path: set(methods.split()) for path, methods in ROUTES.items()
    }


def test_references(document: Any) -> None:
    """Every reference leads somewhere."""
    names = {
        f"#/components/{kind}/{name}" for kind, named in document["components"].items() for name in named
    }
    assert set(re.findall(r'"\$ref":"([^"]+)"', msgspec.json.encode(document).decode())) <= names


def test_examples(document: Any) -> None:
    """Every example of a body is accepted by the form that reads it."""
    kinds = {**vars(forms), "Draft": Draft, "NewPreview": NewPreview}
    for item in document["paths"].values():
        for operation in item.values():
            content = operation.get("requestBody", {"content": {}})["content"].get("application/json")
            if content and "$ref" in content["schema"]:
                kind = kinds[content["schema"]["$ref"].rpartition("/")[2]]
                assert msgspec.json.decode(msgspec.json.encode(content["example"]), type=kind)


def test_permissions(document: Any) -> None:
    """Every route under /v1 says which key it needs."""
    operations = [
        operation
        for path, item in document["paths"].items()
        if path.startswith("/v1/")
        for operation in item.values()
    ]
    assert all(operation["x-permission"] and operation["security"] for operation in operations)


def test_operation_ids(document: Any) -> None:
    """Operation ids are unique: client generators name functions after them."""
    ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(set(ids)) == len(ids)


def test_codes(document: Any) -> None:
    """The document lists the closed set of codes."""
    code = document["components"]["schemas"]["Problem"]["properties"]["code"]
    assert code["enum"] == sorted(CODES)


def test_page_is_whole(page: str, document: Any) -> None:
    """The page shows every operation."""
    shown = set(re.findall(r'<article id="(\w+)"', page))
    assert {one["operationId"] for item in document["paths"].values() for one in item.values()} <= shown


def test_page_links(page: str) -> None:
    """Every link within the page leads somewhere, those of problem types too."""
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert {*re.findall(r'href="#([^"]+)"', page), *CODES} <= anchors


def test_page_is_alone(page: str) -> None:
    """The page loads nothing and runs nothing."""
    assert re.findall(r"<script|<img|<link|src=|@import|url\(|https?://(?!127|example)", page) == []


async def test_policy(nobody: Client) -> None:
    """The browser is told to allow the page's own style sheet and nothing else."""
    policy = (await nobody.get("/docs")).headers["Content-Security-Policy"]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'; "
        r"frame-ancestors 'none'",
        policy,
    )
