"""What a receiver does to verify a contract's signature, in steps that any language can write down."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from hookferry.contracts import Contract
from hookferry.contracts.content import SEEN
from hookferry.contracts.placeholders import BODY
from hookferry.contracts.template import Slot, Template, parse
from hookferry.errors import Invalid

TOLERANCE = 300
"""How far a timestamp may be from the receiver's clock, in seconds (Standard Webhooks, "Verifying")."""

# Those that a snippet can be made for, the strongest first.
_ALGORITHMS = ("hmac-sha512", "hmac-sha256", "ecdsa-p256", "rsa-sha256", "hmac-sha1")
_TIME = "attempt.time:"
_NUMBERS = {"unix", "unix-text", "unix-ms", "unix-ms-text"}


class Field(msgspec.Struct, frozen=True):
    """A value that is signed beside the body, and where a receiver finds it.

    `header` is None for one in front of the signatures, in their own header.
    """

    name: str
    """Its placeholder."""
    header: str | None
    form: str = ""
    """Of the timestamp that is checked: one of the forms of times, such as `unix` or `iso`."""
    without: tuple[str, ...] = ()
    """Single characters that it must not have in it: they separate it from its neighbours."""

    @property
    def number(self) -> bool:
        """True for a timestamp that is a number."""
        return self.form in _NUMBERS

    @property
    def divisor(self) -> int:
        """How many of a timestamp's units a second has."""
        return 1000 if self.form.startswith("unix-ms") else 1


class Piece(msgspec.Struct, frozen=True):
    """A part of what is signed: a `text`, a `field`'s value, the `url`, the `body`, its hash.

    The kinds of hashes are `sha256` (hexadecimal digits) and `sha256:base64`.
    """

    kind: str
    text: str = ""
    """The text itself, or the field's placeholder."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How one signature is verified."""

    header: str
    algorithm: str
    """`hmac`, or the kind of a public key: `ecdsa-p256`, `rsa`."""
    hash: str
    """`sha1`, `sha256` or `sha512`."""
    key: str
    """How the secret becomes the key: `utf-8`, all of it; `base64` and `hex`, what is behind `prefix`."""
    prefix: str
    encoding: str
    """`base64`, `base64url` or `hex`."""
    before: str
    after: str
    join: str
    """What stands between several signatures; empty where there is one."""
    lead: str
    """A regular expression for the whole header, a group for each value and the last for the signatures."""
    fields: tuple[Field, ...]
    pieces: tuple[Piece, ...]
    body_hash: str
    """The parameter of the URL's query that has the body's SHA-256; empty if the content has the body."""

    @property
    def public(self) -> bool:
        """True if receivers verify with a public key."""
        return self.algorithm != "hmac"

    @property
    def url(self) -> str:
        """`called` or `registered` for a signature over one of these URLs, else empty."""
        return next((piece.text for piece in self.pieces if piece.kind == "url"), "")

    @property
    def leading(self) -> list[Field]:
        """The values in front of the signatures."""
        return [field for field in self.fields if field.header is None]

    @property
    def carried(self) -> list[Field]:
        """The values in headers of their own."""
        return [field for field in self.fields if field.header is not None]

    @property
    def time(self) -> Field | None:
        """The timestamp that is checked."""
        return next((field for field in self.fields if field.form), None)


def recipe(contract: Contract, text: str) -> Recipe:
    """The recipe of a contract, `text` its file: for the strongest of its signatures.

    Raises Invalid for a contract that signs nothing, and for what no code is generated for.
    """
    root = tomllib.loads(text)
    if not contract.signatures:
        raise Invalid("This contract signs nothing in its headers.")
    tables = [table for table in root["signature"] if table["algorithm"] in _ALGORITHMS and "header" in table]
    if not tables:
        raise Invalid("No code is generated for its kind of signature.")
    chosen = min(tables, key=lambda table: _ALGORITHMS.index(table["algorithm"]))
    return _recipe(contract, root, chosen)


def _recipe(contract: Contract, root: Mapping[str, Any], table: Mapping[str, Any]) -> Recipe:
    before, _, after = table.get("value", "{signature}").partition("{signature}")
    kind, _, hash = table["algorithm"].rpartition("-")
    public = kind != "hmac"
    if public and after:
        raise Invalid("No code is generated for a public key's signature with a text behind it.")
    lead = _lead(contract, table["header"])
    content = _content(contract, table["content"])
    called = Piece("url", "called") in content
    return Recipe(
        header=table["header"],
        algorithm="hmac" if not public else "rsa" if kind == "rsa" else "ecdsa-p256",
        hash="sha256" if public else hash,
        key="" if public else table["key"],
        prefix=contract.secrets.prefix,
        encoding=table["encoding"],
        before=before,
        after=after,
        join=table.get("join", ""),
        lead=_pattern(lead),
        fields=_fields(contract, table["content"], lead),
        pieces=content,
        body_hash=_body_hash(root) if called else "",
    )


def _lead(contract: Contract, header: str) -> Template:
    """What stands in front of the signatures of a header; one of them says it for all."""
    lead = next(one.lead for one in contract.signatures if one.name == header)
    return lead.template if lead else ()


def _pattern(lead: Template) -> str:
    if not lead:
        return ""
    groups = (f"({_shape(part.name)})" if isinstance(part, Slot) else escaped(part) for part in lead)
    return "".join(groups) + "(.*)"


def escaped(text: str) -> str:
    """A regular expression for a text, in any language."""
    return re.escape(text).replace("\\ ", " ")


def _shape(name: str) -> str:
    return "[0-9]{1,15}" if name.rpartition(":")[2] in _NUMBERS else "[^,; ]+"


def _content(contract: Contract, text: str) -> tuple[Piece, ...]:
    return tuple(_piece(part, contract.method) for part in parse(text, {*BODY, *SEEN}))


def _piece(part: str | Slot, method: str) -> Piece:
    if isinstance(part, str):
        return Piece("text", part)
    known = {
        "body": Piece("body"),
        "body.sha256": Piece("sha256"),
        "body.sha256:base64": Piece("sha256:base64"),
        "request.url": Piece("url", "called"),
        "endpoint.url": Piece("url", "registered"),
        "request.method": Piece("text", method),
    }
    if part.name in SEEN and part.name not in known:
        raise Invalid(f"No code is generated for a signature over {{{part.name}}}.")
    return known.get(part.name) or Piece("field", part.name)


def _fields(contract: Contract, text: str, lead: Template) -> tuple[Field, ...]:
    """The values in front of the signatures, then those that other headers carry."""
    content = parse(text, {*BODY, *SEEN})
    signed = [part.name for part in content if isinstance(part, Slot) and part.name not in SEEN]
    in_lead = [part.name for part in lead if isinstance(part, Slot)]
    names = dict.fromkeys([*in_lead, *(name for name in signed if name != "endpoint.url")])
    time, *others = [name for name in names if name.startswith(_TIME)] or [""]
    if others:
        raise Invalid("No code is generated for several times of an attempt.")
    return tuple(
        Field(
            name,
            None if name in in_lead else contract.verifier.carriers[name],
            form=name.removeprefix(_TIME) if name == time else "",
            # A time is read strictly: no separator is in it.
            without=() if name == time else _separators(content, name),
        )
        for name in names
    )


def _separators(content: Template, name: str) -> tuple[str, ...]:
    """The literals between a value and its neighbours (Standard Webhooks, "Signature scheme")."""
    last = len(content) - 1
    around = {
        content[near]
        for index, part in enumerate(content)
        if isinstance(part, Slot) and part.name == name
        for near in (index - 1, index + 1)
        if 0 < near < last
    }
    found = sorted(part for part in around if isinstance(part, str))
    if any(len(text) > 1 for text in found):
        raise Invalid(f"No code is generated for {{{name}}} beside a separator of several characters.")
    return tuple(found)


def _body_hash(root: Mapping[str, Any]) -> str:
    """The last parameter of the query, as it stands in front of the body's hash."""
    name, value = list(root["request"]["query"].items())[-1]
    if value != "{body.sha256}" or not re.fullmatch(r"[A-Za-z0-9._~-]+", name):
        raise Invalid("No code is generated for this query beside the URL.")
    return str(name)
