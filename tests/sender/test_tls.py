"""TLS that is refused, each with its cause, and never a downgrade (FAULTS, 23)."""

import ssl
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
import trustme

from hookferry.delivery.guard import Guard
from hookferry.delivery.sender import Sender, default_tls
from hookferry.exchange import Outcome
from tests.support import hostile as scripts
from tests.support.hostile import OK, answers, hostile
from tests.support.requests import post

PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def sender(authority: trustme.CA) -> AsyncIterator[Sender]:
    """A sender that trusts the authority of these tests."""
    tls = default_tls()
    authority.configure_trust(tls)
    sender = Sender(Guard([ip_network("127.0.0.0/8")]), tls=tls)
    yield sender
    await sender.close()


def server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A receiver's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def test_tls(sender: Sender, authority: trustme.CA) -> None:
    """A certificate for the name is accepted, the handshake timed, the connection kept."""
    async with hostile(answers(OK), tls=server(authority.issue_cert("localhost"))) as receiver:
        first = await sender.send(post(receiver.url(host="localhost")))
        second = await sender.send(post(receiver.url(host="localhost")))
        assert (first.outcome, first.phases.tls is not None, second.outcome, len(receiver.peers)) == (
            Outcome.RESPONSE,
            True,
            Outcome.RESPONSE,
            1,
        )


async def test_tls_to_an_address(sender: Sender, authority: trustme.CA) -> None:
    """A certificate for an address is accepted at that address."""
    async with hostile(answers(OK), tls=server(authority.issue_cert("127.0.0.1"))) as receiver:
        assert (await sender.send(post(receiver.url()))).outcome is Outcome.RESPONSE


async def test_server_name(sender: Sender, authority: trustme.CA) -> None:
    """The receiver is told the name, though the connection goes to the address."""
    names: list[str | None] = []
    context = server(authority.issue_cert("localhost"))
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    async with hostile(answers(OK), tls=context) as receiver:
        await sender.send(post(receiver.url(host="localhost")))
        assert names == ["localhost"]


async def test_fault_23_expired(sender: Sender, authority: trustme.CA) -> None:
    """An expired certificate is told apart."""
    certificate = authority.issue_cert(
        "localhost", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=PAST
    )
    async with hostile(answers(OK), tls=server(certificate)) as receiver:
        assert (await sender.send(post(receiver.url(host="localhost")))).outcome is Outcome.TLS_EXPIRED


async def test_fault_23_unknown_authority(sender: Sender) -> None:
    """A certificate that nobody we trust has signed is told apart."""
    async with hostile(answers(OK), tls=server(trustme.CA().issue_cert("localhost"))) as receiver:
        assert (await sender.send(post(receiver.url(host="localhost")))).outcome is Outcome.TLS_UNTRUSTED


async def test_fault_23_wrong_host(sender: Sender, authority: trustme.CA) -> None:
    """A certificate for another name is told apart."""
    async with hostile(answers(OK), tls=server(authority.issue_cert("other.test"))) as receiver:
        assert (await sender.send(post(receiver.url(host="localhost")))).outcome is Outcome.TLS_WRONG_HOST


async def test_fault_23_wrong_address(sender: Sender, authority: trustme.CA) -> None:
    """A certificate for a name does not do for an address."""
    async with hostile(answers(OK), tls=server(authority.issue_cert("localhost"))) as receiver:
        assert (await sender.send(post(receiver.url()))).outcome is Outcome.TLS_WRONG_HOST


async def test_fault_23_tls_1_0(sender: Sender, authority: trustme.CA) -> None:
    """A receiver that speaks TLS 1.0 only is refused."""
    context = server(authority.issue_cert("localhost"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with hostile(answers(OK), tls=context) as receiver:
        assert (await sender.send(post(receiver.url(host="localhost")))).outcome is Outcome.TLS_FAILURE


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        pytest.param(scripts.silent, Outcome.TLS_TIMEOUT, id="fault_23_stalled"),
        pytest.param(scripts.dribbles(b"", b"\x16\x03\x03" * 9), Outcome.TLS_TIMEOUT, id="fault_23_dribbled"),
        pytest.param(scripts.talks_past(b""), Outcome.TLS_FAILURE, id="fault_23_closed"),
        pytest.param(scripts.resets, Outcome.TLS_FAILURE, id="fault_23_reset"),
        pytest.param(scripts.talks_past(OK), Outcome.TLS_FAILURE, id="fault_23_plain_http"),
    ],
)
async def test_handshakes_that_fail(sender: Sender, script: scripts.Script, outcome: Outcome) -> None:
    """A receiver without TLS, or one that stalls or leaves, is no success and no other phase's failure."""
    async with hostile(script) as receiver:
        url = receiver.url().replace("http://", "https://")
        assert (await sender.send(post(url, timeout=0.3))).outcome is outcome
