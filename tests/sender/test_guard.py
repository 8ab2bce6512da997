"""Names, addresses and the guard between them (FAULTS, 24 and "Egress guard"), through the sender."""

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_address, ip_network

import pytest

from hookferry.addresses import Address
from hookferry.delivery.guard import Guard, is_own
from hookferry.delivery.resolver import Resolver
from hookferry.delivery.sender import Sender
from hookferry.exchange import Outcome
from tests.support.dns import NXDOMAIN, SERVFAIL, SILENCE, Reply, StubDns, stub_dns
from tests.support.hostile import OK, answers, answers_and_closes, hostile
from tests.support.requests import post

MakeSender = Callable[..., AbstractAsyncContextManager[Sender]]

HOSTILE = [
    *("http://127.0.0.1/", "http://127.1/", "http://0177.0.0.1/", "http://0x7f000001/", "http://2130706433/"),
    *(
        "http://0/",
        "http://127.0.0.1./",
        "http://169.254.169.254/",
        "http://2852039166/",
        "http://0xA9FEA9FE/",
    ),
    *("http://0.0.0.0/", "http://10.0.0.1/", "http://172.31.255.255/", "http://192.168.1.1/"),
    *("http://100.64.0.1/", "http://100.100.100.200/", "http://169.254.170.2/", "http://168.63.129.16/"),
    *("http://192.0.0.192/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[::]/", "http://[::1]/"),
    *("http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/"),
    *("http://[2002:7f00:1::]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[fe80::1]/"),
    *("http://[fe80::1%25eth0]/", "http://[fec0::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/"),
    *("http://localhost/", "http://LOCALHOST./", "http://metadata.test/", "http://user:pw@host/"),
    *("http://host@127.0.0.1/", "http://127.0.0.1\\@host/", "http://127.0.0.1#@host/", "http://[::1]foo/"),
    *("http://[[::1]]/", "http://host:0/", "http://host:65536/", "http://host:-1/", "http://host:+80/"),
    *("ftp://host/", "file:///etc/passwd", "gopher://host/", "javascript:alert(1)", "//host/"),
    *("http:///127.0.0.1/", "http:127.0.0.1", " http://host/", "http://ho\tst/", "http://host/\r\nX: y"),
    *("http://a..b/", "http://１２７.０.０.１/", f"http://host/{'a' * 65536}"),
]


@pytest.fixture
def sender_with(tls: ssl.SSLContext) -> MakeSender:
    """Makes senders that ask a stub server, with networks opened by name."""

    @asynccontextmanager
    async def make(
        dns: StubDns, *networks: str, own: Callable[[Address], bool] = is_own
    ) -> AsyncIterator[Sender]:
        guard = Guard([ip_network(network) for network in networks], own)
        sender = Sender(guard, Resolver([dns.address]), tls)
        yield sender
        await sender.close()

    return make


@pytest.mark.parametrize("url", HOSTILE)
async def test_hostile_urls_are_never_dialled(sender_with: MakeSender, url: str) -> None:
    """Each URL of the list ends before a connection is tried."""
    async with stub_dns(metadata=Reply("169.254.169.254")) as dns, sender_with(dns) as sender:
        result = await sender.send(post(url))
        refused = result.outcome in (Outcome.INVALID_URL, Outcome.FORBIDDEN_ADDRESS)
        assert (refused, result.address) == (True, None)


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        pytest.param(NXDOMAIN, Outcome.DNS_NOT_FOUND, id="fault_24_nxdomain"),
        pytest.param(Reply(), Outcome.DNS_NOT_FOUND, id="fault_24_no_address"),
        pytest.param(SERVFAIL, Outcome.DNS_FAILURE, id="fault_24_servfail"),
        pytest.param(SILENCE, Outcome.DNS_TIMEOUT, id="fault_24_silence"),
        pytest.param(Reply("10.0.0.1"), Outcome.FORBIDDEN_ADDRESS, id="fault_24_forbidden"),
        pytest.param(Reply("8.8.8.8", "10.0.0.1"), Outcome.FORBIDDEN_ADDRESS, id="public_and_private"),
        pytest.param(Reply("8.8.8.8", "fd00::1"), Outcome.FORBIDDEN_ADDRESS, id="public_and_private_v6"),
        pytest.param(Reply("64:ff9b::7f00:1"), Outcome.FORBIDDEN_ADDRESS, id="wrapped"),
    ],
)
async def test_causes_of_look_ups_that_fail(
    sender_with: MakeSender, replies: Reply, outcome: Outcome
) -> None:
    """No such name, a failing server, a silent one and a forbidden address are four outcomes."""
    async with stub_dns(name=replies) as dns, sender_with(dns) as sender:
        assert (await sender.send(post("http://name.test/", timeout=0.2))).outcome is outcome


async def test_details_name_no_address(sender_with: MakeSender) -> None:
    """A tenant does not learn what a name resolves to inside."""
    async with stub_dns(name=Reply("10.1.2.3")) as dns, sender_with(dns) as sender:
        result = await sender.send(post("http://name.test/"))
        assert "10.1.2.3" not in repr(result)


async def test_rebinding(sender_with: MakeSender) -> None:
    """A name that answers with an allowed address first and another at the second look is refused then."""
    looks = [Reply("127.0.0.1"), Reply("127.0.0.2")]
    closing = answers_and_closes(b"HTTP/1.1 200 OK\r\n\r\nok")
    async with (
        stub_dns(name=looks) as dns,
        sender_with(dns, "127.0.0.1/32") as sender,
        hostile(closing) as receiver,
    ):
        outcomes = [(await sender.send(post(receiver.url(host="name.test")))).outcome for _ in range(2)]
        assert outcomes == [Outcome.RESPONSE, Outcome.FORBIDDEN_ADDRESS]


async def test_own_public_name(sender_with: MakeSender) -> None:
    """A public address of this machine is refused."""
    async with (
        stub_dns(own=Reply("8.8.8.8")) as dns,
        sender_with(dns, own=lambda address: str(address) == "8.8.8.8") as sender,
    ):
        assert (await sender.send(post("http://own.test/"))).outcome is Outcome.FORBIDDEN_ADDRESS


async def test_opened_networks_override_own_addresses(sender_with: MakeSender) -> None:
    """What an operator opened is reached, though it is this machine's."""
    async with (
        stub_dns() as dns,
        sender_with(dns, "127.0.0.0/8", own=lambda address: True) as sender,
        hostile(answers(OK)) as receiver,
    ):
        assert (await sender.send(post(receiver.url()))).outcome is Outcome.RESPONSE


async def test_localhost_means_what_was_opened(sender_with: MakeSender) -> None:
    """With IPv4 loopback opened, localhost is reached there, and ::1 does not spoil it."""
    async with (
        stub_dns() as dns,
        sender_with(dns, "127.0.0.1/32") as sender,
        hostile(answers(OK)) as receiver,
    ):
        assert (await sender.send(post(receiver.url(host="localhost")))).address == "127.0.0.1"


async def test_ipv6(sender_with: MakeSender) -> None:
    """An IPv6 literal is dialled and keeps its brackets in the Host header."""
    async with (
        stub_dns() as dns,
        sender_with(dns, "::1/128") as sender,
        hostile(answers(OK), host="::1") as receiver,
    ):
        await sender.send(post(receiver.url(host="[::1]")))
        assert b"\r\nHost: [::1]:%d\r\n" % receiver.port in receiver.requests[0]


async def test_addresses_are_tried_in_turn(sender_with: MakeSender) -> None:
    """A receiver is reached though another of its addresses refuses."""
    async with (
        stub_dns(name=Reply("127.0.0.2", "127.0.0.1", "127.0.0.3")) as dns,
        sender_with(dns, "127.0.0.0/8") as sender,
        hostile(answers(OK)) as receiver,
    ):
        assert (await sender.send(post(receiver.url(host="name.test")))).address == "127.0.0.1"


async def test_a_black_hole_leaves_time_for_the_next_address(sender_with: MakeSender) -> None:
    """An address that never answers takes its share of the time only."""
    async with (
        stub_dns(name=Reply("127.0.0.2", "127.0.0.1")) as dns,
        sender_with(dns, "127.0.0.0/8") as sender,
        hostile(answers(OK)) as receiver,
    ):
        with (
            socket.create_server(("127.0.0.2", receiver.port), backlog=0) as full,
            socket.create_connection(full.getsockname()),
        ):
            result = await sender.send(post(receiver.url(host="name.test"), timeout=0.4))
            assert result.outcome is Outcome.RESPONSE


@pytest.mark.parametrize(("ttl", "asked"), [(60, 1), (0, 2)])
async def test_answers_are_kept_for_a_while(sender_with: MakeSender, ttl: int, asked: int) -> None:
    """A name is asked for once within its time to live, each time without one."""
    async with (
        stub_dns(name=Reply("127.0.0.1", ttl=ttl)) as dns,
        sender_with(dns, "127.0.0.0/8") as sender,
        hostile(answers_and_closes(b"HTTP/1.1 200 OK\r\n\r\nok")) as receiver,
    ):
        for _ in range(2):
            await sender.send(post(receiver.url(host="name.test")))
        assert dns.asked["name.test"] == asked


@pytest.mark.parametrize(
    ("address", "own"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("8.8.8.8", False), ("2606:4700::1111", False)],
)
def test_own_addresses_are_known(address: str, own: bool) -> None:
    """The kernel tells this machine's addresses from others."""
    assert is_own(ip_address(address)) is own
