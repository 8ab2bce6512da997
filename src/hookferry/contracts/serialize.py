"""How values become JSON text, by the name of a style."""

from collections.abc import Callable

import msgspec

from hookferry.contracts.placeholders import Value

Serializer = Callable[[Value | float], bytes]


_encode = msgspec.json.Encoder().encode


def compact(value: Value | float) -> bytes:
    """No blanks, UTF-8 unescaped. Bytes are JSON text already and stay as they are, blanks included."""
    return value if isinstance(value, bytes) else _encode(value)


STYLES: dict[str, Serializer] = {"compact": compact}
