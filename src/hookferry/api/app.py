"""The native API as an ASGI app: routes, the guard, dependencies, errors."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import Message, Scope

from hookferry.api import problems
from hookferry.api.access import guard
from hookferry.api.reading import AnyRequest, read_body, read_query
from hookferry.api.reference import Reference
from hookferry.api.routes import (
    alerts,
    catalogue,
    contracts,
    egress,
    endpoints,
    history,
    jobs,
    keys,
    people,
    system,
    tail,
    tenants,
)
from hookferry.errors import HookferryError
from hookferry.service.contracts import Contracts
from hookferry.service.principal import Principal
from hookferry.service.services import Services

# Publishing has its own limits (publish.py); nothing else needs more.
_LARGEST_BODY = 1024 * 1024


def create_app(
    services: Services, metrics: system.Metrics, ready: system.Ready, dialects: Sequence[Router] = ()
) -> Litestar:
    """All routes but the two that publish, which stand before this app.

    `dialects` are other companies' APIs, which stand beside.
    """
    app = Litestar(
        [_v1(services), system.router, *dialects],
        dependencies={
            "ready": Provide(lambda: ready, sync_to_thread=False),
            "metrics": Provide(lambda: metrics, sync_to_thread=False),
            "reference": Provide(lambda: reference, sync_to_thread=False),
        },
        exception_handlers={
            HookferryError: _on_error(services.contracts),
            HTTPException: _where_nothing_is(dialects),
            Exception: _on_bug,
        },
        before_send=[_harden],
        request_max_body_size=_LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    reference = Reference(app)
    return app


def _v1(services: Services) -> Router:
    return Router(
        "/v1",
        guards=[guard(services.keys)],
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "principal": Provide(_principal, sync_to_thread=False),
            "asked": Provide(read_query, sync_to_thread=False),
            "given": Provide(read_body),
        },
        route_handlers=[
            tenants.router,
            people.roles,
            people.members,
            keys.router,
            endpoints.router,
            alerts.router,
            egress.get_egress,
            history.events,
            history.deliveries,
            jobs.router,
            tail.tail,
            catalogue.event_types,
            contracts.router,
        ],
    )


def _principal(request: Request[Principal, Any, Any]) -> Principal:
    return request.user


async def _harden(message: Message, scope: Scope) -> None:
    """Nobody guesses content types, and nobody keeps what may hold a secret."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders(message)
        headers["X-Content-Type-Options"] = "nosniff"
        if scope["path"].startswith("/v1/"):
            headers["Cache-Control"] = "no-store"


def _on_error(contracts: Contracts) -> Callable[[AnyRequest, HookferryError], Response[bytes]]:
    def on_error(request: AnyRequest, error: HookferryError) -> Response[bytes]:
        # A stranger must not learn from a contract's word that there is a tenant which has it.
        seen = request.path_params.get("tenant", "") if request.scope.get("user") else ""
        return _response(*problems.problem(error, contracts.error_code(seen, error.code)))

    return on_error


def _where_nothing_is(
    dialects: Sequence[Router],
) -> Callable[[AnyRequest, HTTPException], Response[bytes]]:
    """What answers for paths and methods without a route: the dialect that they are below, or the native API.

    Litestar asks a router's own handlers only once it has found one of its routes.
    """

    def on_http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
        path = f"{request.url.path}/"
        for router in dialects:
            if _is_below(path, router):
                response: Response[bytes] = router.exception_handlers[HTTPException](request, error)
                return response
        return _on_http_error(request, error)

    return on_http_error


def _is_below(path: str, router: Router) -> bool:
    """True for a path that a dialect answers for. Below /v1, which is native, those are its routes alone."""
    if not path.startswith("/v1/"):
        return path.startswith(f"{router.path.rstrip('/')}/")
    routes = (route.path.partition("{")[0].rstrip("/") for route in router.routes)
    return any(path.startswith(f"{route}/") for route in routes)


def _on_http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    if error.status_code >= 500:
        return _on_bug(request, error)
    return Response(
        problems.http_problem(error.status_code),
        status_code=error.status_code,
        media_type=problems.CONTENT_TYPE,
        headers=error.headers,
    )


def _on_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    return _response(*problems.bug(request.url.path, error))


def _response(status: int, headers: problems.Headers, body: bytes) -> Response[bytes]:
    named = {name.decode(): value.decode() for name, value in headers}
    return Response(body, status_code=status, media_type=problems.CONTENT_TYPE, headers=named)
