"""What a process that only delivers answers: whether it lives, is ready, and its metrics."""

from litestar.types import ASGIApp, Receive, Scope, Send

from hookferry.api import problems

_PATHS = ("/healthz", "/readyz", "/metrics")


class Vitals:
    """An ASGI app that lets only these paths through to another."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in _PATHS:
            await self._app(scope, receive, send)
            return
        body = problems.http_problem(404)
        headers = [(b"content-type", problems.CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
