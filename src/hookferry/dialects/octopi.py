"""Octopi's API for webhooks.

Known are the header of the key, the form of times, and the statuses 404, 422 and 500. All else we decide, in
the same style: what Rails answers for a resource. A request may name events as the document's table does or
in snake case; an answer names them as the table and X-Octopi-Event do.
"""

import re
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, patch, post, put
from msgspec import UNSET, UnsetType

from hookferry.contracts import Contract
from hookferry.dialects.kit import Body, Caller, Dialect, Id, Services, answer, read
from hookferry.errors import HookferryError, Invalid, NotFound
from hookferry.model import Endpoint, EventType, Permission
from hookferry.service.features import open_contract
from hookferry.service.forms import EndpointChange, NewEndpoint
from hookferry.times import iso

_PARAMETERS = re.compile(r"[,;\s]+")

_ERRORS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
}
_FIELDS = {"event_types": "events"}
_NOT_ENABLED = "This is not enabled for your organization. Please contact the Octopi Customer Success Team."


class Wanted(msgspec.Struct, frozen=True):
    """What a client sets of a webhook. The rest is ignored: the secret is not its to choose (OC-24)."""

    url: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET


class Sent(Wanted, frozen=True):
    """The same, bare or below `webhook`: Rails takes both."""

    webhook: Wanted | UnsetType = UNSET


@get("/webhooks", sync_to_thread=False)
def list_webhooks(services: Services, caller: Caller) -> Response[bytes]:
    """All of the organisation's (OC-10)."""
    caller.require(Permission.WEBHOOKS_READ)
    return answer([_webhook(endpoint) for endpoint in services.endpoints.list(caller.tenant)])


@post("/webhooks")
async def create_webhook(services: Services, caller: Caller, body: Body) -> Response[bytes]:
    """A URL and at least one event (OC-16, 17, 20)."""
    caller.require(Permission.WEBHOOKS_WRITE)
    wanted = _wanted(body)
    if wanted.url is UNSET:
        raise Invalid("can't be blank", field="url")
    form = NewEndpoint(url=wanted.url, event_types=[] if wanted.events is UNSET else wanted.events)
    return answer(_webhook(await services.endpoints.create(caller.tenant, form, caller.principal)), 201)


@get("/webhooks/{id:str}", sync_to_thread=False)
def show_webhook(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    """One of them."""
    caller.require(Permission.WEBHOOKS_READ)
    return answer(_webhook(services.endpoints.get(caller.tenant, id)))


@patch("/webhooks/{id:str}")
async def patch_webhook(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    """Change what is given (OC-18)."""
    return await _update(services, caller, id, body)


@put("/webhooks/{id:str}")
async def put_webhook(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    """The same, as in Rails."""
    return await _update(services, caller, id, body)


@delete("/webhooks/{id:str}", status_code=204)
async def delete_webhook(services: Services, caller: Caller, id: Id) -> None:
    """Delete it and cancel what waits for it (OC-18)."""
    caller.require(Permission.WEBHOOKS_DELETE)
    await services.endpoints.delete(caller.tenant, id)


@get("/webhook_events", sync_to_thread=False)
def list_events(services: Services, caller: Caller) -> Response[bytes]:
    """What there is a toggle for (OC-17, 21), in the order of the document."""
    caller.require(Permission.WEBHOOKS_READ)
    contract = _contract(services, caller)
    return answer([_event(type, contract) for type in services.catalogue.offered(contract)])


@get("/webhook_events/{name:str}", sync_to_thread=False)
def show_event(services: Services, caller: Caller, name: Id) -> Response[bytes]:
    """What is in its payload: for developers, once the operator has opened that (OC-32)."""
    caller.require(Permission.WEBHOOKS_READ)
    contract = _contract(services, caller)
    services.tenants.check_documents(caller.principal)
    for type in services.catalogue.offered(contract):
        if type.name == contract.canonical(name):
            return answer({**_event(type, contract), "schema": type.schema, "example": type.example})
    raise NotFound(f"There is no event {name!r}.")


async def _update(services: Services, caller: Caller, id: str, body: bytes) -> Response[bytes]:
    caller.require(Permission.WEBHOOKS_WRITE)
    wanted = _wanted(body)
    form = EndpointChange(url=wanted.url, event_types=wanted.events)
    return answer(_webhook(await services.endpoints.change(caller.tenant, id, form)))


def _wanted(body: bytes) -> Wanted:
    sent = read(body, Sent)
    return sent if sent.webhook is UNSET else sent.webhook


def _contract(services: Services, caller: Caller) -> Contract:
    return open_contract(services.contracts, services.tenants.get(caller.tenant))


def _webhook(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": endpoint.event_types,
        "status": endpoint.status if endpoint.secrets else "awaiting_secret",
        "created_at": iso(endpoint.created_at),
        "updated_at": iso(endpoint.updated_at),
    }


def _event(type: EventType, contract: Contract) -> dict[str, object]:
    slug = next((other for other, name in contract.aliases.items() if name == type.name), type.name)
    return {"name": type.name, "slug": slug, "description": type.description}


def _token(request: Request[Any, Any, Any]) -> str | None:
    """As Rails reads it: other parameters may stand beside the token, and the value may be quoted."""
    # Not one pattern: a stranger's 60 KB of blanks took it minutes, and nobody else was served meanwhile.
    scheme, *parameters = _PARAMETERS.split(request.headers.get("authorization", ""))
    if scheme.lower() == "token":
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.lower() == "token":
                return value.strip('"')
    return None


def _problem(error: HookferryError) -> tuple[int, object]:
    """A status that the company's clients know, its name, and what is wrong: by field where it is a 422."""
    status = _status(error.status)
    body: dict[str, object] = {"status": status, "error": _ERRORS[status]}
    if status == 422:
        field = error.field or "base"
        body["errors"] = {_FIELDS.get(field, field): [error.message]}
    elif status == 403:
        body["message"] = _NOT_ENABLED if error.code == "feature_disabled" else error.message
    return status, body


def _status(status: int) -> int:
    if status == 405:
        return 404  # as Rails, which has no route then
    return 500 if status >= 500 else status if status in _ERRORS else 422


OCTOPI = Dialect(
    "octopi",
    _token,
    _problem,
    (
        list_webhooks,
        create_webhook,
        show_webhook,
        patch_webhook,
        put_webhook,
        delete_webhook,
        list_events,
        show_event,
    ),
)
