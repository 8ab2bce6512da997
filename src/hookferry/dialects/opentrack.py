"""OpenTrack's API: the webhooks of an account, and the list of all event types (OT-1 to OT-11)."""

from http import HTTPStatus
from typing import Any

from litestar import Request, Response, delete, get, patch, post, put

from hookferry.dialects.kit import (
    Body,
    Caller,
    Dialect,
    Id,
    NewWebhook,
    Services,
    WebhookChange,
    answer,
    change_webhook,
    read,
)
from hookferry.errors import HookferryError, Invalid
from hookferry.model import Endpoint, EventType, Permission
from hookferry.times import iso


@post("/v1/webhooks")
async def register(services: Services, caller: Caller, body: Body) -> Response[bytes]:
    caller.require(Permission.WEBHOOKS_WRITE)
    new = read(body, NewWebhook).form()
    return answer(_webhook(await services.endpoints.create(caller.tenant, new, caller.principal)), 201)


@get("/v1/webhooks", sync_to_thread=False)
def list_all(services: Services, caller: Caller) -> Response[bytes]:
    caller.require(Permission.WEBHOOKS_READ)
    return answer({"webhooks": [_webhook(found) for found in services.endpoints.list(caller.tenant)]})


@get("/v1/webhooks/event-types", sync_to_thread=False)
def list_event_types(services: Services, caller: Caller) -> Response[bytes]:
    caller.require(Permission.WEBHOOKS_READ)
    contract = services.contract_of(caller.tenant)
    return answer({"events": [_event_type(found) for found in services.catalogue.offered(contract)]})


@get("/v1/webhooks/{id:str}", sync_to_thread=False)
def show(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    caller.require(Permission.WEBHOOKS_READ)
    return answer(_webhook(services.endpoints.get(caller.tenant, id)))


@patch("/v1/webhooks/{id:str}")
async def change_some(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    return await _changed(services, caller, id, body)


@put("/v1/webhooks/{id:str}")
async def change(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    return await _changed(services, caller, id, body)


@delete("/v1/webhooks/{id:str}", status_code=200)
async def remove(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    caller.require(Permission.WEBHOOKS_DELETE)
    await services.endpoints.delete(caller.tenant, id)
    return answer({"id": id})


async def _changed(services: Services, caller: Caller, id: str, body: bytes) -> Response[bytes]:
    """PUT and PATCH do the same: what is left out stays."""
    caller.require(Permission.WEBHOOKS_WRITE)
    return answer(_webhook(await change_webhook(services, caller, id, read(body, WebhookChange))))


def _webhook(endpoint: Endpoint) -> dict[str, object]:
    """The secret is the customer's own: it is never shown."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": endpoint.event_types,
        "name": endpoint.name,
        "hasSecret": bool(endpoint.secrets),
        "status": endpoint.status,
        "createdAt": iso(endpoint.created_at),
        "updatedAt": iso(endpoint.updated_at),
    }


def _event_type(type: EventType) -> dict[str, object]:
    return {
        "event": type.name,
        "title": type.title,
        "description": type.description,
        "schema": type.schema,
        "example": type.example,
    }


def _token(request: Request[Any, Any, Any]) -> str | None:
    return request.headers.get("opentrack-api-key")


def _problem(error: HookferryError) -> tuple[int, object]:
    if error.code == "url_taken":  # OT-7
        return 400, _said("VALIDATION_ERROR", "A webhook with this URL is registered already.")
    if isinstance(error, Invalid):
        return 400, _said("VALIDATION_ERROR", error.message)
    return error.status, _said(HTTPStatus(error.status).name, error.message)


def _said(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}


OPENTRACK = Dialect(
    "opentrack",
    _token,
    _problem,
    [register, list_all, list_event_types, show, change_some, change, remove],
)
