"""JSON as JavaScript writes it: a receiver that parses a body and serialises it again gets the same bytes.

msgspec writes as `JSON.stringify` does, but for floats, long integers, keys that are array indices and lone
surrogates. Floats are put right while it reads; a text with any of the others goes the careful way.
Measured: 5 µs for 0.3 KB with two floats, 36 µs for 8 KB; the careful way takes 27 and 210. None of 329
webhook payloads of GitHub needs it.
"""

import re

import msgspec

from hookferry.contracts.careful import write_carefully
from hookferry.contracts.doubles import decimal

_read = msgspec.json.Decoder(float_hook=lambda digits: msgspec.Raw(decimal(float(digits)).encode())).decode
_write = msgspec.json.Encoder().encode

_DIGITS_AS_0 = bytes.maketrans(b"123456789", b"000000000")
_INDEX_KEY = re.compile(rb'"0{1,10}":')
_LONG = b"0" * len(str(2**53))
_LONG_INTEGERS = tuple(before + _LONG for before in (b":", b",", b"[", b"-"))


def javascript(text: bytes, field: str = "payload") -> bytes:
    """Exactly `JSON.stringify(JSON.parse(text))` in UTF-8 (ECMA-262, section 25.5).

    Raises Invalid, its field such as `payload.items[3].price`, for what JavaScript cannot carry: an integer
    that a double does not hold exactly, a number too large for one; also for what is not JSON in UTF-8 or
    nested beyond the stack. A fraction with more digits than a double has is rounded, as by every reader.
    """
    try:
        written = _write(_read(text))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return write_carefully(text, field)  # a lone surrogate, or what is refused there by its place
    return write_carefully(text, field) if _may_have_traps(written) else written


def _may_have_traps(written: bytes) -> bool:
    """Whether compact JSON has a key that may be an array index, or what may be an integer beyond 2^53."""
    shape = written.translate(_DIGITS_AS_0)
    if _INDEX_KEY.search(shape):
        return True
    return _LONG in shape and (shape.startswith(_LONG) or any(start in shape for start in _LONG_INTEGERS))
