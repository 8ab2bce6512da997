"""The plain values of a contract file. Each function raises ValueError with what it expected."""

import re
from collections.abc import Callable, Collection

import msgspec

from hookferry.contracts.source import meant
from hookferry.units import read_duration

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._: -]*"
# Some products have slashes in their types. No segment is "..": clients fold that away in a URL. A header
# with a blank at its end arrives without it.
EVENT_TYPE = re.compile(rf"(?=.{{1,128}}\Z){_SEGMENT}(/{_SEGMENT})*(?<! )")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_KEY_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,32}")
FEATURE = re.compile(r"(?=.{1,64}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What a tenant has or lacks, such as `developer-docs`."""
# What is added to a time must stay one that can be written down.
_LONGEST = 10 * 366 * 86400.0
_LONGEST_ATTEMPT = 600.0
_STATUSES = re.compile(r"([1-5]\d\d)(?:-([1-5]\d\d))?", re.ASCII)

FRAMING = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "accept-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
    }
)
"""Headers that frame a request or belong to its connection: another's copy could smuggle a second one."""


def text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text that is not empty")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Texts, each once."""
    if not isinstance(value, list):
        raise ValueError("expected an array of texts")
    found = tuple(text(item) for item in value)
    if len(set(found)) < len(found):
        raise ValueError("a text stands there twice")
    return found


def name(value: object) -> str:
    """A short name: of a contract, of a command."""
    if not _NAME.fullmatch(text(value)):
        raise ValueError(f"{value!r} is no name: 1 to 40 small letters, digits and hyphens, a letter first")
    return str(value)


def event_type(value: object) -> str:
    """The name of an event type: what publish takes, and a header can hold."""
    found = text(value)
    if not EVENT_TYPE.fullmatch(found):
        raise ValueError(f"{found!r} is no event type: 1 to 128 letters, digits, blanks, or any of . _ : / -")
    return found


def feature(value: object) -> str:
    """A feature that a tenant can have."""
    if not FEATURE.fullmatch(text(value)):
        raise ValueError(f"{value!r} is no feature: small letters and digits, with hyphens between words")
    return str(value)


def key_prefix(value: object) -> str:
    """What an API key can begin with, in any header."""
    if not _KEY_PREFIX.fullmatch(text(value)):
        raise ValueError("expected 1 to 32 letters, digits, hyphens or underscores")
    return str(value)


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("expected a whole number from 1")
    return value


def fraction(value: object) -> float:
    """A share from 0 to 1."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError("expected a number from 0 to 1")
    return float(value)


def duration(value: object) -> float:
    """Seconds, from a text such as "30m"."""
    try:
        seconds = read_duration(str(value))
    except ValueError as error:
        raise ValueError(f"expected {error}") from None
    if seconds > _LONGEST:
        raise ValueError("expected a duration of ten years at most")
    return seconds


def time_out(value: object) -> float:
    """Seconds for a whole attempt."""
    seconds = duration(value)
    if not 0 < seconds <= _LONGEST_ATTEMPT:
        raise ValueError("expected more than nothing and 10m at most")
    return seconds


def durations(value: object) -> tuple[float, ...]:
    """Seconds, from an array of texts, which may be empty."""
    if not isinstance(value, list):
        raise ValueError('expected an array of durations such as ["5s", "5m"], or a table with `every`')
    return tuple(duration(item) for item in value)


def factor(value: object) -> float:
    """A number from 1."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 1 <= value <= 100:
        raise ValueError("expected a number from 1 to 100")
    return float(value)


def statuses(value: object) -> range:
    """HTTP statuses, from a text such as "410" or "200-299"."""
    found = _STATUSES.fullmatch(value) if isinstance(value, str) else None
    if not found or int(found[2] or found[1]) < int(found[1]):
        got = f'"{value}"' if isinstance(value, str) else value
        raise ValueError(f'expected a status such as "410" or a range such as "200-299", got {got}')
    return range(int(found[1]), int(found[2] or found[1]) + 1)


def token(value: object) -> str:
    """A header's name (RFC 9110, section 5.1)."""
    if not _TOKEN.fullmatch(text(value)):
        raise ValueError(f"{value!r} is no header name: letters, digits and hyphens")
    if str(value).lower() in FRAMING:
        raise ValueError(f"the connection sets {value} itself")
    return str(value)


def word(known: Collection[str]) -> Callable[[object], str]:
    """A reader of one word of a closed set."""

    def read(value: object) -> str:
        if text(value) not in known:
            raise ValueError(f'unknown word "{value}"; {meant(str(value), known)}')
        return str(value)

    return read


def words(known: Collection[str]) -> Callable[[object], tuple[str, ...]]:
    """A reader of several words of a closed set."""
    one = word(known)
    return lambda value: tuple(one(item) for item in texts(value))


def json(value: object) -> bytes:
    """A JSON text."""
    try:
        msgspec.json.decode(text(value))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"expected a JSON text: {error}") from None
    return str(value).encode()
