"""The receiver's side: is a request what a contract would have signed?"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from hookferry.contracts.content import Sent
from hookferry.contracts.request import Query, check_url
from hookferry.contracts.signing import SignatureHeader
from hookferry.errors import Invalid

_SENT_AT = "attempt.time:"


class Verifier(msgspec.Struct, frozen=True):
    """How a contract's requests are verified. `carriers` names the header that carries each placeholder."""

    carriers: Mapping[str, str]
    headers: tuple[SignatureHeader, ...]
    query: Query

    def verify(
        self, headers: Mapping[str, str], sent: Sent, secrets: Sequence[str], now: int, tolerance: float
    ) -> None:
        """Return if a signature matches a secret or public key. Raises Invalid with the reason."""
        if not self.headers:
            raise Invalid("this contract signs nothing in its headers")
        check_url(self.query, sent)
        given = {name.lower(): value for name, value in headers.items()}
        values = {name: _needed(given, header) for name, header in self._carriers().items()}
        _check_ages(values, self.carriers, now, tolerance)
        for header in self.headers:
            if header.name.lower() not in given and len(self.headers) > 1:
                continue
            lead, texts = header.split(_needed(given, header.name))
            _check_ages(lead, {}, now, tolerance)
            known = {"endpoint.url": sent.url, **values, **lead}
            for signature in header.signatures:
                if signature.confirms(texts, signature.content.fill(known, sent), secrets):
                    return
        raise Invalid("signature does not match")

    def _carriers(self) -> Mapping[str, str]:
        """The headers that are needed: those that something signs."""
        signed = {
            name
            for header in self.headers
            for signature in header.signatures
            for name in signature.content.fields
        }
        return {name: header for name, header in self.carriers.items() if name in signed}


def _needed(given: Mapping[str, str], name: str) -> str:
    value = given.get(name.lower())
    if not value:
        raise Invalid(f"the header {name} is missing", field=name)
    return value


def _check_ages(values: Mapping[str, str], carriers: Mapping[str, str], now: int, tolerance: float) -> None:
    for name, value in values.items():
        if name.startswith(_SENT_AT):
            _check_age(_milliseconds(name, value, carriers.get(name)), carriers.get(name), now, tolerance)


def _milliseconds(name: str, sent: str, header: str | None) -> float:
    if "iso" in name:
        return _instant(sent, header)
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 15):
        raise Invalid("timestamp is not a number of seconds", field=header)
    return int(sent) * (1 if "unix-ms" in name else 1000)


def _instant(sent: str, header: str | None) -> float:
    try:
        time = datetime.fromisoformat(sent)
    except ValueError:
        raise Invalid("timestamp is not a time", field=header) from None
    if time.tzinfo is None:
        raise Invalid("timestamp has no zone", field=header)
    return time.timestamp() * 1000


def _check_age(sent: float, header: str | None, now: int, tolerance: float) -> None:
    age = (now - sent) / 1000
    if age > tolerance:
        raise Invalid("timestamp too old", field=header)
    if age < -tolerance:
        raise Invalid("timestamp too new", field=header)
