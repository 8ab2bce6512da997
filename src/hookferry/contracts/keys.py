"""Secrets and keys as texts: how they look, and the key material in them."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from hookferry.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

# Standard Webhooks 1.0.0, "Signature scheme": the private key's text is the seed and the public key.
PRIVATE, PUBLIC = "whsk_", "whpk_"
_SEED = 32

# Keys of endpoints that are sent to again and again; an entry takes about 400 bytes.
_REMEMBERED = 4096


class SecretRules(msgspec.Struct, frozen=True):
    """How a contract's secrets look: a prefix, then base64 of so many bytes."""

    prefix: str
    shortest: int
    longest: int

    def new(self, random: bytes) -> str:
        """A secret made of random bytes. Raises ValueError for too few or too many."""
        if not self.shortest <= len(random) <= self.longest:
            raise ValueError(f"a secret takes {self.shortest} to {self.longest} random bytes")
        return self.prefix + b64encode(random).decode()

    def key(self, secret: str) -> bytes:
        """The key bytes in a secret. Raises Invalid."""
        key = _decoded(self.prefix, secret)
        if not self.shortest <= len(key) <= self.longest:
            problem = f"the secret has {len(key)} bytes, not {self.shortest} to {self.longest}"
            raise Invalid(problem, field="secret")
        return key


KEYS: dict[str, Callable[[SecretRules], Callable[[str], bytes]]] = {"base64": lambda rules: rules.key}
"""How a stored secret becomes key bytes, by name. `base64`: what follows the prefix, decoded."""


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
        if text.startswith(prefix):
            return b64decode(text.removeprefix(prefix), validate=True)
    except ValueError:
        pass
    # The text itself stays out of the message: it is a secret.
    raise Invalid(f"expected {prefix} followed by base64 with its padding", field="secret")
