"""What the dialects share: who is calling, bodies read, answers written, errors in the company's words.

A dialect is data: where its key stands, how an error looks, and its routes. A route's function asks for
`services: Services`, `caller: Caller`, `body: Body` (raw bytes) and what stands in the path, such as
`id: Id`; it checks the caller's permission and maps words; the services decide.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import structlog
from litestar import Request, Response, Router
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, RawBody
from msgspec import UNSET, UnsetType

from hookferry.errors import Conflict, HookferryError, Invalid, Malformed, Unauthenticated
from hookferry.logs import described
from hookferry.model import Endpoint, EndpointStatus, Permission
from hookferry.service import services as use_cases
from hookferry.service.forms import EndpointChange, NewEndpoint, Rotation
from hookferry.service.principal import Principal

T = TypeVar("T")

_log = structlog.get_logger("hookferry.dialects")


class TenantCaller(msgspec.Struct, frozen=True):
    """The holder of a tenant's key."""

    tenant: str
    principal: Principal

    def require(self, permission: Permission) -> None:
        """Raises Forbidden if the key lacks it."""
        self.principal.require(permission, self.tenant)


Services = NamedDependency[use_cases.Services]
Caller = NamedDependency[TenantCaller]
Body = RawBody
Id = FromPath[str]


class Dialect(msgspec.Struct, frozen=True):
    """A company's API. `name` is that of its contract.

    `token` finds the key in an Authorization or other header, None where there is none; `problem` gives the
    status and the body of an error.
    """

    name: str
    token: Callable[[Request[Any, Any, Any]], str | None]
    problem: Callable[[HookferryError], tuple[int, object]]
    routes: Sequence[HTTPRouteHandler]


def router(path: str, dialect: Dialect, services: use_cases.Services) -> Router:
    """A dialect's routes under a path, which only tenants of its contract may call."""

    def caller(request: Request[Any, Any, Any]) -> TenantCaller:
        principal = services.keys.authenticate(dialect.token(request) or "")
        if principal.tenant is None or services.tenants.get(principal.tenant).contract != dialect.name:
            raise Unauthenticated("This key is not one of this API.")
        return TenantCaller(principal.tenant, principal)

    def failed(request: Request[Any, Any, Any], error: HookferryError) -> Response[bytes]:
        response = answer(*dialect.problem(error)[::-1])
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    def refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        problem = HookferryError(error.detail)
        problem.status = error.status_code
        response = failed(request, problem)
        response.headers.update(error.headers or {})
        return response

    def broken(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        _log.error("a request ran into a bug", path=request.url.path, **described(error))
        return failed(request, HookferryError("Something went wrong on our side."))

    return Router(
        path,
        route_handlers=list(dialect.routes),
        include_in_schema=False,
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "caller": Provide(caller, sync_to_thread=False),
        },
        exception_handlers={HookferryError: failed, HTTPException: refused, Exception: broken},
    )


def bearer(request: Request[Any, Any, Any]) -> str | None:
    """The key of `Authorization: Bearer KEY` (RFC 6750)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def read(body: bytes, form: type[T]) -> T:
    """A JSON body as a struct. Raises Malformed for what is no JSON, and for values of the wrong type."""
    try:
        body.decode()
        return msgspec.json.decode(body or b"{}", type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"{error}") from error


def answer(content: object, status: int = 200) -> Response[bytes]:
    """A JSON answer that nobody keeps: it may hold a secret."""
    body = b"" if content is None else msgspec.json.encode(content)
    return Response(
        body, status_code=status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )


class NewWebhook(msgspec.Struct):
    """What registers a webhook, for companies whose secret is the customer's. No events, or null: all."""

    url: str
    events: list[str] | None = None
    secret: str | None = None
    name: str | None = None

    def form(self, otherwise: Sequence[str] = ()) -> NewEndpoint:
        """The same in the words of the services; with these events if it names none."""
        return NewEndpoint(
            url=self.url,
            event_types=self.events or list(otherwise),
            name=self.name or "",
            secret=self.secret,
        )


class WebhookChange(msgspec.Struct):
    """What to change of such a webhook: `secret` null takes it away. What else an answer shows is ignored."""

    url: str | UnsetType = UNSET
    events: list[str] | UnsetType | None = UNSET
    secret: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    status: str | UnsetType = UNSET

    def form(self) -> EndpointChange:
        """What of it the services change in one go."""
        return EndpointChange(
            url=self.url,
            event_types=[] if self.events is None else self.events,
            name="" if self.name is None else self.name,
        )


async def change_webhook(
    services: use_cases.Services, caller: TenantCaller, id: str, wanted: WebhookChange
) -> Endpoint:
    """Change what is given.

    Raises what the services raise; a secret or a status that cannot be is refused before anything is changed.
    """
    tenant, old = caller.tenant, services.endpoints.get(caller.tenant, id)
    secret, status = wanted.secret, wanted.status
    switches = {"active": services.endpoints.resume, "paused": services.endpoints.pause}
    if status not in (UNSET, old.status, *switches):
        raise Invalid("It is active or paused.", field="status")
    if status == EndpointStatus.PAUSED and old.status is EndpointStatus.DISABLED:
        raise Conflict("The endpoint is disabled: it receives nothing that could be held.")
    if isinstance(secret, str):
        services.contract_of(tenant).check_secret(secret)
    found = await services.endpoints.change(tenant, id, wanted.form())
    if secret is None:
        found = await services.secrets.remove(tenant, id)
    elif secret is not UNSET:
        found = await services.secrets.rotate(tenant, id, Rotation(secret=secret), caller.principal)
    if status not in (UNSET, found.status):
        found = await switches[str(status)](tenant, id)
    return found
