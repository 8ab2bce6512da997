"""Errors of the system as outcomes."""

import errno
import ssl
from ipaddress import ip_address

import pytest

from hookferry.delivery.failures import breaking, connecting
from hookferry.errors import Unavailable
from hookferry.exchange import Outcome

V4, V6 = ip_address("8.8.8.8"), ip_address("2606:4700::1111")


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.ECONNREFUSED, Outcome.CONNECT_REFUSED),
        (errno.ETIMEDOUT, Outcome.CONNECT_TIMEOUT),
        (errno.EHOSTUNREACH, Outcome.CONNECT_UNREACHABLE),
        (errno.ENETUNREACH, Outcome.CONNECT_UNREACHABLE),
        (errno.EPERM, Outcome.CONNECT_UNREACHABLE),
        (errno.EAFNOSUPPORT, Outcome.CONNECT_UNREACHABLE),
        (errno.ECONNRESET, Outcome.CONNECTION_RESET),
    ],
)
def test_causes_of_connections_that_fail(number: int, outcome: Outcome) -> None:
    """Each error of connecting has its outcome."""
    assert connecting(OSError(number, "x"), V4).outcome is outcome


@pytest.mark.parametrize(
    "number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL]
)
def test_fault_29_lacks_of_ours(number: int) -> None:
    """Descriptors, buffers, memory and local ports that run out are no failure of the receiver."""
    with pytest.raises(Unavailable):
        connecting(OSError(number, "x"), V4)


def test_no_ipv6_here() -> None:
    """On a machine without IPv6 a receiver that has nothing else is unreachable, not ours to wait for."""
    failed = connecting(OSError(errno.EADDRNOTAVAIL, "x"), V6)
    assert failed.outcome is Outcome.CONNECT_UNREACHABLE


def test_fault_23_tls_that_ends_after_the_handshake() -> None:
    """A receiver that misses a client certificate says so late; it is a failure of TLS all the same."""
    assert breaking(ssl.SSLError(1, "tlsv13 alert certificate required"))[0] is Outcome.TLS_FAILURE
