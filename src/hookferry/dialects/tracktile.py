"""Tracktile's API: hooks, each for one event type, their secrets and executions; and the catalogue.

Known are the routes of `/hooks`, the fields of a request, and the envelopes of lists and errors. The other
fields of answers, the statuses 201 and 204, and the routes of the catalogue: we decide.
"""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, delete, get, post, put
from msgspec import UNSET, Meta, UnsetType

from hookferry.contracts import Contract
from hookferry.contracts.preview import preview
from hookferry.dialects.kit import Body, Caller, Dialect, Id, Services, answer, bearer, read
from hookferry.errors import Conflict, HookferryError, Invalid, Malformed, NotFound
from hookferry.exchange import Attempt, Headers, Outcome
from hookferry.model import Endpoint, EndpointStatus, EventType, Permission
from hookferry.service.forms import EndpointChange, NewEndpoint, Rotation
from hookferry.store.values import Slice
from hookferry.times import iso

# Executions are counted up to here: a count of all of them would cost more with each day of history.
MOST_COUNTED = 1000

# The moment of the document's sample: examples of the catalogue happen then.
_SAMPLE_TIME = 1_705_314_600_000

_FIELDS = {"event_types": "on"}

Asked = Request[Any, Any, Any]
Status = Literal["active", "paused"]


class _New(msgspec.Struct):
    """What creates a hook (TT-11). The secret is not the caller's to choose (TT-6)."""

    name: str
    url: str
    on: str


class _Change(msgspec.Struct):
    """What to change of a hook: `name` and `status` (TT-20). The rest may come back as it was answered."""

    name: str | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    url: str | UnsetType = UNSET
    on: str | UnsetType = UNSET


class _Page(msgspec.Struct):
    """Which part of a list: at most `limit`, after the `nextCursor` of the part before."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


@post("/hooks")
async def create_hook(services: Services, caller: Caller, body: Body) -> Response[bytes]:
    """The one answer beside that of `rotate` that shows the secret (TT-14, 15)."""
    caller.require(Permission.WEBHOOKS_WRITE)
    wanted = read(body, _New)
    form = NewEndpoint(url=wanted.url, event_types=[wanted.on], name=wanted.name)
    made = await services.endpoints.create(caller.tenant, form, caller.principal)
    return answer(_with_secret(made), 201)


@get("/hooks", sync_to_thread=False)
def list_hooks(services: Services, caller: Caller, request: Asked) -> Response[bytes]:
    """Newest first (TT-19)."""
    caller.require(Permission.WEBHOOKS_READ)
    asked, hooks = _asked(request), services.endpoints.list(caller.tenant)
    rest = [hook for hook in hooks if asked.cursor is None or hook.id < asked.cursor]
    shown = rest[: asked.limit]
    return _listed(
        [_hook(hook) for hook in shown], shown[-1].id if len(rest) > len(shown) else None, len(hooks)
    )


@get("/hooks/{id:str}", sync_to_thread=False)
def show_hook(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    """One of them."""
    caller.require(Permission.WEBHOOKS_READ)
    return answer(_hook(services.endpoints.get(caller.tenant, id)))


@put("/hooks/{id:str}")
async def change_hook(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    """What is left out stays (TT-20)."""
    caller.require(Permission.WEBHOOKS_WRITE)
    wanted = read(body, _Change)
    types = UNSET if wanted.on is UNSET else [wanted.on]
    form = EndpointChange(name=wanted.name, url=wanted.url, event_types=types)
    hook = await services.endpoints.change(caller.tenant, id, form)
    if wanted.status not in (UNSET, _status(hook)):
        switch = services.endpoints.resume if wanted.status == "active" else services.endpoints.pause
        hook = await switch(caller.tenant, id)
    return answer(_hook(hook))


@delete("/hooks/{id:str}", status_code=204)
async def delete_hook(services: Services, caller: Caller, id: Id) -> None:
    """What waits for it is cancelled (TT-21)."""
    caller.require(Permission.WEBHOOKS_DELETE)
    await services.endpoints.delete(caller.tenant, id)


@post("/hooks/{id:str}/rotate")
async def rotate_secret(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    """The old secret is invalid at once (TT-22 to 24)."""
    caller.require(Permission.WEBHOOKS_WRITE)
    return answer(
        _with_secret(await services.secrets.rotate(caller.tenant, id, Rotation(), caller.principal))
    )


@post("/hooks/{id:str}/test")
async def send_test(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    """The answer names the event; what became of it stands in the executions (TT-29)."""
    caller.require(Permission.WEBHOOKS_WRITE)
    if _status(services.endpoints.get(caller.tenant, id)) == "paused":
        raise Conflict("The webhook is paused: make it active to test it.")
    sent = await services.endpoints.test(caller.tenant, id)
    return answer({"id": sent.event, "kind": _contract(services, caller).test_event[0]})


@get("/hooks/{id:str}/executions")
async def list_executions(services: Services, caller: Caller, request: Asked, id: Id) -> Response[bytes]:
    """Newest first (TT-32, 33)."""
    caller.require(Permission.EVENTS_READ)
    services.endpoints.get(caller.tenant, id)
    asked = _asked(request)
    page = await services.history.endpoint_attempts(caller.tenant, id, Slice(asked.limit, asked.cursor))
    total = await services.history.count_attempts(caller.tenant, id, MOST_COUNTED)
    return _listed([_execution(attempt) for attempt in page.data], page.next, total)


@get("/events", sync_to_thread=False)
def list_events(services: Services, caller: Caller) -> Response[bytes]:
    """The catalogue (TT-3), whole: it is short."""
    caller.require(Permission.WEBHOOKS_READ)
    contract = _contract(services, caller)
    events = [_event(type, contract) for type in services.catalogue.offered(contract)]
    return _listed(events, None, len(events))


@get("/events/{kind:str}", sync_to_thread=False)
def show_event(services: Services, caller: Caller, kind: Id) -> Response[bytes]:
    """The details of one event type (TT-3)."""
    caller.require(Permission.WEBHOOKS_READ)
    contract = _contract(services, caller)
    for type in services.catalogue.offered(contract):
        if type.name == kind:
            return answer(_event(type, contract))
    raise NotFound(f"There is no event type {kind!r}.", code="unknown_event_type")


def _contract(services: Services, caller: Caller) -> Contract:
    return services.contract_of(caller.tenant)


def _asked(request: Asked) -> _Page:
    try:
        return msgspec.convert(dict(request.query_params), _Page, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(f"{error}") from error


def _listed(results: list[dict[str, object]], next: str | None, total: int) -> Response[bytes]:
    return answer({"results": results, "nextCursor": next, "total": total})


def _status(endpoint: Endpoint) -> Status:
    """There are two (TT-30). One that we disabled is paused to its owner, who can make it active again."""
    return "active" if endpoint.status is EndpointStatus.ACTIVE else "paused"


def _hook(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "url": endpoint.url,
        "on": next(iter(endpoint.event_types), None),
        "status": _status(endpoint),
        "createdAt": iso(endpoint.created_at),
        "updatedAt": iso(endpoint.updated_at),
    }


def _with_secret(endpoint: Endpoint) -> dict[str, object]:
    return {**_hook(endpoint), "secret": endpoint.secrets[0].value}


def _execution(attempt: Attempt) -> dict[str, object]:
    """The status code is null where no whole answer came, and `error` says why."""
    request, result = attempt.request, attempt.result
    response = result.response
    return {
        "id": attempt.id,
        "time": iso(attempt.started_at),
        "durationMs": round(result.duration * 1000, 1),
        "attempt": attempt.number,
        "statusCode": response and response.status,
        "error": None if result.outcome is Outcome.RESPONSE else result.detail or result.outcome,
        "request": request and {**_message(request.headers, request.body), "url": request.url},
        "response": response and _message(response.headers, response.body),
    }


def _message(headers: Headers, body: bytes) -> dict[str, object]:
    named = [{"name": name, "value": value} for name, value in headers]
    return {"headers": named, "body": body.decode(errors="replace")}


def _event(type: EventType, contract: Contract) -> dict[str, object]:
    """Its example is a whole body, as it arrives; its schema is that of the event's own fields."""
    example = msgspec.Raw(_example(type, contract)) if type.example else None
    return {
        "kind": type.name,
        "title": type.title,
        "description": type.description,
        "schema": type.schema,
        "example": example,
    }


def _example(type: EventType, contract: Contract) -> bytes:
    return preview(contract, type.name, bytes(type.example or b"{}"), _SAMPLE_TIME).body


def _problem(error: HookferryError) -> tuple[int, object]:
    status = 400 if isinstance(error, Invalid) else error.status
    message = "There is no webhook with this id." if error.code == NotFound.code else error.message
    if error.field in _FIELDS:
        message = f"{_FIELDS[error.field]}: {message}"
    return status, {"status": status, "message": message}


TRACKTILE = Dialect(
    "tracktile",
    bearer,
    _problem,
    [
        create_hook,
        list_hooks,
        show_hook,
        change_hook,
        delete_hook,
        rotate_secret,
        send_test,
        list_executions,
        list_events,
        show_event,
    ],
)
