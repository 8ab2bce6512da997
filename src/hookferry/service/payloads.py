"""What JSON may come in: UTF-8, and not too deep. msgspec checks the grammar; `Raw` skips these two."""

import re

from hookferry.errors import Malformed

DEPTH = 100
"""How many arrays and objects may stand inside one another."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')


def check_payload(text: bytes, field: str = "payload") -> None:
    """Raises Malformed for a JSON text that is not UTF-8 or nested more than `DEPTH` deep."""
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"Byte {error.start} of `{field}` is not valid UTF-8.", field=field) from error
    if text.count(b"[") + text.count(b"{") > DEPTH and _deep(text):
        raise Malformed(f"`{field}` is nested more than {DEPTH} deep.", code="too_deep", field=field)


def _deep(text: bytes) -> bool:
    """Take the innermost pairs away, level by level: each round is one pass in C over the brackets alone.

    Everything but brackets and quotes goes first: a pattern for whole strings took five times as long.
    """
    if b"\\" in text:
        text = _ESCAPE.sub(b"", text)
    brackets = _STRING.sub(b"", text.translate(None, _NOT_STRUCTURE)).translate(None, _NOT_BRACKETS)
    for _ in range(DEPTH):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return False
    return True
