"""What a signature signs: a template over the request."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from urllib.parse import parse_qsl
from zlib import crc32

import msgspec

from hookferry.contracts.placeholders import HEADER, Facts
from hookferry.contracts.template import Slot, Template, parse, text
from hookferry.errors import Invalid
from hookferry.exchange import Pieces


class Sent(msgspec.Struct, frozen=True, gc=False):
    """What both sides see of a request: its method, its URL as it was called, its body."""

    method: str
    url: str
    pieces: Pieces

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)


def _form(sent: Sent) -> bytes:
    """The names and values of a form, sorted and without anything between them (Twilio)."""
    pairs = sorted(set(parse_qsl(sent.body.decode("utf-8", "replace"), keep_blank_values=True)))
    return "".join(name + value for name, value in pairs).encode()


SEEN: dict[str, Callable[[Sent], bytes]] = {
    "body": lambda sent: sent.body,
    "body.sha256": lambda sent: sha256(sent.body).hexdigest().encode(),
    "body.sha256:base64": lambda sent: b64encode(sha256(sent.body).digest()),
    "body.crc32": lambda sent: str(crc32(sent.body)).encode(),
    "body.form": _form,
    "request.url": lambda sent: sent.url.encode("utf-8", "surrogateescape"),
    "request.method": lambda sent: sent.method.encode(),
}
"""What a receiver can see for itself, beside the headers."""


class Content:
    """What a signature signs. Raises ValueError for an optional placeholder."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._pieces = [_piece(part) for part in template]
        # By far the most sign a text with the body behind it: a third of the time of the general way.
        whole_at_end = template[-1:] == (Slot("body", False),)
        self._head = text(template[:-1]) if whole_at_end and not self._seen(template[:-1]) else None

    @staticmethod
    def _seen(template: Template) -> bool:
        return any(isinstance(part, Slot) and part.name in SEEN for part in template)

    @property
    def fields(self) -> set[str]:
        """The names of the placeholders that a receiver cannot see for itself."""
        return {part.name for part in self._template if isinstance(part, Slot)} - set(SEEN)

    @property
    def of_body(self) -> bool:
        """True if it depends on the body."""
        return any(isinstance(part, Slot) and part.name.startswith("body") for part in self._template)

    @property
    def of_url(self) -> bool:
        """True if it depends on the URL that is called, query and all."""
        return Slot("request.url", False) in self._template

    def of(self, facts: Facts, sent: Sent) -> Pieces:
        """The content for a request that is being rendered."""
        if self._head is not None:
            return self._head(facts).encode(), *sent.pieces
        return tuple([piece(facts, sent) for piece in self._pieces])

    def fill(self, values: Mapping[str, str], sent: Sent) -> bytes:
        """The content from the values that a receiver has, by placeholder. Raises Invalid for a trick."""
        filled = b""
        for index, part in enumerate(self._template):
            if isinstance(part, str):
                filled += part.encode()
            elif part.name in SEEN:
                filled += SEEN[part.name](sent)
            else:
                value = values[part.name]
                self._check_separators(index, part.name, value)
                filled += value.encode("utf-8", "surrogateescape")
        return filled

    def _check_separators(self, index: int, name: str, value: str) -> None:
        """Refuse a value that could pass off a part of its neighbour as its own, or the other way round.

        With the separator in it, or a half of it at its end, nobody can tell where it ends (Standard
        Webhooks, "Signature scheme").
        """
        before, after = self._between(index - 1), self._between(index + 1)
        if before and (before + value).rfind(before) > 0:
            raise Invalid(f'{name} has "{before}" in it')
        if after and (value + after).find(after) < len(value):
            raise Invalid(f'{name} has "{after}" in it')

    def _between(self, index: int) -> str:
        """The literal at an index, if placeholders stand on both sides of it."""
        part = self._template[index] if 0 < index < len(self._template) - 1 else ""
        return part if isinstance(part, str) else ""


def _piece(part: str | Slot) -> Callable[[Facts, Sent], bytes]:
    if isinstance(part, Slot) and part.name in SEEN:
        see = SEEN[part.name]
        return lambda facts, sent: see(sent)
    write = text((part,))
    return lambda facts, sent: write(facts).encode()


def content(value: object) -> Content:
    """A signature's content from a contract file. Raises ValueError."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text with {body} in it")
    return Content(parse(value, {*HEADER, "endpoint.url", *SEEN}))
