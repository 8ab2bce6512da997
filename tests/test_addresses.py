"""Which addresses are the public internet's (FAULTS "Egress guard")."""

from ipaddress import ip_address, ip_network

import pytest

from hookferry.addresses import check_host, public
from hookferry.errors import Invalid
from hookferry.urls import parse

FORBIDDEN = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1"),
    *("192.168.1.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *(
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::a9fe:a9fe",
    ),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:1ff::1", "2001:db8::1", "2002:7f00:1::", "2620:4f:8000::1"),
    *("3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "4000::1", "5f00::1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "168.63.129.15"),
    *("172.15.255.255", "172.32.0.0", "192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("2001:200::1", "2606:4700::1111", "2a00:1450:4001::1", "3ffe::1"),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_forbidden_addresses(address: str) -> None:
    """Loopback, private, shared, link-local, multicast and wrapped addresses are not public."""
    assert not public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    """The neighbours of the denied networks are public."""
    assert public(ip_address(address))


@pytest.mark.parametrize("address", FORBIDDEN)
def test_forbidden_literals_are_refused_at_registration(address: str) -> None:
    """A URL that spells out a forbidden address is Invalid without a look-up."""
    text = f"http://[{address}]/" if ":" in address else f"http://{address}/"
    with pytest.raises(Invalid, match="allow-net") as caught:
        check_host(parse(text).host)
    assert (caught.value.code, caught.value.field) == ("invalid_url", "url")


@pytest.mark.parametrize("host", ["localhost", "api.localhost"])
def test_localhost_is_refused_at_registration(host: str) -> None:
    """Names that always mean loopback are Invalid while loopback is closed."""
    with pytest.raises(Invalid):
        check_host(host)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("localhost", "127.0.0.0/8"),
        ("localhost", "::1/128"),
        ("127.0.0.1", "127.0.0.1/32"),
        ("10.1.2.3", "10.1.0.0/16"),
        ("fd00::1", "fd00::/8"),
    ],
)
def test_opened_networks_can_be_registered(host: str, network: str) -> None:
    """What an operator opened is accepted."""
    check_host(host, [ip_network(network)])


@pytest.mark.parametrize("host", ["example.com", "8.8.8.8", "2606:4700::1111", "metadata.google.internal"])
def test_names_wait_for_their_look_up(host: str) -> None:
    """Public literals and names are accepted; names are judged at each connection."""
    check_host(host)
