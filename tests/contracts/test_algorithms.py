"""Each algorithm and each encoding against an implementation that is not ours, and with one byte changed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from hookferry.contracts import Contract
from hookferry.contracts.signing import ENCODINGS, HMACS
from hookferry.errors import Invalid
from hookferry.exchange import Request
from hookferry.model import Secret
from tests.contracts.examples import NOW, PUBLIC, endpoint, made, refusal, render, signature
from tests.contracts.examples import file as contract_file

SECRET = "acme-7d2f4e81"
BODY = b'{"data":{"total":12}}'
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def value_of(contract: Contract, secret: str = SECRET) -> str:
    return dict(render(contract, to=endpoint(Secret(secret))).headers)["X-Signature"]


def in_base64(key: PrivateKey) -> str:
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return base64.b64encode(der).decode()


def public_in_base64(key: PrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def p256_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def by_key_pair(algorithm: str, form: str) -> Contract:
    secret = f'[secret]\nform = "{form}"\ngiver = "customer"\n'
    return made(secret + signature(algorithm=algorithm, key="", encoding="base64"))


ECDSA, RSA = ("ecdsa-p256", "ecdsa-p256"), ("rsa-sha256", "rsa")


@pytest.mark.parametrize("name", sorted(HMACS))
def test_hmac(name: str) -> None:
    """Each HMAC is the standard library's."""
    hash = name.removeprefix("hmac-")

    expected = hmac.new(SECRET.encode(), BODY, hash).hexdigest()
    assert value_of(made(signature(algorithm=name))) == expected


def test_hmac_of_a_captured_request() -> None:
    """HMAC with SHA-1 is that of RFC 2202, test case 2, and SHA-512 that of RFC 4231, test case 2."""
    content = b"what do ya want for nothing?"
    signed = {
        name: dict(made(signature(algorithm=name)).sign(content, "", "Jefe", NOW))["X-Signature"]
        for name in ("hmac-sha1", "hmac-sha512")
    }

    assert signed == {
        "hmac-sha1": "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        "hmac-sha512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    }


@pytest.mark.parametrize(
    ("encoding", "write"),
    [
        ("hex", bytes.hex),
        ("base64", lambda digest: base64.b64encode(digest).decode()),
        ("base64url", lambda digest: base64.urlsafe_b64encode(digest).decode()),
    ],
)
def test_encodings(encoding: str, write: Callable[[bytes], str]) -> None:
    """Each encoding is the standard library's."""
    digest = hmac.digest(b"secret-3", BODY, hashlib.sha256)

    assert value_of(made(signature(encoding=encoding)), "secret-3") == write(digest)


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_other_spelling(encoding: str) -> None:
    """A signature is taken as it is written, in no other spelling of the same bytes."""
    contract = made(signature(encoding=encoding))
    value = value_of(contract)
    other = value.upper() if encoding == "hex" else value.rstrip("=")

    with pytest.raises(Invalid, match="does not match"):
        contract.verify({"X-Signature": other}, BODY, [SECRET], NOW)


@pytest.mark.parametrize(
    ("form", "key", "secret", "expected"),
    [
        ("text", "utf-8", "whsec_AAAA", b"whsec_AAAA"),
        ("base64", "utf-8", "whsec_AAAA", b"whsec_AAAA"),
        ("base64", "base64", "whsec_AAEC", bytes([0, 1, 2])),
        ("hex", "hex", "whsec_00ff10", bytes([0, 255, 16])),
        ("hex", "utf-8", "whsec_00ff10", b"whsec_00ff10"),
        ("text", "utf-8", "whsec_ü☃", "whsec_ü☃".encode()),
    ],
)
def test_key_bytes(form: str, key: str, secret: str, expected: bytes) -> None:
    """A secret becomes key bytes as the contract says."""
    contract = made(f'[secret]\nform = "{form}"\nprefix = "whsec_"\n' + signature(key=key))

    assert value_of(contract, secret) == hmac.new(expected, BODY, "sha256").hexdigest()


def test_ecdsa_is_verified_by_others() -> None:
    """`cryptography` verifies an ECDSA signature of ours with the public key that we show."""
    contract, private = by_key_pair(*ECDSA), in_base64(p256_key())
    public = load_der_public_key(base64.b64decode(contract.public_key(private) or ""))

    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(base64.b64decode(value_of(contract, private)), BODY, ec.ECDSA(SHA256()))


def test_rsa_is_that_of_others() -> None:
    """An RSA signature is the one that `cryptography` makes: PKCS #1 v1.5 has no chance in it."""
    expected = rsa_key().sign(BODY, padding.PKCS1v15(), SHA256())

    assert value_of(by_key_pair(*RSA), in_base64(rsa_key())) == base64.b64encode(expected).decode()


def signed(pair: tuple[str, str]) -> tuple[Contract, Request, str]:
    key: PrivateKey = p256_key() if pair == ECDSA else rsa_key()
    contract = by_key_pair(*pair)
    return contract, render(contract, to=endpoint(Secret(in_base64(key)))), public_in_base64(key)


@pytest.mark.parametrize("pair", [ECDSA, RSA], ids=str)
def test_public_key_verifies(pair: tuple[str, str]) -> None:
    """A receiver verifies with the public key."""
    contract, request, public = signed(pair)

    contract.verify(dict(request.headers), request.body, [public], NOW)


@pytest.mark.parametrize("pair", [ECDSA, RSA], ids=str)
@pytest.mark.parametrize("at", range(len(BODY)))
def test_changed_body(pair: tuple[str, str], at: int) -> None:
    """A body with any one byte changed is refused."""
    contract, request, public = signed(pair)
    body = bytearray(request.body)
    body[at] ^= 1

    with pytest.raises(Invalid, match="does not match"):
        contract.verify(dict(request.headers), bytes(body), [public], NOW)


@pytest.mark.parametrize("pair", [ECDSA, RSA], ids=str)
@pytest.mark.parametrize("at", [0, 1, 10, 40, -5, -6])
def test_changed_signature(pair: tuple[str, str], at: int) -> None:
    """A signature with one character changed is refused."""
    contract, request, public = signed(pair)
    value = list(dict(request.headers)["X-Signature"])
    value[at] = "B" if value[at] == "A" else "A"

    with pytest.raises(Invalid, match="does not match"):
        contract.verify({"X-Signature": "".join(value)}, request.body, [public], NOW)


@pytest.mark.parametrize("pair", [ECDSA, RSA], ids=str)
def test_public_key_of_another_kind(pair: tuple[str, str]) -> None:
    """A public key of another kind is named as the culprit, not raised over."""
    contract, request, _ = signed(pair)
    others: list[PrivateKey] = [rsa_key() if pair == ECDSA else p256_key()]
    others.append(ec.generate_private_key(ec.SECP384R1()))

    for other in others:
        with pytest.raises(Invalid) as refused:
            contract.verify(dict(request.headers), request.body, [public_in_base64(other)], NOW)
        assert refused.value.field == "secret"


@pytest.mark.parametrize("pair", [ECDSA, RSA], ids=str)
def test_private_key_of_another_kind(pair: tuple[str, str]) -> None:
    """A secret that is a private key of another kind is refused when it is given."""
    other: PrivateKey = rsa_key() if pair == ECDSA else p256_key()

    with pytest.raises(Invalid) as refused:
        by_key_pair(*pair).check_secret(in_base64(other))
    assert refused.value.field == "secret"


@pytest.mark.parametrize("secret", ["", "AAAA", "!", json.dumps({"kty": "EC"})])
@pytest.mark.parametrize("pair", [ECDSA, RSA], ids=str)
def test_private_key_that_is_none(pair: tuple[str, str], secret: str) -> None:
    """What is no private key is refused when it is given."""
    with pytest.raises(Invalid):
        by_key_pair(*pair).check_secret(secret)


def test_short_rsa_key() -> None:
    """An RSA key of less than 2048 bits is refused."""
    with pytest.raises(Invalid):
        by_key_pair(*RSA).check_secret(in_base64(rsa_key(1024)))


@pytest.mark.parametrize("make", [lambda: in_base64(rsa_key(4104)), lambda: "A" * 1_000_000])
def test_long_rsa_key(make: Callable[[], str]) -> None:
    """A key of more than 4096 bits is refused: to read it would hold everybody else for seconds."""
    with pytest.raises(Invalid):
        by_key_pair(*RSA).check_secret(make())


@pytest.mark.parametrize("form", ["ecdsa-p256", "rsa"])
def test_hmac_with_private_keys(form: str) -> None:
    """HMAC is refused where secrets are private keys: a receiver has the public one alone."""
    text = contract_file(f'[secret]\nform = "{form}"\ngiver = "customer"\n' + signature(key="utf-8"))

    assert refusal(text).endswith(f'signature.key: HMAC takes no private key ([secret] form = "{form}")')


@pytest.mark.parametrize("key", [PUBLIC, "public"])
def test_public_key_is_no_secret(key: str) -> None:
    """A public key, which everybody has, is no key of an HMAC: where it is given nothing verifies."""
    contract = made(
        '[secret]\nform = "base64"\nprefix = "whsec_"\n'
        + signature(key="base64", encoding="base64", join=" ")
        + signature(algorithm="ed25519", key="", encoding="base64", join=" ", optional=True)
    )
    text = public_in_base64(p256_key()) if key == "public" else key
    forged = hmac.digest(base64.b64decode(text.removeprefix("whpk_")), BODY, hashlib.sha256)

    with pytest.raises(Invalid):
        contract.verify({"X-Signature": base64.b64encode(forged).decode()}, BODY, [text], NOW)


def test_another_public_key() -> None:
    """The public key of somebody else verifies nothing."""
    contract = by_key_pair(*ECDSA)
    request = render(contract, to=endpoint(Secret(in_base64(p256_key()))))
    other = public_in_base64(ec.generate_private_key(ec.SECP256R1()))

    with pytest.raises(Invalid, match="does not match"):
        contract.verify(dict(request.headers), request.body, [other], NOW)


def test_ecdsa_signs_otherwise_each_time() -> None:
    """Two signatures of the same content differ, and the contract says so."""
    contract, private = by_key_pair(*ECDSA), in_base64(p256_key())

    assert contract.random
    assert value_of(contract, private) != value_of(contract, private)


def test_newest_alone() -> None:
    """Without a `join` the newest secret alone signs, during a rotation too."""
    contract = made(signature())
    both = endpoint(Secret("new"), Secret("old", NOW + 1))

    assert dict(render(contract, to=both).headers)["X-Signature"] == value_of(contract, "new")


def test_optional_without_a_secret() -> None:
    """An optional signature's header is left out for an endpoint without a secret."""
    contract = made("[secret]\nrequired = false\n" + signature())
    nobody = endpoint(Secret("old", NOW - 1))

    assert dict(render(contract, to=nobody).headers) == {"Content-Type": "application/json"}


def test_needed_without_a_secret() -> None:
    """A signature that is promised is not left out: nothing is rendered."""
    contract = made("[secret]\nrequired = true\n" + signature())

    with pytest.raises(Invalid, match="no secret"):
        render(contract, to=endpoint(Secret("old", NOW - 1)))
