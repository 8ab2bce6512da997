"""Names to addresses, over c-ares: look-ups that can be abandoned and whose failures have causes.

`getaddrinfo` can do neither: it cannot be cancelled, and it hides whether a name does not exist or a
server did not answer (FAULTS, 24).
"""

import asyncio
import socket
import time
from collections.abc import Sequence
from ipaddress import ip_address

import aiodns
import aiodns.error as causes
import pycares

from hookferry.addresses import Address
from hookferry.delivery.failures import Failed, check_descriptors
from hookferry.exchange import Outcome

# No search domains and no HOSTALIASES: a receiver's name means the same on every machine.
_FLAGS = pycares.ARES_FLAG_NOSEARCH | pycares.ARES_FLAG_NOALIASES
_TRY = 2.0
_TRIES = 2
# A hit saves 70 us of c-ares, a third of a fresh connection; what it returns is judged anew each time.
_KEPT_FOR = 5.0
_KEPT = 1024

_ABSENT = frozenset({causes.ARES_ENOTFOUND, causes.ARES_ENODATA, causes.ARES_ENONAME, causes.ARES_EBADNAME})
_SILENT = frozenset({causes.ARES_ETIMEOUT})


class Resolver:
    """Looks names up, /etc/hosts included. `nameservers` ("host:port") replace the system's.

    Its mutable state is the c-ares channel, opened at the first name, and the answers of the last seconds.
    """

    def __init__(self, nameservers: Sequence[str] = ()) -> None:
        self._nameservers = nameservers
        self._channel: aiodns.DNSResolver | None = None
        self._known: dict[str, tuple[float, Sequence[Address]]] = {}

    async def lookup(self, host: str) -> Sequence[Address]:
        """The addresses of a name, best first.

        Raises Failed with one of the DNS outcomes; Unavailable without file descriptors.
        """
        expiry, addresses = self._known.get(host, (0.0, ()))
        if expiry > time.monotonic():
            return addresses
        try:
            found = await self._open().getaddrinfo(host, type=socket.SOCK_STREAM)
        except (causes.DNSError, pycares.AresError) as error:
            raise _failed(error) from error
        addresses = [ip_address(node.addr[0].decode()) for node in found.nodes]
        self._keep(host, addresses, min((node.ttl for node in found.nodes), default=0))
        return addresses

    async def close(self) -> None:
        """Give up what is being looked up."""
        if self._channel is not None:
            await self._channel.close()

    def _open(self) -> aiodns.DNSResolver:
        if self._channel is None:
            self._channel = aiodns.DNSResolver(
                self._nameservers, asyncio.get_running_loop(), timeout=_TRY, tries=_TRIES, flags=_FLAGS
            )
        return self._channel

    def _keep(self, host: str, addresses: Sequence[Address], ttl: float) -> None:
        self._known.pop(host, None)
        if ttl > 0:
            self._known[host] = (time.monotonic() + min(ttl, _KEPT_FOR), addresses)
        if len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]


def _failed(error: Exception) -> Failed:
    cause = error.args[0] if error.args else None
    if cause in _ABSENT:
        return Failed(Outcome.DNS_NOT_FOUND, "The receiver's name does not exist or has no address.")
    check_descriptors()
    if cause in _SILENT:
        return Failed(Outcome.DNS_TIMEOUT, "The name servers did not answer in time.")
    return Failed(Outcome.DNS_FAILURE, "The name servers could not look the receiver's name up.")
