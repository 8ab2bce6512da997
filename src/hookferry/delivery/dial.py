"""The way to a receiver: look the name up, judge its addresses, connect to one, agree on TLS."""

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from time import perf_counter
from typing import Literal, cast

import msgspec

from hookferry.addresses import Address, literal
from hookferry.delivery.connection import Connection
from hookferry.delivery.failures import Failed, check_ours, connecting, handshaking
from hookferry.delivery.guard import Guard
from hookferry.delivery.resolver import Resolver
from hookferry.errors import Unavailable
from hookferry.exchange import Outcome, Phases
from hookferry.urls import Url

Phase = Literal["dns", "connect", "tls"]

# A name can have hundreds; a receiver that answers on none of these is down.
_ADDRESSES_TRIED = 6
# Linux's IP_BIND_ADDRESS_NO_PORT: the port is chosen when the connection is made, and only there must it be
# free. Without it all connections to all receivers share the 28,000 ports of an address.
_BIND_ADDRESS_NO_PORT = 24
_TIMEOUTS: dict[Phase, tuple[Outcome, str]] = {
    "dns": (Outcome.DNS_TIMEOUT, "The name servers did not answer in time."),
    "connect": (Outcome.CONNECT_TIMEOUT, "The receiver's address did not answer in time."),
    "tls": (Outcome.TLS_TIMEOUT, "The TLS handshake did not end in time."),
}


class Dialler(msgspec.Struct, frozen=True):
    """What every call goes through. `bind` are the local addresses to call from.

    Without any the system chooses; with some, a receiver's address is called only from one of its version.
    """

    guard: Guard
    resolver: Resolver
    tls: ssl.SSLContext
    bind: tuple[Address, ...] = ()

    def local(self, version: int) -> Address | None:
        """The address to call addresses of an IP version from."""
        return next((address for address in self.bind if address.version == version), None)


class Dial:
    """One call. Its mutable state is the phase it is in, how long each took, and the address dialled."""

    def __init__(self, dialler: Dialler, url: Url, deadline: float) -> None:
        self._dialler = dialler
        self._url = url
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._phase: Phase = "dns"
        self._times: dict[Phase, float] = {}
        self.address: str | None = None

    @property
    def phases(self) -> Phases:
        """How long each phase took so far, the one that failed included."""
        return Phases(**self._times)

    async def connect(self, make: Callable[[], Connection]) -> Connection:
        """Connect by the deadline. Raises Failed, or Unavailable for a lack of ours."""
        try:
            async with asyncio.timeout_at(self._deadline):
                addresses = await self._resolve()
                connection = await self._first_of(addresses, make)
                if self._url.scheme == "https":
                    await self._secure(connection)
                return connection
        except TimeoutError:
            raise Failed(*_TIMEOUTS[self._phase]) from None

    @contextmanager
    def _timed(self, phase: Phase) -> Iterator[None]:
        self._phase = phase
        began = perf_counter()
        try:
            yield
        finally:
            self._times[phase] = perf_counter() - began

    async def _resolve(self) -> Sequence[Address]:
        address = literal(self._url.host)
        if address is None:
            with self._timed("dns"):
                found = await self._dialler.resolver.lookup(self._url.host)
        else:
            found = (address,)
        try:
            admitted = self._dialler.guard.admit(self._url.host, found)
        except OSError as error:
            check_ours(error)
            admitted = ()
        if not admitted:
            raise Failed(
                Outcome.FORBIDDEN_ADDRESS, "The receiver's name leads to an address that is not allowed."
            )
        reachable = [one for one in admitted if self._dialler.local(one.version) or not self._dialler.bind]
        if not reachable:
            raise Failed(
                Outcome.CONNECT_UNREACHABLE,
                f"Deliveries do not go to the receiver's kind of address, IPv{admitted[0].version}.",
            )
        return reachable[:_ADDRESSES_TRIED]

    async def _first_of(self, addresses: Sequence[Address], make: Callable[[], Connection]) -> Connection:
        """A connection to the first address that takes one; each gets its share of the time that is left."""
        with self._timed("connect"):
            failure: Failed | None = None
            for tried, address in enumerate(addresses):
                share = (self._deadline - self._loop.time()) / (len(addresses) - tried)
                self.address = str(address)
                try:
                    async with asyncio.timeout(share):
                        return await self._open(address, make)
                except OSError as error:
                    failure = connecting(error, address)
            raise cast(Failed, failure)

    async def _open(self, address: Address, make: Callable[[], Connection]) -> Connection:
        local = self._dialler.local(address.version)
        if local is None:
            # A literal address: the loop has nothing to look up.
            _, connection = await self._loop.create_connection(make, str(address), self._url.port)
        else:
            connection = await self._open_from(local, address, make)
        peer = connection.transport.get_extra_info("peername")
        if not connection.open or peer is None:
            raise ConnectionResetError
        if ip_address(peer[0]) != address:
            connection.close()
            raise Failed(
                Outcome.FORBIDDEN_ADDRESS, "The connection went to another address than the one allowed."
            )
        connection.address = str(address)
        return connection

    async def _open_from(
        self, local: Address, address: Address, make: Callable[[], Connection]
    ) -> Connection:
        calling = bound(local)
        try:
            await self._loop.sock_connect(calling, (str(address), self._url.port))
            _, connection = await self._loop.create_connection(make, sock=calling)
        except BaseException:
            calling.close()
            raise
        return connection

    async def _secure(self, connection: Connection) -> None:
        with self._timed("tls"):
            try:
                transport = await self._loop.start_tls(
                    connection.transport,
                    connection,
                    self._dialler.tls,
                    server_hostname=self._url.host,
                    # The deadline is ours; the loop's own limit must not come before it.
                    ssl_handshake_timeout=max(self._deadline - self._loop.time(), 0) + 1,
                )
            except OSError as error:
                connection.close()
                raise handshaking(error) from error
            except BaseException:
                connection.close()
                raise
        if transport is None or not connection.open:
            raise handshaking(ConnectionResetError())
        connection.transport = transport


def bound(local: Address) -> socket.socket:
    """A socket that calls from a local address. Raises Unavailable if this machine has not that address."""
    family = socket.AF_INET if local.version == 4 else socket.AF_INET6
    try:
        calling = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        check_ours(error)
        raise
    try:
        if sys.platform == "linux":
            calling.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        calling.bind((str(local), 0))
    except OSError as error:
        calling.close()
        raise Unavailable(f"Deliveries cannot come from {local}: {error.strerror}.") from error
    return calling
