"""What went wrong on the way to an answer: errors of the system and of TLS turned into outcomes.

The details are shown to tenants: they name no address and no number of the system.
"""

import errno
import socket
import ssl

from hookferry.addresses import Address
from hookferry.errors import Unavailable
from hookferry.exchange import Outcome

# This machine is out of something: not the receiver's fault, so it spends no attempt (FAULTS, 29).
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

# OpenSSL's X509_V_ERR_* numbers.
_EXPIRED = 10
_OTHER_NAME = frozenset({62, 64})


class Failed(Exception):
    """There is no connection: raised and caught within one attempt."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


class Overtaken(Exception):
    """While a connection was made things have changed: on this one nothing was sent."""


def check_ours(error: OSError) -> None:
    """Raise Unavailable if the error is a lack of ours."""
    if error.errno in _OURS:
        raise Unavailable(
            "This machine has no file descriptors or buffers left for new connections."
        ) from error


def check_descriptors() -> None:
    """Raise Unavailable if no socket can be opened; c-ares does not tell this from a failing server."""
    try:
        socket.socket().close()
    except OSError as error:
        check_ours(error)


def connecting(error: OSError, address: Address) -> Failed:
    """Why a connection could not be made. Raises Unavailable for a lack of ours."""
    check_ours(error)
    if error.errno == errno.EADDRNOTAVAIL and address.version == 4:
        # For IPv6 the same number can mean that this machine has no IPv6 at all.
        raise Unavailable("This machine has no local ports left for new connections.") from error
    if isinstance(error, TimeoutError):
        return Failed(Outcome.CONNECT_TIMEOUT, "The receiver's address did not answer in time.")
    if isinstance(error, ConnectionRefusedError):
        return Failed(Outcome.CONNECT_REFUSED, "The receiver refused the connection.")
    if isinstance(error, ConnectionResetError):
        return Failed(Outcome.CONNECTION_RESET, "The receiver reset the connection.")
    return Failed(Outcome.CONNECT_UNREACHABLE, "There is no way to the receiver's address.")


def handshaking(error: OSError) -> Failed:
    """Why TLS could not be agreed on. Raises Unavailable for a lack of ours."""
    check_ours(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error)
    if isinstance(error, ssl.SSLError):
        return Failed(Outcome.TLS_FAILURE, f"TLS could not be agreed on: {_reason(error)}.")
    if isinstance(error, TimeoutError):
        return Failed(Outcome.TLS_TIMEOUT, "The TLS handshake did not end in time.")
    return Failed(Outcome.TLS_FAILURE, "The receiver closed the connection during the TLS handshake.")


def breaking(error: Exception | None) -> tuple[Outcome, str]:
    """Why a connection ended before an answer was whole; None is an end in good order."""
    if error is None:
        return Outcome.CONNECTION_CLOSED, "The receiver closed the connection before its answer was whole."
    if isinstance(error, ssl.SSLError):
        # With TLS 1.3 a receiver that wants a client certificate says so only now.
        return Outcome.TLS_FAILURE, f"The receiver ended TLS: {_reason(error)}."
    return Outcome.CONNECTION_RESET, "The connection broke before the answer was whole."


def _certificate(error: ssl.SSLCertVerificationError) -> Failed:
    if error.verify_code == _EXPIRED:
        return Failed(Outcome.TLS_EXPIRED, "The receiver's certificate has expired.")
    if error.verify_code in _OTHER_NAME:
        return Failed(Outcome.TLS_WRONG_HOST, "The receiver's certificate is for another host.")
    return Failed(
        Outcome.TLS_UNTRUSTED, f"The receiver's certificate is not trusted: {error.verify_message}."
    )


def _reason(error: ssl.SSLError) -> str:
    # Errors that the loop makes itself have no reason.
    return (getattr(error, "reason", None) or "unknown").replace("_", " ").lower()
