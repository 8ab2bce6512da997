"""Where requests come from: bound to local addresses (Y-15)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network

import pytest

from hookferry.addresses import Address
from hookferry.delivery.guard import Guard
from hookferry.delivery.resolver import Resolver
from hookferry.delivery.sender import Sender
from hookferry.errors import Unavailable
from hookferry.exchange import Outcome
from tests.support.dns import Reply, stub_dns
from tests.support.hostile import OK, Receiver, answers, hostile
from tests.support.requests import post

SOURCE = ip_address("127.0.0.2")
SOURCE_V6 = ip_address("::1")
ALLOWED = Guard([ip_network("127.0.0.0/8"), ip_network("::1/128")])


def sources(receiver: Receiver) -> list[str]:
    """Where its connections came from."""
    return [peer.address for peer in receiver.peers]


@asynccontextmanager
async def bound_sender(tls: ssl.SSLContext, *bind: Address) -> AsyncIterator[Sender]:
    sender = Sender(ALLOWED, tls=tls, bind=bind)
    yield sender
    await sender.close()


async def test_requests_come_from_the_bound_address(tls: ssl.SSLContext) -> None:
    """The receiver sees it."""  # Y-15
    async with hostile(answers(OK)) as receiver, bound_sender(tls, SOURCE) as sender:
        result = await sender.send(post(receiver.url()))
    assert (result.outcome, sources(receiver)) == (Outcome.RESPONSE, ["127.0.0.2"])


async def test_requests_come_from_anywhere_without_one(sender: Sender) -> None:
    """The system chooses."""
    async with hostile(answers(OK)) as receiver:
        await sender.send(post(receiver.url()))
    assert sources(receiver) == ["127.0.0.1"]


async def test_each_version_has_its_own(tls: ssl.SSLContext) -> None:
    """One for IPv4 and one for IPv6."""  # Y-15
    async with (
        hostile(answers(OK), host="::1") as six,
        hostile(answers(OK)) as four,
        bound_sender(tls, SOURCE, SOURCE_V6) as sender,
    ):
        await sender.send(post(six.url(host="[::1]")))
        await sender.send(post(four.url()))
    assert (sources(six), sources(four)) == (["::1"], ["127.0.0.2"])


async def test_a_version_without_one_is_not_called(tls: ssl.SSLContext) -> None:
    """No request comes from an address that nobody was told of."""  # Y-15
    async with hostile(answers(OK), host="::1") as receiver, bound_sender(tls, SOURCE) as sender:
        result = await sender.send(post(receiver.url(host="[::1]")))
    assert (result.outcome, sources(receiver)) == (Outcome.CONNECT_UNREACHABLE, [])


async def test_a_name_is_called_where_it_can_be(tls: ssl.SSLContext) -> None:
    """Of its addresses those of the right version are tried."""
    async with hostile(answers(OK)) as receiver, stub_dns(both=Reply("::1", "127.0.0.1")) as dns:
        sender = Sender(ALLOWED, Resolver([dns.address]), tls, bind=[SOURCE])
        result = await sender.send(post(receiver.url(host="both.test")))
        await sender.close()
    assert (result.outcome, result.address, sources(receiver)) == (
        Outcome.RESPONSE,
        "127.0.0.1",
        ["127.0.0.2"],
    )


async def test_a_refused_connection_has_its_name(tls: ssl.SSLContext) -> None:
    """As without a bound address."""
    async with hostile(answers(OK)) as receiver:
        url = receiver.url()
    async with bound_sender(tls, SOURCE) as sender:
        assert (await sender.send(post(url))).outcome is Outcome.CONNECT_REFUSED


async def test_an_address_of_another_machine_is_refused(tls: ssl.SSLContext) -> None:
    """At once, and not at each delivery."""
    with pytest.raises(Unavailable, match=r"192\.0\.2\.1"):
        Sender(ALLOWED, tls=tls, bind=[ip_address("192.0.2.1")])


async def test_many_connections_share_no_port(tls: ssl.SSLContext) -> None:
    """Two receivers are called at once from as many sockets."""
    async with hostile(answers(OK)) as one, hostile(answers(OK)) as two, bound_sender(tls, SOURCE) as sender:
        urls = [receiver.url() for receiver in (one, two) for _ in range(100)]
        results = await asyncio.gather(*(sender.send(post(url)) for url in urls))
    assert {result.outcome for result in results} == {Outcome.RESPONSE}
