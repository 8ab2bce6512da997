"""Which addresses a delivery may go to. Pure; whether an address is this machine's own is guard.py's to find.

`ipaddress.is_global` is not used: on Python 3.10 to 3.13 it passes NAT64, v4-compatible, site-local and
multicast addresses. Source: FAULTS "Egress guard".
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from hookferry.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DENIED_V4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's own services
        "169.254.0.0/16",  # link-local, the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]
# IPv6 is an allow-list: whatever wraps an IPv4 address (mapped, NAT64, v4-compatible) lies outside it.
_GLOBAL_V6 = IPv6Network("2000::/3")
_DENIED_V6 = [
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, wraps an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
]
_LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


def contains(networks: Iterable[Network], address: Address) -> bool:
    """True if one of the networks holds the address."""
    return any(address in network for network in networks)


def public(address: Address) -> bool:
    """True for an address of the public internet, as far as the address itself tells."""
    if isinstance(address, IPv4Address):
        return not contains(_DENIED_V4, address)
    return address in _GLOBAL_V6 and not contains(_DENIED_V6, address)


def literal(host: str) -> Address | None:
    """The address that a host of a canonical URL spells out, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def local_name(host: str) -> bool:
    """True for the names that always mean loopback (RFC 6761)."""
    return host == "localhost" or host.endswith(".localhost")


def check_host(host: str, allow: Sequence[Network] = ()) -> None:
    """Refuse at registration what needs no look-up to refuse; `host` is that of a canonical URL.

    `allow` are the networks that an operator opened. A name that passes is judged again, by its addresses,
    each time a connection is made. Raises Invalid (`invalid_url`).
    """
    address = literal(host)
    meant = _LOOPBACK if local_name(host) else (address,) if address else ()
    if meant and not any(public(one) or contains(allow, one) for one in meant):
        raise Invalid(
            f"This URL cannot be used: {host} is not an address of the public internet. "
            "An operator can open a network with --allow-net.",
            code="invalid_url",
            field="url",
        )
