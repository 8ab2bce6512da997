"""The egress guard: no socket to a receiver opens but through here (FAULTS "Egress guard").

A name is resolved once, every address of the answer is judged, and the connection goes to one of the
judged addresses, never to the name: that is what stops DNS rebinding.
"""

import errno
import socket
from collections.abc import Callable, Sequence

from hookferry.addresses import Address, Network, contains, local_name, public

# No machine has these as its own: they exist for documentation only.
_NOBODYS = {4: "203.0.113.113", 6: "2001:db8::113"}
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def is_own(address: Address) -> bool:
    """True if the address is one of this machine's, whatever interface it is on.

    The kernel is asked, so there is no list that could be old: a socket binds to an own address only.
    It takes 5 us and no packet leaves. Raises OSError where the kernel cannot say (no descriptors).
    """
    if not _binds(str(address), address.version):
        return False
    # A kernel that lets any address be bound (`ip_nonlocal_bind`) tells by the way it would take instead.
    return not _binds(_NOBODYS[address.version], address.version) or _leads_home(address)


def _binds(address: str, version: int) -> bool:
    try:
        with socket.socket(_FAMILIES[version], socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        # Without IPv6 on this machine no IPv6 address is its own; EINVAL: link-local, which is never public.
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL):
            return False
        raise
    return True


def _leads_home(address: Address) -> bool:
    with socket.socket(_FAMILIES[address.version], socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False
        return str(probe.getsockname()[0]) == str(address)


class Guard:
    """Judges the addresses that a host resolved to.

    `allow` are the networks that the operator opened; they override every deny list, the machine's own
    addresses included. `own` tells whether an address is this machine's.
    """

    def __init__(self, allow: Sequence[Network] = (), own: Callable[[Address], bool] = is_own) -> None:
        self.allow = tuple(allow)
        self._own = own

    def permits(self, address: Address) -> bool:
        """True if a connection may go to this address. Raises OSError without descriptors to find out."""
        return contains(self.allow, address) or (public(address) and not self._own(address))

    def admit(self, host: str, addresses: Sequence[Address]) -> Sequence[Address]:
        """The addresses of a host that may be dialled: all of them, or none if a single one is forbidden.

        `localhost` is the exception: it means whichever of its two addresses the operator opened.
        """
        permitted = [address for address in addresses if self.permits(address)]
        if len(permitted) == len(addresses) or local_name(host):
            return permitted
        return ()
