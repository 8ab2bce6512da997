"""Hiding what authenticates us to a receiver."""

import re

from hookferry.exchange import Headers

MASK = "***"

_SENSITIVE = re.compile(r"auth|token|secret|password|passwd|credential|api-?key|session", re.IGNORECASE)


def masked(headers: Headers) -> Headers:
    """The headers with the values hidden that may be credentials, going by the names."""
    return tuple((name, MASK if _SENSITIVE.search(name) else value) for name, value in headers)
