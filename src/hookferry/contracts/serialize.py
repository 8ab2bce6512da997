"""How values become JSON text, and a body what goes on the wire: styles by name."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from hookferry.contracts.javascript import javascript
from hookferry.contracts.placeholders import Value
from hookferry.errors import Invalid

Finish = Callable[[bytes], bytes]
"""What is done to a body once it is rendered. Raises Invalid for what it cannot carry."""

_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def json_text(value: Value | float) -> bytes:
    """No blanks, UTF-8 unescaped. Bytes are JSON text already and stay as they are, blanks included."""
    return value if isinstance(value, bytes) else _encode(value)


def _compact(body: bytes) -> bytes:
    return msgspec.json.format(body, indent=-1)


def members(payload: bytes) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, their values as they are written. Raises Invalid for anything else."""
    try:
        return _members(payload)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid("this contract needs a JSON object here", field="payload") from None


def _form(body: bytes) -> bytes:
    """An object's members as a form: texts as they are, anything else as its JSON text."""
    return urlencode([(name, _field(value)) for name, value in members(body).items()]).encode()


def _field(value: msgspec.Raw) -> str:
    text = bytes(value)
    return str(msgspec.json.decode(text)) if text.startswith(b'"') else text.decode()


STYLES: dict[str, Finish | None] = {
    "raw": None,
    "compact": _compact,
    "javascript": javascript,
    "form": _form,
}
"""`raw`: the payload's own bytes stay. `compact`: no blanks. `javascript`: JSON.stringify's text, so that
hashing it again after a parse gives the same. `form`: members become form fields."""


def ascii_only(body: bytes) -> bytes:
    """The same JSON with everything beyond ASCII escaped, in UTF-16's halves as RFC 8259 says (section 7)."""
    return _NOT_ASCII.sub(_escaped, body.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
