"""Secrets and keys as texts: how they look, and the key material in them."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha512
from typing import TYPE_CHECKING, cast

import msgspec

from hookferry.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey
    PublicKey = EllipticCurvePublicKey | RSAPublicKey

# Standard Webhooks 1.0.0, "Signature scheme": the private key's text is the seed and the public key.
PRIVATE, PUBLIC = "whsk_", "whpk_"
_SEED = 32

# Keys of endpoints that are sent to again and again; an entry takes about 400 bytes.
_REMEMBERED = 4096

NEW_KEY = 32
"""The random bytes of a new Ed25519 key, and of a new secret unless its contract says otherwise."""

_SHORTEST_RSA, _LONGEST_RSA = 2048, 4096
# To read an RSA key of 4096 bits takes 0.3 s, one of 8192 bits 5 s: longer texts are not looked into.
_LONGEST_KEY = 3_400
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class SecretRules(msgspec.Struct, frozen=True):
    """How a contract's secrets look and who gives them. A prefix, then a text of one of the `FORMS`.

    `shortest` and `longest` count what is behind the prefix: bytes once decoded, characters of a text.
    """

    prefix: str
    shortest: int
    longest: int
    form: str = "base64"
    giver: str = "generated"
    """`generated` for each endpoint, or given by the `customer`, or issued by the `operator`."""
    required: bool = True
    """False if an endpoint may have none, and then no signature."""
    reveal: str = "always"
    """When the API shows it: `always`, `once` when it is made, or `never`."""
    random: int = NEW_KEY
    """The random bytes that a new one is made of."""

    def new(self, random: bytes) -> str:
        """A secret made of random bytes. Raises Invalid (`secret`) where one has to be given."""
        form = FORMS[self.form]
        if form.make is None:
            raise Invalid(f"a secret of the form {self.form} is not made here: give one", field="secret")
        size = form.size(random)
        if not self.shortest <= size <= self.longest:
            said = f"{self.shortest} to {self.longest} {form.unit}"
            raise Invalid(f"a new secret has {size} {form.unit}, not {said}: give one", field="secret")
        return self.prefix + form.make(random)

    def check(self, secret: str) -> None:
        """Raises Invalid (field `secret`) for a secret of another form or length."""
        size = FORMS[self.form].measure(_behind(self.prefix, secret, self.form))
        if not self.shortest <= size <= self.longest:
            wanted = (
                str(self.longest) if self.shortest == self.longest else f"{self.shortest} to {self.longest}"
            )
            raise Invalid(f"the secret has {size} {FORMS[self.form].unit}, not {wanted}", field="secret")

    def decoded(self, secret: str) -> bytes:
        """The bytes behind the prefix of a base64 secret. Raises Invalid."""
        self.check(secret)
        return b64decode(secret.removeprefix(self.prefix))

    def unhexed(self, secret: str) -> bytes:
        """The bytes behind the prefix of a hexadecimal secret. Raises Invalid."""
        self.check(secret)
        return bytes.fromhex(secret.removeprefix(self.prefix))

    def as_it_is(self, secret: str) -> bytes:
        """The whole secret, prefix and all, as UTF-8. Raises Invalid."""
        self.check(secret)
        return secret.encode()


class Form(msgspec.Struct, frozen=True):
    """How a secret is written behind its prefix.

    `size` counts random bytes as `measure` counts the text that `make` makes of them; `measure` raises
    ValueError for what has another form.
    """

    unit: str
    make: Callable[[bytes], str] | None
    size: Callable[[bytes], int]
    measure: Callable[[str], int]


def _measured(text: str) -> int:
    if not text.isprintable():
        raise ValueError("characters that cannot be seen")
    return len(text)


def _hex_size(text: str) -> int:
    return len(bytes.fromhex(text)) if text.isalnum() else _refuse()


def _refuse() -> int:
    raise ValueError("not hexadecimal")


def _keys_of(form: str) -> Callable[[str], int]:
    """The measure of private keys of a form: one."""

    def measure(text: str) -> int:
        private_key(text, form)
        return 1

    return measure


FORMS: dict[str, Form] = {
    "base64": Form(
        "bytes",
        lambda random: b64encode(random).decode(),
        len,
        lambda text: len(b64decode(text, validate=True)),
    ),
    "hex": Form("bytes", bytes.hex, len, _hex_size),
    "text": Form("characters", bytes.hex, lambda random: 2 * len(random), _measured),
    "ecdsa-p256": Form("keys", lambda random: _new_p256(random), lambda random: 1, _keys_of("ecdsa-p256")),
    "rsa": Form("keys", None, lambda random: 1, _keys_of("rsa")),
}
"""By name. `text`: any characters, used as they are; keys are PKCS #8 in base64."""


KEYS: dict[str, Callable[[SecretRules], Callable[[str], bytes]]] = {
    "base64": lambda rules: rules.decoded,
    "hex": lambda rules: rules.unhexed,
    "utf-8": lambda rules: rules.as_it_is,
}
"""How a stored secret becomes key bytes, by name."""


KEY_PAIRS = {"ecdsa-p256": "a P-256 key", "rsa": "an RSA key of 2048 to 4096 bits"}
"""The forms whose secrets are private keys, and what they are called."""


@lru_cache(_REMEMBERED)
def private_key(text: str, form: str) -> "PrivateKey":
    """The key object of a PKCS #8 private key in base64. Raises ValueError, for another form's too."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    if len(text) > _LONGEST_KEY:
        raise ValueError(f"not {KEY_PAIRS[form]}")
    try:
        key = load_der_private_key(b64decode(text, validate=True), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("not a PKCS #8 private key in base64") from error
    _check_kind(key, form)
    return cast("PrivateKey", key)


@lru_cache(_REMEMBERED)
def public_der(text: str, form: str) -> "PublicKey":
    """The key object of a public key (SubjectPublicKeyInfo, DER) in base64. Raises Invalid."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(b64decode(text, validate=True))
        _check_kind(key, form)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Invalid(f"expected {KEY_PAIRS[form]}, public, DER in base64", field="secret") from None
    return cast("PublicKey", key)


def _check_kind(key: object, form: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if form == "rsa":
        kinds = (rsa.RSAPrivateKey, rsa.RSAPublicKey)
        fits = isinstance(key, kinds) and _SHORTEST_RSA <= key.key_size <= _LONGEST_RSA
    else:
        curves = (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)
        fits = isinstance(key, curves) and isinstance(key.curve, ec.SECP256R1)
    if not fits:
        raise ValueError(f"not {KEY_PAIRS[form]}")


def public_of(private: str, form: str) -> str:
    """The public key (DER in base64) of a PKCS #8 private key in base64. Raises ValueError."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = private_key(private, form).public_key()
    return b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def _new_p256(random: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    # 64 bytes of hash: 32 alone would favour small numbers (FIPS 186-5, appendix A.2.1, asks for 8 more).
    number = int.from_bytes(sha512(random).digest(), "big") % (_P256_ORDER - 1) + 1
    key = derive_private_key(number, SECP256R1())
    return b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def new_ed25519(seed: bytes) -> str:
    """A private key (`whsk_...`) made of 32 random bytes. Raises ValueError for another number."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return PRIVATE + b64encode(seed + public).decode()


def public_key(private: str) -> str:
    """The public key (`whpk_...`) that belongs to a private one (`whsk_...`). Raises Invalid."""
    return PUBLIC + b64encode(signing_key(private).public_key().public_bytes_raw()).decode()


@lru_cache(_REMEMBERED)
def signing_key(private: str) -> "Ed25519PrivateKey":
    """The key object of a private key's text. Raises Invalid."""
    # Imported here: it takes 40 ms, and most endpoints have no such key.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    both = _decoded(PRIVATE, private)
    seed, public = both[:_SEED], both[_SEED:]
    if len(seed) == _SEED:
        key = Ed25519PrivateKey.from_private_bytes(seed)
        if key.public_key().public_bytes_raw() == public:
            return key
    raise Invalid("the private key is not a seed of 32 bytes and its public key", field="ed25519")


@lru_cache(_REMEMBERED)
def verifying_key(public: str) -> "Ed25519PublicKey":
    """The key object of a public key's text. Raises Invalid."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return Ed25519PublicKey.from_public_bytes(_decoded(PUBLIC, public))
    except ValueError:
        raise Invalid("the public key has not 32 bytes", field="secret") from None


def _decoded(prefix: str, text: str) -> bytes:
    try:
        return b64decode(_behind(prefix, text, "base64"), validate=True)
    except ValueError:
        raise _refused(prefix, "base64") from None


def _behind(prefix: str, text: str, form: str) -> str:
    """What stands behind the prefix, in the right form. Raises Invalid."""
    rest = text.removeprefix(prefix)
    try:
        if text.startswith(prefix):
            FORMS[form].measure(rest)
            return rest
    except ValueError:
        pass
    raise _refused(prefix, form)


def _refused(prefix: str, form: str) -> Invalid:
    # The text itself stays out of the message: it is a secret.
    said = {"base64": "base64 with its padding", "text": "a text", "hex": "hexadecimal digits"}
    behind = said.get(form) or f"{KEY_PAIRS[form]}, PKCS #8 in base64"
    return Invalid(
        f"expected {prefix} followed by {behind}" if prefix else f"expected a secret of {behind}",
        field="secret",
    )
