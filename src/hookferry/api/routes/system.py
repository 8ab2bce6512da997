"""/healthz, /readyz, /metrics, /openapi.json and /docs: for operators and readers, without a key."""

from collections.abc import Awaitable, Callable

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency

from hookferry.api.reference import Reference
from hookferry.errors import Unavailable

Ready = Callable[[], Awaitable[str | None]]
"""None if events can be stored, else the reason why not."""

Metrics = Callable[[], Awaitable[bytes]]
"""The metrics in Prometheus' text format."""


class Health(msgspec.Struct, frozen=True):
    """How the process is."""

    status: str


@get("/healthz", sync_to_thread=False)
def healthz() -> Health:
    """Say that the process lives."""
    return Health("ok")


@get("/readyz")
async def readyz(ready: NamedDependency[Ready]) -> Health:
    """Say whether events can be stored.

    503 with the reason if not.
    """
    reason = await ready()
    if reason is not None:
        raise Unavailable(reason)
    return Health("ready")


@get("/metrics", media_type="text/plain")
async def read_metrics(metrics: NamedDependency[Metrics]) -> Response[bytes]:
    """Read the metrics.

    In Prometheus' text format.
    """
    return Response(await metrics(), media_type="text/plain; version=0.0.4")


@get("/openapi.json", media_type="application/json", sync_to_thread=False)
def read_openapi(reference: NamedDependency[Reference]) -> Response[bytes]:
    """Read the OpenAPI document."""
    return Response(reference.json, media_type="application/json")


@get("/docs", media_type="text/html", sync_to_thread=False)
def read_docs(reference: NamedDependency[Reference]) -> Response[bytes]:
    """Read this page."""
    return Response(
        reference.page,
        media_type="text/html",
        headers={"Content-Security-Policy": reference.policy, "Referrer-Policy": "no-referrer"},
    )


router = Router("/", route_handlers=[healthz, readyz, read_metrics, read_openapi, read_docs], tags=["System"])
