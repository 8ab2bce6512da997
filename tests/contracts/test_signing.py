"""Signatures, keys and rotation."""

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts import builtin, public_key
from hookferry.contracts.signing import Hmac
from hookferry.errors import Invalid
from hookferry.model import Secret
from tests.contracts.examples import NEW, NOW, OLD, PRIVATE, PUBLIC, endpoint, render

STANDARD = builtin("standard")


def signatures(*secrets: Secret, ed25519: str | None = None) -> list[str]:
    headers = dict(render(STANDARD, to=endpoint(*secrets, ed25519=ed25519)).headers)
    return headers["webhook-signature"].split(" ")


@given(key=st.binary(max_size=200), content=st.binary(max_size=500))
def test_hmac_is_hmac(key: bytes, content: bytes) -> None:
    """Our HMAC with prepared keys is the standard library's, for keys of any length."""
    assert Hmac(hashlib.sha256, lambda secret: key).sign("", content) == hmac.digest(
        key, content, hashlib.sha256
    )


@given(sizes=st.lists(st.sampled_from((0, 1, 2046, 2047, 2048, 9000)), max_size=4))
def test_hmac_of_pieces(sizes: list[int]) -> None:
    """Large ones too, which are hashed in steps."""
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]
    assert Hmac(hashlib.sha256, lambda secret: b"key").sign("", *pieces) == hmac.digest(
        b"key", b"".join(pieces), hashlib.sha256
    )


def test_old_secret_signs_during_the_overlap() -> None:
    """A rotated secret signs too until it expires, after the new one."""
    both = signatures(Secret(NEW), Secret(OLD, expires_at=NOW + 1))

    assert both == signatures(Secret(NEW)) + signatures(Secret(OLD))


def test_expired_secret_signs_no_more() -> None:
    """From the moment of its expiry on a secret is left out."""
    assert signatures(Secret(NEW), Secret(OLD, expires_at=NOW)) == signatures(Secret(NEW))


def test_no_secret() -> None:
    """Where a signature is promised and no secret is valid nothing is rendered."""
    with pytest.raises(Invalid, match="no secret"):
        signatures(Secret(OLD, expires_at=NOW - 1))


def test_ed25519_is_an_extra_signature() -> None:
    """An endpoint with a key pair gets a second signature, which its public key verifies."""
    request = render(STANDARD, to=endpoint(ed25519=PRIVATE))
    text = dict(request.headers)["webhook-signature"].split(" ")[1]

    key = Ed25519PublicKey.from_public_bytes(b64decode(PUBLIC.removeprefix("whpk_")))
    key.verify(b64decode(text.removeprefix("v1a,")), b"evt_1.1770091506." + request.body)


def test_public_key_of_a_private_one() -> None:
    """The public key is the one of the Standard Webhooks vectors."""
    assert public_key(PRIVATE) == PUBLIC


def test_new_key_pair_is_written_as_in_the_vectors() -> None:
    """A private key made of the vectors' seed has the vectors' text."""
    assert STANDARD.new_ed25519(b64decode(PRIVATE.removeprefix("whsk_"))[:32]) == PRIVATE


@given(random=st.binary(min_size=24, max_size=64))
def test_new_secret_can_sign(random: bytes) -> None:
    """A new secret is the prefix and the random bytes in base64, and passes the check."""
    secret = STANDARD.new_secret(random)
    STANDARD.check_secret(secret)

    assert secret == "whsec_" + b64encode(random).decode()


@pytest.mark.parametrize("size", [0, 23, 65])
def test_new_secret_of_the_wrong_size(size: int) -> None:
    """Too few and too many random bytes are refused."""
    with pytest.raises(Invalid, match="24 to 64"):
        STANDARD.new_secret(bytes(size))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa\u2603w",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_AAAA",
        "whsec_" + b64encode(bytes(65)).decode(),
        PRIVATE,
    ],
)
def test_secret_that_cannot_sign(secret: str) -> None:
    """A secret without the prefix, that is no base64, or of the wrong size is refused by its field."""
    with pytest.raises(Invalid) as refused:
        STANDARD.check_secret(secret)

    assert refused.value.field == "secret"


def test_refused_secret_is_not_repeated() -> None:
    """The error does not have the secret in it."""
    with pytest.raises(Invalid) as refused:
        STANDARD.check_secret("whsec_hunter2!")

    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    "private", ["whsk_", "whsk_" + b64encode(bytes(64)).decode(), OLD, PRIVATE[:-8], "whsk_AAAA"]
)
def test_private_key_that_cannot_sign(private: str) -> None:
    """A private key that is not a seed with its public key is refused."""
    with pytest.raises(Invalid):
        public_key(private)
