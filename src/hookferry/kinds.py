"""The kinds of settings: how each is written, read and checked."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import msgspec

from hookferry.units import read_duration, read_size, write_duration, write_size

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
_SHORTEST_SECRET = 32

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Kind(msgspec.Struct, frozen=True):
    """How a setting is written.

    `read` takes a text, or what TOML holds; its ValueError says what it expects. `write` is its inverse.
    """

    word: str
    read: Callable[[Any], Any]
    write: Callable[[Any], str] = str
    alone: bool = False
    """True if a flag that is given twice is refused, instead of the last one being taken."""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _name(value: Any) -> str:
    names = value if isinstance(value, (list, tuple)) else str(value).split(",")
    if len(names) != 1:
        raise ValueError("one name alone")
    return _text(names[0])


def _key(value: Any) -> str:
    if not isinstance(value, str) or len(value) < _SHORTEST_SECRET:
        raise ValueError(
            f"at least {_SHORTEST_SECRET} random characters, such as `openssl rand -hex 32` prints"
        )
    return value


def _yes_or_no(value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = value if isinstance(value, bool) else words.get(str(value).lower())
    if found is None:
        raise ValueError("true or false")
    return found


def _networks(value: Any) -> tuple[Network, ...]:
    texts = value.split(",") if isinstance(value, str) else value
    try:
        return tuple(ip_network(text.strip()) for text in texts if text.strip())
    except (AttributeError, TypeError, ValueError):
        raise ValueError('networks such as "10.1.0.0/16" or "fd00:1::/64", host bits zero') from None


def _ranges(value: Any) -> tuple[Network, ...]:
    try:
        return _networks(value)
    except ValueError:
        raise ValueError('addresses or networks such as "203.0.113.7" or "203.0.113.8/29"') from None


def _range(network: Network) -> str:
    """A network as one writes it: one address without its length."""
    return str(network.network_address if network.num_addresses == 1 else network)


def _addresses(value: Any) -> tuple[Address, ...]:
    texts = value.split(",") if isinstance(value, str) else value
    try:
        found = tuple(ip_address(text.strip()) for text in texts if text.strip())
        if len({address.version for address in found if not address.is_unspecified}) == len(found):
            return found
    except (AttributeError, TypeError, ValueError):
        pass
    raise ValueError("one IPv4 address, one IPv6 address, or one of each")


def _database(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith((SQLITE, *POSTGRESQL)) or value == SQLITE:
        raise ValueError(
            '"sqlite:///FILE" in the working folder, "sqlite:////FOLDER/FILE", or "postgresql://USER@HOST/DATABASE"'
        )
    return value


def _postgresql(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(POSTGRESQL):
        raise ValueError('"postgresql://USER@HOST/DATABASE"')
    return value


def without_password(url: Any) -> str:
    """A database's URL that may be shown: without a password and parameters, which may hold one."""
    scheme, slashes, rest = str(url).partition("://")
    if scheme == "sqlite":
        return str(url)
    address, _, parameters = rest.partition("?")
    user, at, place = address.rpartition("@")
    if "@" in parameters and not at:
        # It may be a password with a question mark in it: where it ends nobody knows.
        return f"{scheme}{slashes}..."
    return f"{scheme}{slashes}{user.partition(':')[0]}{at}{place}"


def _outbox(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith((SQLITE, *POSTGRESQL)) or value == SQLITE:
        raise ValueError('"postgresql://USER@HOST/DATABASE" or "sqlite:///FILE"')
    return value


def _duration(value: Any) -> float:
    seconds = read_duration(str(value))
    if not seconds:
        raise ValueError("a duration above zero")
    return seconds


def whole(minimum: int, maximum: int) -> Kind:
    def read(value: Any) -> int:
        text = str(value).strip()
        if not (text.isascii() and text.isdigit()) or not minimum <= int(text[:20]) <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return Kind("number", read)


def _scale(value: Any) -> float:
    try:
        scale = float(value)
    except (TypeError, ValueError):
        scale = 0.0
    if isinstance(value, bool) or not 1 <= scale <= 1_000_000:
        raise ValueError("a number from 1 to 1000000")
    return scale


def word(*words: str) -> Kind:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return Kind("|".join(words), read)


TEXT = Kind("text", _text)
NAME = Kind("name", _name, alone=True)
SECRET = Kind("secret", _key)
FLAG = Kind("true|false", _yes_or_no, lambda value: str(value).lower())
DURATION = Kind("duration", _duration, write_duration)
SIZE = Kind("size", lambda value: read_size(str(value)), write_size)
NETWORKS = Kind("networks", _networks, lambda value: ",".join(map(str, value)))
RANGES = Kind("addresses", _ranges, lambda value: ",".join(map(_range, value)))
ADDRESSES = Kind("addresses", _addresses, lambda value: ",".join(map(str, value)))
DATABASE = Kind("URL", _database, without_password)
DIRECT = Kind("URL", _postgresql, without_password)
OUTBOX = Kind("URL", _outbox)
SCALE = Kind("number", _scale, "{:g}".format)
