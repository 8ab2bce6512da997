"""A DNS server on loopback that answers by script: addresses, an error code, or nothing at all."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import cast

_A, _AAAA = 1, 28


class Reply:
    """One answer: the addresses of a name, an error code of RFC 1035, or silence."""

    def __init__(self, *addresses: str, code: int = 0, ttl: int = 0, silent: bool = False) -> None:
        self.addresses = [ip_address(address) for address in addresses]
        self.code = code
        self.ttl = ttl
        self.silent = silent

    def records(self, kind: int) -> list[bytes]:
        version = {_A: 4, _AAAA: 6}.get(kind)
        return [
            struct.pack("!HHHIH", 0xC00C, kind, 1, self.ttl, len(address.packed)) + address.packed
            for address in self.addresses
            if address.version == version
        ]


SERVFAIL = Reply(code=2)
NXDOMAIN = Reply(code=3)
SILENCE = Reply(silent=True)


class StubDns(asyncio.DatagramProtocol):
    """Answers each name with its replies in turn, the last one for ever; unknown names do not exist.

    Its mutable state is how often the IPv4 addresses of each name were asked for: `asked`.
    """

    def __init__(self, replies: Mapping[str, Sequence[Reply]]) -> None:
        self._replies = replies
        self.asked: dict[str, int] = {}
        self.address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, kind, end = _question(data)
        reply = self._reply(name, kind)
        if reply.silent:
            return
        records = reply.records(kind)
        head = struct.pack("!HHHHHH", int.from_bytes(data[:2]), 0x8180 | reply.code, 1, len(records), 0, 0)
        self._transport.sendto(head + data[12:end] + b"".join(records), addr)

    def _reply(self, name: str, kind: int) -> Reply:
        replies = self._replies.get(name, (NXDOMAIN,))
        asked = self.asked.get(name, 0)
        if kind == _A:
            self.asked[name] = asked + 1
        return replies[min(asked, len(replies) - 1)]


def _question(data: bytes) -> tuple[str, int, int]:
    """The name and type that a query asks for, and where the question ends."""
    labels, at = [], 12
    while length := data[at]:
        labels.append(data[at + 1 : at + 1 + length].decode())
        at += 1 + length
    (kind,) = struct.unpack_from("!H", data, at + 1)
    return ".".join(labels).lower(), kind, at + 5


@asynccontextmanager
async def stub_dns(**replies: Reply | Sequence[Reply]) -> AsyncIterator[StubDns]:
    """A server for names below `.test`: `stub_dns(gone=NXDOMAIN)` answers for `gone.test`."""
    scripts = {
        f"{name}.test": (script,) if isinstance(script, Reply) else script for name, script in replies.items()
    }
    transport, stub = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: StubDns(scripts), local_addr=("127.0.0.1", 0)
    )
    try:
        yield stub
    finally:
        transport.close()
