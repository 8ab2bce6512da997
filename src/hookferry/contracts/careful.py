"""`JSON.stringify(JSON.parse(text))` step by step, for the few texts that msgspec would write otherwise."""

import json
import re
from math import inf
from typing import Any, NoReturn

from hookferry.contracts.doubles import decimal, integer
from hookferry.errors import Invalid

Place = tuple["Place", str | int] | None
"""Where a value stands: the place of what holds it, and its key or position there."""

_INDEX = re.compile("0|[1-9][0-9]{0,9}")
_LAST_INDEX = 2**32 - 2
_MOST_DIGITS = 309
"""Of an integer that a double can hold; Python refuses to read many more."""


class _Lossy(Exception):
    """A number that would arrive as another."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place


def write_carefully(text: bytes, field: str) -> bytes:
    """As `javascript`. A lone surrogate is escaped, as `JSON.stringify` does since ECMAScript 2019."""
    try:
        return _write(_read(text.decode()), None).encode("utf-8", "backslashreplace")
    except _Lossy as lossy:
        place = _name(field, lossy.place)
        raise Invalid(f"`{place}` {lossy}.", field=place) from lossy
    except UnicodeDecodeError as error:
        raise Invalid(f"Byte {error.start} of `{field}` is not valid UTF-8.", field=field) from error
    except RecursionError as error:
        raise Invalid(f"`{field}` is nested too deeply.", field=field) from error
    except ValueError as error:
        raise Invalid(f"`{field}` is not valid JSON: {error}.", field=field) from error


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits.lstrip("-")) <= _MOST_DIGITS else inf


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


_read = json.JSONDecoder(parse_int=_integer, parse_constant=_no_constant).decode
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def _write(value: Any, place: Place) -> str:
    if isinstance(value, dict):
        return "{" + ",".join([f"{_quoted(k)}:{_write(v, (place, k))}" for k, v in _in_order(value)]) + "}"
    if isinstance(value, list):
        return "[" + ",".join([_write(item, (place, at)) for at, item in enumerate(value)]) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, place)
    return _quoted(value)


def _number(value: float, place: Place) -> str:
    try:
        return integer(value) if isinstance(value, int) else decimal(value)
    except ValueError as error:
        raise _Lossy(place, str(error)) from error


def _in_order(members: dict[str, Any]) -> list[tuple[str, Any]]:
    """Array indices first, by number; the rest as they came (ECMA-262, OrdinaryOwnPropertyKeys)."""
    return sorted(members.items(), key=lambda member: _rank(member[0]))


def _rank(key: str) -> int:
    if not _INDEX.fullmatch(key):
        return _LAST_INDEX + 1
    return min(int(key), _LAST_INDEX + 1)


def _name(field: str, place: Place) -> str:
    """`payload.items[3].price`; a key that is no plain name is quoted: `payload["unit price"]`."""
    if place is None:
        return field
    holder, key = place
    if isinstance(key, str) and key.isascii() and key.isidentifier():
        return f"{_name(field, holder)}.{key}"
    return f"{_name(field, holder)}[{json.dumps(key)}]"
