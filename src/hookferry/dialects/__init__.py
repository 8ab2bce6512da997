"""The companies' own management APIs: thin modules over the same services as the native API."""

from collections.abc import Mapping

from litestar import Router

from hookferry.contracts.source import meant
from hookferry.dialects.foxtrot import FOXTROT
from hookferry.dialects.kit import Dialect, router
from hookferry.dialects.octopi import OCTOPI
from hookferry.dialects.opentrack import OPENTRACK
from hookferry.dialects.tracktile import TRACKTILE
from hookferry.dialects.y42 import Y42
from hookferry.errors import StartError
from hookferry.service.services import Services

_ALL: tuple[Dialect, ...] = (FOXTROT, OCTOPI, OPENTRACK, TRACKTILE, Y42)

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in _ALL}
"""By the name of the contract whose tenants speak it."""


def check_root(name: str | None) -> None:
    """Raises StartError for a contract that has no API of its own for the root."""
    if name is not None and name not in DIALECTS:
        raise StartError(
            f"The contract {name!r} has no API of its own for the root; {meant(name, DIALECTS)}. "
            "Tenants of any contract need no --contract."
        )


def routers(services: Services, root: str | None = None) -> list[Router]:
    """Each dialect under its name, and that of the contract `root` at the root as well."""
    found = [router(f"/{name}", dialect, services) for name, dialect in DIALECTS.items()]
    return found if root is None else [*found, router("/", DIALECTS[root], services)]
