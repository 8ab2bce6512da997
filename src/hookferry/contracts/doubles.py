"""Numbers as JavaScript prints them (ECMA-262, Number::toString): every number there is a double."""

from decimal import Decimal
from math import isinf

_SAFE = 2**53


def decimal(value: float) -> str:
    """A double's shortest digits that read back as it, in the notation of JavaScript.

    Python finds the same digits and sets them otherwise: 1.0, 1e+16, 1e-05, 1e-07 for 1, 10000000000000000,
    0.00001, 1e-7. Raises ValueError for infinity.
    """
    if isinf(value):
        raise ValueError("is too large for a JavaScript number, which ends at about 1.8e308")
    digits, size = repr(value), abs(value)
    if 1e-4 <= size < 1e16:
        return digits.removesuffix(".0")
    if size == 0:
        return "0"
    if 1e-6 <= size < 1e21:
        return f"{Decimal(digits):f}"
    mantissa, _, exponent = digits.partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def integer(value: int) -> str:
    """An integer that passes through a double unharmed.

    A double must hold it exactly, or JavaScript must print its very digits, as 9223372036854776000, which
    is what it makes of 2^63. Raises ValueError for others: a receiver would read another number.
    """
    if -_SAFE <= value <= _SAFE:
        return str(value)
    try:
        double = float(value)
    except OverflowError:
        double = float("inf")
    text = decimal(double)
    if double != value and text != str(value):
        raise ValueError("is an integer that a JavaScript number cannot hold exactly: send it as a string")
    return text
