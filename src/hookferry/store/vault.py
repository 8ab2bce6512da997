"""Encryption at rest: AES-256-GCM, with what a secret belongs to bound as associated data.

A sealed value is a version byte, four bytes of key id, a nonce of twelve and the ciphertext with its tag.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hookferry.errors import ConfigError, StartError

_VERSION = b"\x01"
_NONCE = 12


class UnreadableError(Exception):
    """A sealed value that this key does not open."""


class Vault:
    """Seals and opens under one key. `key` is 32 bytes; `randomness` gives that many random bytes."""

    def __init__(self, key: bytes, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._cipher = AESGCM(key)
        self._head = _VERSION + hashlib.sha256(b"hookferry key id" + key).digest()[:4]
        self._randomness = randomness

    def seal(self, clear: bytes, owner: str) -> bytes:
        """Encrypt for `owner`, a text that must be the same when it is opened."""
        nonce = self._randomness(_NONCE)
        return self._head + nonce + self._cipher.encrypt(nonce, clear, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """Decrypt. Raises UnreadableError for another key, another owner or a changed value."""
        head, rest = sealed[: len(self._head)], sealed[len(self._head) :]
        if head != self._head:
            raise UnreadableError("sealed under another key")
        try:
            return self._cipher.decrypt(rest[:_NONCE], rest[_NONCE:], owner.encode())
        except (InvalidTag, ValueError) as error:
            raise UnreadableError("changed, or sealed for another owner") from error


def key_from_text(text: str) -> bytes:
    """The key of HOOKFERRY_SECRET_KEY: at least 32 characters of high entropy. Raises ConfigError."""
    if len(text) < 32:
        raise ConfigError("HOOKFERRY_SECRET_KEY must have 32 characters or more.", field="secret_key")
    return hashlib.sha256(text.encode()).digest()


def key_from_file(path: Path) -> bytes:
    """The key in a file of mode 0600, made if it is not there. Raises StartError."""
    try:
        with suppress(FileExistsError), open(path, "x", opener=_private) as file:
            file.write(os.urandom(32).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        return key_from_text(path.read_text("ascii").strip())
    except OSError as error:
        raise StartError(f"The key file {path} cannot be used: {error.strerror}.") from error
    except (ConfigError, UnicodeDecodeError) as error:
        raise StartError(
            f"The key file {path} holds no key. Restore it: without it nobody reads the secrets of its "
            "database. Delete it if that database is still to be made."
        ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
