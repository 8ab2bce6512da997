"""URLs that deliveries may go to: read once, strictly, and kept in one canonical form. Pure.

Nothing here looks at what a host might mean: forms that only some resolvers take for an address
(`127.1`, `0x7f000001`) are refused by a rule of syntax, and everything else is judged by the address
that it resolves to (addresses.py). Names of other letters are read as browsers do: mapped by UTS 46, then
IDNA 2008 (RFC 5891). Sources: RFC 3986, FAULTS "Egress guard".
"""

import re
from collections.abc import Collection
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna
import msgspec

from hookferry.errors import Invalid

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST = 2048
"""The longest URL that is accepted, in characters."""

_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(#?)", re.DOTALL)
# A blank, a control character or a backslash: readers of URLs disagree on what they mean.
_SUSPECT = re.compile(r"[\x00-\x20\x7f-\xa0\\\s]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[0-9]{1,5}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TO_ESCAPE = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@/?%\[\]-]")
# Versions of Unicode's mapping disagree on the capital of ß: "ss" up to 15.0, "ß" from then on.
_DISPUTED = "\u1e9e"


class Url(msgspec.Struct, frozen=True):
    """A URL in canonical form.

    `host` is ASCII, without brackets; `authority` is the value of the Host header; `target` is the path
    and query as they go into the request line; `text` is the whole, and parses to an equal `Url`.
    """

    scheme: str
    host: str
    port: int
    authority: str
    target: str

    @property
    def text(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse(url: str, schemes: Collection[str] = ("http", "https")) -> Url:
    """Read a URL. Raises Invalid (`invalid_url`) with a sentence that says what is wrong with it."""
    if len(url) > LONGEST:
        raise _invalid(f"it is longer than {LONGEST} characters")
    if _SUSPECT.search(url):
        raise _invalid("it contains a blank, a control character or a backslash")
    shape = _SHAPE.match(url)
    scheme = shape[1].lower() if shape else ""
    if shape is None or scheme not in schemes or scheme not in DEFAULT_PORTS:
        raise _invalid(f"it must begin with {' or '.join(f'{name}://' for name in sorted(schemes))}")
    if shape[4]:
        raise _invalid("it has a fragment (#), which is never sent")
    host, port = _split(shape[2])
    literal = f"[{host}]" if ":" in host else host
    port = port or DEFAULT_PORTS[scheme]
    authority = literal if port == DEFAULT_PORTS[scheme] else f"{literal}:{port}"
    return Url(scheme, host, port, authority, _target(shape[3]))


def _invalid(problem: str) -> Invalid:
    return Invalid(f"This URL cannot be used: {problem}.", code="invalid_url", field="url")


def _split(authority: str) -> tuple[str, int | None]:
    """Host and port of an authority; no port gives None."""
    if "@" in authority:
        raise _invalid("it contains a user name or password; use a header instead")
    if authority.startswith("["):
        text, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _invalid("the brackets of its IPv6 address are misplaced")
        return _ipv6(text), _port(rest[1:]) if rest else None
    text, colon, port = authority.partition(":")
    return _name(text), _port(port) if colon else None


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or not 0 < int(text) < 65536:
        raise _invalid("its port is not a number from 1 to 65535")
    return int(text)


def _ipv6(text: str) -> str:
    try:
        # A zone id ("%eth0") names an interface of this machine.
        if "%" in text:
            raise AddressValueError
        return IPv6Address(text).compressed
    except AddressValueError:
        raise _invalid("its IPv6 address is not valid") from None


def _name(text: str) -> str:
    """A host name or an IPv4 address, in ASCII, without a trailing dot."""
    host = _ascii(text).lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid("its host is not a valid name" if host else "it has no host")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(host)
    return host


def _ipv4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        raise _invalid("its host ends in a number and is not an IPv4 address of four numbers") from None


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    if _DISPUTED in text:
        raise _invalid("its host has a letter that is read differently; write it in its xn-- form")
    try:
        labels = idna.uts46_remap(text, std3_rules=False).split(".")
        return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in labels)
    except UnicodeError:
        raise _invalid("its host is not a valid international name; write it in its xn-- form") from None


def _target(text: str) -> str:
    """The request target: a path, always, and a query; what HTTP does not allow there is escaped."""
    if _BAD_ESCAPE.search(text):
        raise _invalid("a % in it is not followed by two hexadecimal digits")
    try:
        escaped = _TO_ESCAPE.sub(_escape, text)
    except UnicodeEncodeError:
        raise _invalid("it contains half a surrogate pair") from None
    return escaped if escaped.startswith("/") else f"/{escaped}"


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
