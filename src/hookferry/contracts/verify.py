"""The receiver's side: is a request what a contract would have signed?"""

from collections.abc import Mapping, Sequence

import msgspec

from hookferry.contracts.signing import SignatureHeader
from hookferry.errors import Invalid

_SENT_AT = "attempt.time:unix"


class Verifier(msgspec.Struct, frozen=True):
    """How a contract's requests are verified. `carriers` names the header that carries each placeholder."""

    carriers: Mapping[str, str]
    headers: tuple[SignatureHeader, ...]

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: int, tolerance: float
    ) -> None:
        """Return if a signature matches a secret or public key. Raises Invalid with the reason."""
        given = {name.lower(): value for name, value in headers.items()}
        values = {name: _needed(given, header) for name, header in self.carriers.items()}
        if _SENT_AT in values:
            _check_age(values[_SENT_AT], self.carriers[_SENT_AT], now, tolerance)
        for header in self.headers:
            texts = _needed(given, header.name).split(header.join)
            for signature in header.signatures:
                if signature.confirms(texts, signature.content.fill(values, body), secrets):
                    return
        raise Invalid("signature does not match")


def _needed(given: Mapping[str, str], name: str) -> str:
    value = given.get(name.lower())
    if not value:
        raise Invalid(f"the header {name} is missing", field=name)
    return value


def _check_age(sent: str, name: str, now: int, tolerance: float) -> None:
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12):
        raise Invalid("timestamp is not a number of seconds", field=name)
    age = now / 1000 - int(sent)
    if age > tolerance:
        raise Invalid("timestamp too old", field=name)
    if age < -tolerance:
        raise Invalid("timestamp too new", field=name)
