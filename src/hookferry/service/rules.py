"""What the values of a request may be: pure checks, each of which raises Invalid and names the field."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import msgspec

from hookferry.contracts.values import EVENT_TYPE, FEATURE
from hookferry.errors import Invalid, TooLarge
from hookferry.exchange import Headers
from hookferry.masking import MASK
from hookferry.model import Scope
from hookferry.service.payloads import check_payload

TEXT_LENGTH = 200
DESCRIPTION_LENGTH = 4_000
ENDPOINTS = 100
"""How many an alert may name."""
SHORTEST_TIMEOUT = 1.0
LONGEST_TIMEOUT = 60.0
SLOWEST_RATE = 0.001
FASTEST_RATE = 10_000.0
"""Of an endpoint, in requests a second."""
SLOWEST_REPLAY = 0.1
FASTEST_REPLAY = 1_000.0
"""In deliveries a second."""

_FEATURES = 100
_EVENT_TYPES = 1_000
_LABELS = 16
_LABEL_VALUES = 1_000
_HEADER_BYTES = 4_096

_TENANT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_VISIBLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")

# FAULTS, security: hop-by-hop, Host, Content-*, signature and cookie names are ours or nobody's.
_OURS = re.compile(
    r"host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|date|via|accept-encoding"
    r"|(set-)?cookie2?|(content|proxy|webhook)-.*|.*signature.*"
)


def check_text(field: str, text: str, length: int = TEXT_LENGTH) -> str:
    """A name for people: any language, no control characters."""
    if len(text) > length:
        raise Invalid(f"{field} is longer than {length} characters.", field=field)
    if _CONTROL.search(text):
        raise Invalid(f"{field} contains a control character.", field=field)
    return text


def check_tenant_id(id: str) -> str:
    """An id that a caller chose for a tenant."""
    if not _TENANT_ID.fullmatch(id):
        raise Invalid(
            "A tenant's id has 1 to 64 letters, digits, full stops, hyphens or underscores.", field="id"
        )
    return id


def check_features(names: Iterable[str]) -> frozenset[str]:
    """The features of a tenant: lower-case words such as `webhooks` and `developer-docs`."""
    features = frozenset(names)
    if len(features) > _FEATURES:
        raise Invalid(f"A tenant has at most {_FEATURES} features.", field="features")
    for name in features:
        if not FEATURE.fullmatch(name):
            raise Invalid(
                f"{name[:64]!r} is no feature: that has 1 to 64 lower-case letters and digits, "
                "with hyphens between words.",
                field="features",
            )
    return features


def check_email(address: str | None) -> str | None:
    """A member's address. It is shown and never written to, so that only its shape is looked at."""
    if address is not None and not _EMAIL.fullmatch(check_text("email", address)):
        raise Invalid("This is not an e-mail address.", field="email")
    return address


# Called for each publish; most products have some dozens of types.
@lru_cache(maxsize=1024)
def check_event_type(name: str, field: str = "type") -> str:
    """The name of an event type, known or not."""
    if not EVENT_TYPE.fullmatch(name):
        raise Invalid(
            f"{name[:64]!r} is no event type: that has 1 to 128 letters, digits, blanks, or any of . _ : / -",
            field=field,
        )
    return name


def check_event_types(names: Iterable[str]) -> tuple[str, ...]:
    """The event types of an endpoint, each once."""
    unique = tuple(dict.fromkeys(check_event_type(name, "event_types") for name in names))
    if len(unique) > _EVENT_TYPES:
        raise Invalid(
            f"An endpoint names at most {_EVENT_TYPES} event types; none means all.", field="event_types"
        )
    return unique


def check_count(names: Collection[str], minimum: int, maximum: int | None) -> None:
    """How many event types an endpoint of a contract may name."""
    if len(names) < minimum:
        raise Invalid(
            f"An endpoint of this contract needs {minimum} event type(s) or more.", field="event_types"
        )
    if maximum is not None and len(names) > maximum:
        raise Invalid(
            f"An endpoint of this contract takes {maximum} event type(s) at most.", field="event_types"
        )


def check_mutable(old: msgspec.Struct, given: Mapping[str, object], mutable: Collection[str]) -> None:
    """What a contract lets nobody change may be given as it is (FX-25)."""
    for name, value in given.items():
        if name not in mutable and value != getattr(old, name):
            raise Invalid(f"{name} cannot be changed: delete it and register another.", field=name)


def check_scope(labels: Mapping[str, str | list[str]]) -> Scope:
    """The labels of an endpoint or an event."""
    if len(labels) > _LABELS:
        raise Invalid(f"A scope has at most {_LABELS} labels.", field="scope")
    return {label: _label_values(label, values) for label, values in labels.items()}


def _label_values(label: str, given: str | list[str]) -> tuple[str, ...]:
    if not _LABEL.fullmatch(label):
        raise Invalid(
            "A label has 1 to 64 letters, digits, full stops, hyphens or underscores.", field="scope"
        )
    values = (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))
    if not 0 < len(values) <= _LABEL_VALUES:
        raise Invalid(f"The label {label!r} needs 1 to {_LABEL_VALUES} values.", field=f"scope.{label}")
    return tuple(check_text(f"scope.{label}", value) for value in values)


def check_headers(headers: Mapping[str, str], taken: Collection[str] = ()) -> Headers:
    """The custom headers of an endpoint; `taken` are the names that its contract sets, in lower case."""
    seen: set[str] = set()
    for name, value in headers.items():
        _check_header(name, value, taken)
        if name.lower() in seen:
            raise Invalid(f"The header {name!r} is given twice.", field="headers")
        seen.add(name.lower())
    # Four more bytes for the colon, the blank and the line's end.
    if sum(len(name) + len(value) + 4 for name, value in headers.items()) > _HEADER_BYTES:
        raise Invalid(f"Custom headers may have {_HEADER_BYTES} bytes in all.", field="headers")
    return tuple(headers.items())


def _check_header(name: str, value: str, taken: Collection[str]) -> None:
    if not _TOKEN.fullmatch(name):
        raise Invalid(f"{name[:64]!r} is not a header's name.", field="headers")
    lower = name.lower()
    if lower in taken or _OURS.fullmatch(lower):
        raise Invalid(
            f"The header {name!r} cannot be chosen: Hookferry or the connection sets it.", field="headers"
        )
    if value == MASK:
        raise Invalid(
            f"The value of {name!r} was masked when it was read: write it anew.", field=f"headers.{name}"
        )
    if value and not _VISIBLE.fullmatch(value):
        raise Invalid(
            f"The value of {name!r} may have visible ASCII characters only, and blanks between them.",
            field=f"headers.{name}",
        )


def check_timeout(timeout: float | None) -> float | None:
    """An endpoint's own time-out, in seconds."""
    if timeout is not None and not SHORTEST_TIMEOUT <= timeout <= LONGEST_TIMEOUT:
        raise Invalid(f"A time-out is {SHORTEST_TIMEOUT:g} to {LONGEST_TIMEOUT:g} seconds.", field="timeout")
    return timeout


def check_rate_limit(rate: float | None) -> float | None:
    """An endpoint's rate, in requests a second."""
    if rate is not None and not SLOWEST_RATE <= rate <= FASTEST_RATE:
        raise Invalid(
            f"A rate limit is {SLOWEST_RATE:g} to {FASTEST_RATE:,g} requests a second, or null for none.",
            field="rate_limit",
        )
    return rate


def check_prose(field: str, text: str) -> str:
    """A description for people, of several lines maybe."""
    check_text(field, re.sub(r"[\n\r\t]", " ", text), DESCRIPTION_LENGTH)
    return text


def check_size(payload: bytes, limit: int) -> None:
    """Raises TooLarge for a payload of more than `limit` bytes."""
    if len(payload) > limit:
        raise TooLarge(
            f"The payload has {len(payload):,} bytes; at most {limit:,} are accepted.", field="payload"
        )


def check_json(field: str, value: msgspec.Raw) -> msgspec.Raw:
    """A JSON text for the catalogue; a schema is an object. The answer is a copy: a form's is a view."""
    text = bytes(value)
    check_payload(text, field)
    if field == "schema" and not text.lstrip().startswith(b"{"):
        raise Invalid("A JSON Schema is an object.", field=field)
    return msgspec.Raw(text)
