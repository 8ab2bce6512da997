"""What of a request is put on record: everything, byte for byte, but the values of secret headers."""

import re

import msgspec

from hookferry.model import Endpoint, Headers, Request

_SECRET = re.compile(r"auth|token|secret|password|passwd|credential|api-?key|session", re.IGNORECASE)
MASK = "***"


def is_secret(name: str) -> bool:
    """True for a header whose value is likely to be a secret."""
    return _SECRET.search(name) is not None


def masked(request: Request | None, endpoint: Endpoint) -> Request | None:
    """The request as it is kept. Only headers that the customer added can hold a secret."""
    names = {name.lower() for name, _ in endpoint.headers if is_secret(name)}
    if request is None or not names:
        return request
    headers: Headers = tuple(
        (name, MASK if name.lower() in names else value) for name, value in request.headers
    )
    return msgspec.structs.replace(request, headers=headers)
