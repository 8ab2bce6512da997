"""Who may call what: one guard for every route under /v1."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from hookferry.errors import Unauthenticated
from hookferry.model import Permission
from hookferry.service.keys import Keys

Connection = ASGIConnection[Any, Any, Any, Any]


class Access(StrEnum):
    """What a route asks for when that is no permission. Each route says one or the other as `needs`."""

    ANY_KEY = "any key"
    """Any valid key; on a tenant's path one that may see the tenant."""
    OPERATOR = "operator"
    """An admin key of the whole deployment."""


def bearer(header: bytes | None) -> str:
    """The key in an Authorization header. Raises Unauthenticated."""
    scheme, _, token = (header or b"").partition(b" ")
    if scheme.lower() != b"bearer" or not token.strip():
        raise Unauthenticated("Send your key in the header `Authorization: Bearer hf_...`.")
    return token.strip().decode("latin-1")


def guard(keys: Keys) -> Callable[[Connection, BaseRouteHandler], None]:
    """The guard: it runs before anything of the request is read, and leaves the principal as its user."""

    def authorize(connection: Connection, handler: BaseRouteHandler) -> None:
        header = connection.headers.get("authorization")
        principal = keys.authenticate(bearer(None if header is None else header.encode("latin-1")))
        needs: Access | Permission = handler.opt["needs"]
        if needs is Access.OPERATOR:
            principal.require_operator()
        permission = needs if isinstance(needs, Permission) else None
        principal.require(permission, connection.path_params.get("tenant"))
        connection.scope["user"] = principal

    return authorize
