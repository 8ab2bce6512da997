"""Foxtrot's API: the webhooks of an account, each for some event types and DCs (FX-1 to FX-31).

Known are the routes, the fields, both envelopes and the statuses 200, 400, 401 and 404. The numbers of
errors, the status 403, and the body of a DELETE's answer: we decide.
"""

import msgspec
from litestar import Response, delete, get, patch, post, put
from msgspec import UNSET, UnsetType

from hookferry.dialects.kit import Body, Caller, Dialect, Id, Services, answer, bearer, read
from hookferry.errors import HookferryError, Invalid, NotFound
from hookferry.model import Endpoint, EndpointStatus, Permission
from hookferry.service.forms import NewEndpoint
from hookferry.urls import parse

_DCS = "dc_ids"

# The numbers of errors: a closed table, which docs/contracts/foxtrot.md explains.
_UNREADABLE, _FIXED, _OURS = 1000, 1004, 1900
_OF_FIELD = {"url": 1001, "event_types": 1002, f"scope.{_DCS}": 1003}
_OF_STATUS = {401: 1100, 403: 1101, 404: 1200, 405: 1201}


class _New(msgspec.Struct):
    """What creates a webhook (FX-11). Without `dc_ids` it is for all DCs."""

    webhook_url: str
    events: list[str]
    dc_ids: list[str] | UnsetType = UNSET


class _Change(msgspec.Struct):
    """What changes a webhook: `enabled`, and the rest as it was answered (FX-25)."""

    enabled: bool
    id: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    webhook_url: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    dc_ids: list[str] | UnsetType = UNSET


class _Fixed(Invalid):
    """Another value of what cannot be changed."""


@get("/webhooks", sync_to_thread=False)
def list_webhooks(services: Services, caller: Caller) -> Response[bytes]:
    """All of them (FX-1, 7)."""
    caller.require(Permission.WEBHOOKS_READ)
    return _answer(webhooks=[_webhook(found) for found in services.endpoints.list(caller.tenant)])


@post("/webhooks")
async def create_webhook(services: Services, caller: Caller, body: Body) -> Response[bytes]:
    """Enabled, and answered with 200 (FX-8, 13 to 15)."""
    caller.require(Permission.WEBHOOKS_WRITE)
    wanted = read(body, _New)
    scope: dict[str, str | list[str]] = {} if wanted.dc_ids is UNSET else {_DCS: wanted.dc_ids}
    form = NewEndpoint(url=wanted.webhook_url, event_types=wanted.events, scope=scope)
    return _answer(webhook=_webhook(await services.endpoints.create(caller.tenant, form, caller.principal)))


@patch("/webhooks/{id:str}")
async def patch_webhook(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    """Enable or disable it (FX-3)."""
    return await _switch(services, caller, id, body)


@put("/webhooks/{id:str}")
async def put_webhook(services: Services, caller: Caller, id: Id, body: Body) -> Response[bytes]:
    """The same (FX-4)."""
    return await _switch(services, caller, id, body)


@delete("/webhooks/{id:str}", status_code=200)
async def delete_webhook(services: Services, caller: Caller, id: Id) -> Response[bytes]:
    """What waits for it is cancelled (FX-29)."""
    caller.require(Permission.WEBHOOKS_DELETE)
    await services.endpoints.delete(caller.tenant, id)
    return _answer()


async def _switch(services: Services, caller: Caller, id: str, body: bytes) -> Response[bytes]:
    caller.require(Permission.WEBHOOKS_WRITE)
    webhook = services.endpoints.get(caller.tenant, id)
    wanted = read(body, _Change)
    _check_unchanged(webhook, wanted)
    if wanted.enabled != _is_enabled(webhook):
        switch = services.endpoints.resume if wanted.enabled else services.endpoints.pause
        webhook = await switch(caller.tenant, id)
    return _answer(webhook=_webhook(webhook))


def _check_unchanged(webhook: Endpoint, wanted: _Change) -> None:
    """Raises _Fixed. Other spellings of the URL, and orders of event types and DCs, are no change."""
    same = {
        "id": wanted.id in (UNSET, webhook.id),
        "url": _is_url(wanted.url, webhook),
        "webhook_url": _is_url(wanted.webhook_url, webhook),
        "events": wanted.events is UNSET or set(wanted.events) == set(webhook.event_types),
        "dc_ids": wanted.dc_ids is UNSET or set(wanted.dc_ids) == set(_dcs(webhook)),
    }
    for name, is_same in same.items():
        if not is_same:
            raise _Fixed(f"{name} cannot be changed: delete the webhook and add another.")


def _is_url(given: str | UnsetType, webhook: Endpoint) -> bool:
    return given is UNSET or parse(given).text == webhook.url


def _dcs(webhook: Endpoint) -> tuple[str, ...]:
    """None stands for all."""
    return webhook.scope.get(_DCS, ())


def _is_enabled(webhook: Endpoint) -> bool:
    """False for one that we disabled too: its owner can enable it again."""
    return webhook.status is EndpointStatus.ACTIVE


def _webhook(webhook: Endpoint) -> dict[str, object]:
    """The fields of FX-9."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "enabled": _is_enabled(webhook),
        "dc_ids": _dcs(webhook),
        "events": webhook.event_types,
    }


def _answer(**data: object) -> Response[bytes]:
    return answer({"status": "success", "data": data})


def _problem(error: HookferryError) -> tuple[int, object]:
    status, code = _told(error)
    message = "There is no webhook with this id." if error.code == NotFound.code else error.message
    return status, {"status": "error", "data": {"code": code, "message": message}}


def _told(error: HookferryError) -> tuple[int, int]:
    """The status and the number of an error."""
    if isinstance(error, _Fixed):
        return 400, _FIXED
    if error.status >= 500:
        return error.status, _OURS
    if error.status in _OF_STATUS:
        return error.status, _OF_STATUS[error.status]
    return 400, _OF_FIELD.get(error.field or "", _UNREADABLE)


FOXTROT = Dialect(
    "foxtrot",
    bearer,
    _problem,
    [list_webhooks, create_webhook, patch_webhook, put_webhook, delete_webhook],
)
