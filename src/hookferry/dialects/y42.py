"""Y42's API for the Admin section of a space: webhooks, and status alerts that notify them (Y-7 to Y-15).

The document shows no API: all of it we decide. An alert's resources and outcomes are labels of the events'
scope, `resource` and `outcome`, which whoever publishes sets.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Literal, get_args

import msgspec
from litestar import Response, delete, get, patch, post
from msgspec import UNSET, Meta, UnsetType

from hookferry.dialects.kit import (
    Body,
    Caller,
    Dialect,
    Id,
    NewWebhook,
    Services,
    WebhookChange,
    answer,
    bearer,
    change_webhook,
    read,
)
from hookferry.errors import Conflict, HookferryError, Invalid
from hookferry.model import Alert, Endpoint, EndpointStatus, EventType, Permission
from hookferry.service.following import ALERT_TYPE
from hookferry.service.forms import AlertChange, NewAlert, NewEndpoint
from hookferry.service.rules import ENDPOINTS
from hookferry.times import iso

Outcome = Literal["success", "failure", "partial_success"]

_RESOURCE, _OUTCOME = "resource", "outcome"
_FIELDS = {"endpoints": "webhooks", "event_types": "events", f"scope.{_RESOURCE}": "resources"}
_OURS = re.compile(r"'[^']*'|\"[^\"]*\"|" + "|".join(_FIELDS) + r"|\b(An endpoint|endpoint|tenant)\b")
_WORDS = {**_FIELDS, "An endpoint": "A webhook", "endpoint": "webhook", "tenant": "space"}


_Webhooks = Annotated[list[str | NewWebhook], Meta(min_length=1, max_length=ENDPOINTS)]


class _NewAlert(msgspec.Struct):
    """What creates an alert. No resources, or no outcomes: all of them."""

    name: str
    webhooks: _Webhooks
    message: str | None = None
    resources: list[str] | None = None
    outcomes: list[Outcome] | None = None
    active: bool = True


class _AlertChange(msgspec.Struct):
    """What to change of an alert. What else an answer shows is ignored."""

    name: str | UnsetType = UNSET
    webhooks: _Webhooks | UnsetType = UNSET
    message: str | UnsetType | None = UNSET
    resources: list[str] | UnsetType | None = UNSET
    outcomes: list[Outcome] | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


@get("/webhooks", sync_to_thread=False)
def list_webhooks(services: Services, caller: Caller) -> Response[bytes]:
    """Those of the space, newest first (Y-7, 10)."""
    caller.require(Permission.WEBHOOKS_READ)
    return answer({"webhooks": [_webhook(found) for found in services.endpoints.list(caller.tenant)]})


@post("/webhooks")
async def create_webhook(services: Services, caller: Caller, body: Body) -> Response[bytes]:
    """The secret is never shown: it is the customer's own."""
    caller.require(Permission.WEBHOOKS_WRITE)
    made = await services.endpoints.create(caller.tenant, read(body, NewWebhook).form(), caller.principal)
    return answer(_webhook(made), 201)


@get("/webhooks/events", sync_to_thread=False)
def list_events(services: Services, caller: Caller) -> Response[bytes]:
    """What can be subscribed to: those of Y42, then those that were added since (Y-6)."""
    caller.require(Permission.WEBHOOKS_READ)
    contract = services.contract_of(caller.tenant)
    return answer({"events": [_event(type) for type in services.catalogue.offered(contract)]})


@post("/webhooks/secret", sync_to_thread=False)
def suggest_secret(services: Services, caller: Caller) -> Response[bytes]:
    """A secret to choose, if one likes (Y-21). It is kept once a webhook is given it."""
    caller.require(Permission.WEBHOOKS_WRITE)
    return answer({"secret": services.secrets.suggest(caller.tenant)})


@get("/webhooks/{id:str}", sync_to_thread=False)
def show_webhook(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    """One of them."""
    caller.require(Permission.WEBHOOKS_READ)
    return answer(_webhook(services.endpoints.get(caller.tenant, id)))


@patch("/webhooks/{id:str}")
async def patch_webhook(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    """What is left out stays."""
    caller.require(Permission.WEBHOOKS_WRITE)
    return answer(_webhook(await change_webhook(services, caller, id, read(body, WebhookChange))))


@delete("/webhooks/{id:str}", status_code=204)
async def delete_webhook(services: Services, caller: Caller, id: Id) -> None:
    """Alerts that name it go on without it; what waits for it is cancelled."""
    caller.require(Permission.WEBHOOKS_DELETE)
    await services.endpoints.delete(caller.tenant, id)


@post("/webhooks/{id:str}/test")
async def send_test(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    """The answer names the event that is on its way."""
    caller.require(Permission.WEBHOOKS_WRITE)
    webhook = services.endpoints.get(caller.tenant, id)
    if webhook.status is not EndpointStatus.ACTIVE:
        raise Conflict(f"The webhook is {webhook.status}: make it active to test it.")
    sent = await services.endpoints.test(caller.tenant, id)
    contract = services.contract_of(caller.tenant)
    return answer({"id": sent.event, "event": contract.test_event[0]})


@get("/alerts", sync_to_thread=False)
def list_alerts(services: Services, caller: Caller) -> Response[bytes]:
    """Those of the space, newest first."""
    caller.require(Permission.WEBHOOKS_READ)
    return answer({"alerts": [_alert(found) for found in services.alerts.list(caller.tenant)]})


@post("/alerts")
async def create_alert(services: Services, caller: Caller, body: Body) -> Response[bytes]:
    """With the webhooks that it notifies, old ones or new ones: all or none (Y-11, 12)."""
    caller.require(Permission.WEBHOOKS_WRITE)
    wanted = read(body, _NewAlert)
    new = NewAlert(
        name=wanted.name,
        message=wanted.message or "",
        scope=_scope(wanted.resources, wanted.outcomes),
        endpoints=_named(wanted.webhooks),
        active=wanted.active,
    )
    made, _ = await services.alerts.create(caller.tenant, new, caller.principal)
    return answer(_alert(made), 201)


@get("/alerts/{id:str}", sync_to_thread=False)
def show_alert(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    """One of them."""
    caller.require(Permission.WEBHOOKS_READ)
    return answer(_alert(services.alerts.get(caller.tenant, id)))


@patch("/alerts/{id:str}")
async def change_alert(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    """What is left out stays; `webhooks` replaces the list."""
    caller.require(Permission.WEBHOOKS_WRITE)
    wanted = read(body, _AlertChange)
    given = AlertChange(
        name=wanted.name,
        message="" if wanted.message is None else wanted.message,
        scope=_changed_scope(services.alerts.get(caller.tenant, id), wanted),
        endpoints=UNSET if wanted.webhooks is UNSET else _named(wanted.webhooks),
        active=wanted.active,
    )
    changed, _ = await services.alerts.change(caller.tenant, id, given, caller.principal)
    return answer(_alert(changed))


@delete("/alerts/{id:str}", status_code=204)
async def delete_alert(services: Services, caller: Caller, id: Id) -> None:
    """Its webhooks stay."""
    caller.require(Permission.WEBHOOKS_DELETE)
    await services.alerts.delete(caller.tenant, id)


@get("/egress", sync_to_thread=False)
def show_egress(services: Services, caller: Caller) -> Response[bytes]:
    """Where our requests come from, for receivers that allow them by address (Y-15)."""
    return answer({"addresses": services.egress})


def _named(webhooks: Sequence[str | NewWebhook]) -> list[str | NewEndpoint]:
    """One that is created for an alert is for alerts, unless it names events of its own."""
    return [one if isinstance(one, str) else one.form((ALERT_TYPE,)) for one in webhooks]


def _scope(resources: Sequence[str] | None, outcomes: Sequence[str] | None) -> dict[str, str | list[str]]:
    """An event without an outcome is no status, and sets off no alert."""
    scope: dict[str, str | list[str]] = {_OUTCOME: list(outcomes or get_args(Outcome))}
    return {_RESOURCE: list(resources), **scope} if resources else scope


def _changed_scope(alert: Alert, wanted: _AlertChange) -> dict[str, str | list[str]] | UnsetType:
    if wanted.resources is UNSET and wanted.outcomes is UNSET:
        return UNSET
    resources = alert.scope.get(_RESOURCE) if wanted.resources is UNSET else wanted.resources
    outcomes = alert.scope.get(_OUTCOME) if wanted.outcomes is UNSET else wanted.outcomes
    return _scope(resources, outcomes)


def _webhook(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": endpoint.event_types,
        "name": endpoint.name,
        "has_secret": bool(endpoint.secrets),
        "status": endpoint.status,
        "created_at": iso(endpoint.created_at),
        "updated_at": iso(endpoint.updated_at),
    }


def _alert(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.id,
        "name": alert.name,
        "message": alert.message,
        "resources": alert.scope.get(_RESOURCE, ()),
        "outcomes": alert.scope.get(_OUTCOME, ()),
        "webhooks": alert.endpoints,
        "active": alert.active,
        "created_at": iso(alert.created_at),
        "updated_at": iso(alert.updated_at),
    }


def _event(type: EventType) -> dict[str, object]:
    return {
        "name": type.name,
        "title": type.title,
        "description": type.description,
        "schema": type.schema,
        "example": type.example,
    }


def _problem(error: HookferryError) -> tuple[int, object]:
    status = 400 if isinstance(error, Invalid) else error.status
    message = f"{error.field}: {error.message}" if error.field else error.message
    said = _OURS.sub(lambda found: _WORDS.get(found[0], found[0]), message)
    return status, {"error": {"code": HTTPStatus(status).name.lower(), "message": said}}


Y42 = Dialect(
    "y42",
    bearer,
    _problem,
    [
        list_webhooks,
        create_webhook,
        list_events,
        suggest_secret,
        show_webhook,
        patch_webhook,
        delete_webhook,
        send_test,
        list_alerts,
        create_alert,
        show_alert,
        change_alert,
        delete_alert,
        show_egress,
    ],
)
