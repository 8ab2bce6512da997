"""The companies' own management APIs: thin modules over the same services as the native API."""

from collections.abc import Mapping

from litestar import Router

from hookferry.dialects.kit import Dialect, router
from hookferry.service.services import Services

_ALL: tuple[Dialect, ...] = ()

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in _ALL}
"""By the name of the contract whose tenants speak it."""


def routers(services: Services, root: str | None = None) -> list[Router]:
    """Each dialect under its name, and one of them at the root as well."""
    found = [router(f"/{name}", dialect, services) for name, dialect in DIALECTS.items()]
    return found if root is None else [*found, router("/", DIALECTS[root], services)]
