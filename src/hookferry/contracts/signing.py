"""Signatures: which keys sign what, and how it is written in a header."""

import hmac
import re
from base64 import b64decode, urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha1, sha256, sha512
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from hookferry.contracts.content import Content, Sent
from hookferry.contracts.keys import PUBLIC, SecretRules, private_key, public_der, signing_key, verifying_key
from hookferry.contracts.placeholders import Facts
from hookferry.contracts.template import Slot, Template, text
from hookferry.errors import Invalid
from hookferry.model import Endpoint

if TYPE_CHECKING:
    from hashlib import _Hash


# Bytes; see `_hash`.
_AT_ONCE = 2047


class Algorithm(Protocol):
    """A way to sign. Keys are texts, as they are stored and shown.

    `random` is true if each signature of the same content is another one.
    """

    random: bool

    def keys(self, endpoint: Endpoint, now: int) -> Sequence[str]:
        """The keys of an endpoint that sign at a time (milliseconds)."""
        ...

    def sign(self, key: str, *content: bytes) -> bytes:
        """The signature of some content, given in pieces. Raises Invalid for a key that is none."""
        ...

    def takes(self, key: str) -> bool:
        """True if a receiver's key is one for this algorithm."""
        ...

    def matches(self, key: str, content: bytes, signature: bytes) -> bool:
        """True if a receiver's key confirms a signature, in constant time. Raises Invalid for a bad key."""
        ...


class Hmac:
    """HMAC (RFC 2104) with every secret that has not expired, newest first.

    Its mutable state is a bounded cache of hashes with a key already in them: for 400 bytes a signature
    takes 1.1 us with them, and 2.1 us with `hmac.digest`, which sets the key up each time.
    """

    random = False

    def __init__(self, new: Callable[[bytes], "_Hash"], key_bytes: Callable[[str], bytes]) -> None:
        self._keyed = lru_cache(maxsize=4096)(lambda secret: _keyed(new, key_bytes(secret)))

    def keys(self, endpoint: Endpoint, now: int) -> Sequence[str]:
        return live_secrets(endpoint, now)

    def sign(self, key: str, *content: bytes) -> bytes:
        inner, outer = self._keyed(key)
        inside, outside = inner.copy(), outer.copy()
        for piece in content:
            _hash(inside, piece)
        outside.update(inside.digest())
        return outside.digest()

    def takes(self, key: str) -> bool:
        return not key.startswith(PUBLIC)

    def matches(self, key: str, content: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(key, content), signature)


def live_secrets(endpoint: Endpoint, now: int) -> list[str]:
    """The secrets of an endpoint that sign at a time, newest first."""
    return [
        secret.value for secret in endpoint.secrets if secret.expires_at is None or secret.expires_at > now
    ]


def _keyed(new: Callable[[bytes], "_Hash"], key: bytes) -> tuple["_Hash", "_Hash"]:
    """The inner and the outer hash of HMAC, with the key in them."""
    block = new(b"").block_size
    padded = (new(key).digest() if len(key) > block else key).ljust(block, b"\0")
    return new(bytes(byte ^ 0x36 for byte in padded)), new(bytes(byte ^ 0x5C for byte in padded))


def _hash(into: "_Hash", content: bytes) -> None:
    """Hash in small steps. With 2 KB and more at once hashlib lets go of the interpreter's lock, and then
    queues for it behind other threads: 2 % of the throughput with 8 KB, where hashing takes 5 µs.
    """
    if len(content) <= _AT_ONCE:
        into.update(content)
        return
    view = memoryview(content)
    for start in range(0, len(content), _AT_ONCE):
        into.update(view[start : start + _AT_ONCE])


HMACS: dict[str, Callable[[bytes], "_Hash"]] = {
    "hmac-sha256": sha256,
    "hmac-sha1": sha1,
    "hmac-sha512": sha512,
}
"""By the name of the algorithm. SHA-1 is there because Twilio and old receivers of GitHub want it."""


class KeyPair:
    """ECDSA over P-256 (FIPS 186-5) or RSA (RFC 8017, PKCS #1 v1.5), both with SHA-256.

    The endpoint's secret is the private key; receivers verify with the public one.
    """

    def __init__(self, rules: SecretRules, scheme: Callable[[], tuple[Any, ...]]) -> None:
        self.random = scheme is _ecdsa
        self._prefix = rules.prefix
        self._form = rules.form
        self._scheme = scheme

    def keys(self, endpoint: Endpoint, now: int) -> Sequence[str]:
        return live_secrets(endpoint, now)

    def sign(self, key: str, *content: bytes) -> bytes:
        signature: bytes = self._private(key).sign(b"".join(content), *self._scheme())
        return signature

    def takes(self, key: str) -> bool:
        return not key.startswith(PUBLIC)

    def matches(self, key: str, content: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        public: Any = public_der(key, self._form)
        try:
            public.verify(signature, content, *self._scheme())
        except InvalidSignature:
            return False
        return True

    def _private(self, key: str) -> Any:
        try:
            return private_key(key.removeprefix(self._prefix), self._form)
        except ValueError as error:
            raise Invalid(f"the secret is {error}", field="secret") from None


def _ecdsa() -> tuple[Any, ...]:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    return (ECDSA(SHA256()),)


def _pkcs1() -> tuple[Any, ...]:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return PKCS1v15(), SHA256()


SCHEMES: dict[str, tuple[str, Callable[[], tuple[Any, ...]]]] = {
    "ecdsa-p256": ("ecdsa-p256", _ecdsa),
    "rsa-sha256": ("rsa", _pkcs1),
}
"""By the name of the algorithm: the form that secrets must have, and what `cryptography` is told."""


class Ed25519:
    """Ed25519 (RFC 8032) with the endpoint's own private key, where it has one."""

    random = False

    def keys(self, endpoint: Endpoint, now: int) -> Sequence[str]:
        return (endpoint.ed25519.value,) if endpoint.ed25519 else ()

    def sign(self, key: str, *content: bytes) -> bytes:
        return signing_key(key).sign(b"".join(content))

    def takes(self, key: str) -> bool:
        return key.startswith(PUBLIC)

    def matches(self, key: str, content: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            verifying_key(key).verify(signature, content)
        except InvalidSignature:
            return False
        return True


class Encoding(msgspec.Struct, frozen=True):
    """How a signature's bytes are written. `read` raises ValueError."""

    write: Callable[[bytes], str]
    read: Callable[[str], bytes]


ENCODINGS = {
    "base64": Encoding(
        write=lambda signature: b2a_base64(signature, newline=False).decode(),
        read=lambda text: b64decode(text, validate=True),
    ),
    "base64url": Encoding(
        write=lambda signature: urlsafe_b64encode(signature).decode(),
        read=lambda text: b64decode(text, altchars=b"-_", validate=True),
    ),
    "hex": Encoding(write=bytes.hex, read=bytes.fromhex),
}


_ENDS = (",", ";", " ")


class Lead:
    """A text in front of signatures, such as `t={attempt.time:unix},`. Raises ValueError."""

    def __init__(self, template: Template) -> None:
        for part, after in zip(template, (*template[1:], ""), strict=True):
            if isinstance(part, Slot) and not (isinstance(after, str) and after.startswith(_ENDS)):
                raise ValueError("each placeholder must end with a comma, a semicolon or a blank")
        self.template = template
        self.write = text(template)
        self.fields = {part.name for part in template if isinstance(part, Slot)}
        self._names = [part.name for part in template if isinstance(part, Slot)]
        pattern = "".join("([^,; ]+)" if isinstance(part, Slot) else re.escape(part) for part in template)
        self._read = re.compile(pattern)

    def read(self, value: str) -> tuple[dict[str, str], str]:
        """The values in it by placeholder, and what follows. Raises Invalid."""
        found = self._read.match(value)
        if found is None:
            raise Invalid("the signature's header does not begin as it should")
        return dict(zip(self._names, found.groups(), strict=True)), value[found.end() :]


class Signature(msgspec.Struct, frozen=True):
    """One kind of signature. `before` and `after` stand around its text."""

    algorithm: Algorithm
    content: Content
    encoding: Encoding
    before: str
    after: str
    optional: bool
    newest: bool = False
    """True if only the newest secret signs, as its header has room for one."""

    def texts(self, facts: Facts, sent: Sent) -> list[str]:
        """One text for each key that signs now. Raises Invalid where there must be one and is none."""
        keys = self.algorithm.keys(facts.endpoint, facts.now)
        if not keys:
            if self.optional:
                return []
            raise Invalid("the endpoint has no secret that is valid now", field="secret")
        if self.newest:
            keys = keys[:1]
        content, sign, write = self.content.of(facts, sent), self.algorithm.sign, self.encoding.write
        return [self.before + write(sign(key, *content)) + self.after for key in keys]

    def confirms(self, texts: Sequence[str], content: bytes, keys: Sequence[str]) -> bool:
        """True if a text is the content's signature by one of the keys. Raises Invalid for a bad key."""
        signatures = [signature for text in texts if (signature := self._read(text)) is not None]
        return any(
            self.algorithm.matches(key, content, signature)
            for key in keys
            if self.algorithm.takes(key)
            for signature in signatures
        )

    def _read(self, text: str) -> bytes | None:
        """The signature in a text; None if it is not written exactly as we write it."""
        try:
            signature = self.encoding.read(text.removeprefix(self.before).removesuffix(self.after))
        except ValueError:
            return None
        return signature if self.before + self.encoding.write(signature) + self.after == text else None


class SignatureHeader(msgspec.Struct, frozen=True):
    """A header with signatures of one or several kinds, joined; `lead` stands once in front of them."""

    name: str
    join: str
    signatures: tuple[Signature, ...]
    lead: Lead | None = None

    def value(self, facts: Facts, sent: Sent) -> str:
        """The header's value; empty if nothing signs."""
        texts: list[str] = []
        for signature in self.signatures:
            texts += signature.texts(facts, sent)
        if self.lead is None or not texts:
            return self.join.join(texts)
        return self.lead.write(facts) + self.join.join(texts)

    def split(self, value: str) -> tuple[dict[str, str], list[str]]:
        """The values in the lead by placeholder, and the signatures' texts. Raises Invalid."""
        values: dict[str, str] = {}
        if self.lead is not None:
            values, value = self.lead.read(value)
        return values, value.split(self.join) if self.join else [value]
