"""Contracts and what they send, for guides to be tried on."""

import time
from functools import cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hookferry.contracts import Contract, builtin, load
from hookferry.contracts.load import builtin_names
from hookferry.contracts.texts import builtin_text
from hookferry.exchange import Request
from hookferry.model import Secret
from tests.contracts.examples import endpoint, event, file, render, signature

URL = "https://example.com/hook?a=1"
_PAYLOAD = '{"total":12,"name":"Zoë"}'.encode()


def _secrets(form: str, prefix: str = "") -> str:
    """The section of secrets of a form."""
    begin = f'prefix = "{prefix}"\n' if prefix else ""
    return f'[secret]\nform = "{form}"\n{begin}shortest = 1\nlongest = 99\n'


def _timed(form: str) -> str:
    """A contract that signs the time in a header."""
    signed = signature(content=f"{{attempt.time:{form}}}.{{body}}")
    return file(_secrets("text") + signed, headers=f'X-Time = "{{attempt.time:{form}}}"')


OWN = {
    "hex-key": file(
        _secrets("hex", "hx_") + signature(key="hex", algorithm="hmac-sha512", encoding="base64url")
    ),
    "around": file(_secrets("base64", "k_") + signature(key="base64", value="a{signature}z", join=";")),
    "registered-url": file(signature(content="{request.method} {endpoint.url} {body.sha256}")),
    "sha256-base64": file(signature(content="v:{body.sha256:base64}")),
    "iso-ms": _timed("iso-ms"),
    "iso-offset": _timed("iso-offset"),
    "unix-ms": _timed("unix-ms"),
    "leads": file(
        _secrets("text")
        + signature(
            content="{event.id}|{attempt.time:iso}|{body}",
            lead="id={event.id}; at={attempt.time:iso}; ",
            value="s/{signature}",
            join="/ ",
        )
    ),
    "marks": file(signature(content="\"$x#'/\\`${body}", value="'\"`$#/\\{signature}")),
    "public-keys": file(
        _secrets("ecdsa-p256") + signature(algorithm="ecdsa-p256", key="", value="e,{signature}", join=" ")
    ),
    "rsa": file(
        '[secret]\nform = "rsa"\ngiver = "customer"\n'
        + signature(algorithm="rsa-sha256", key="", encoding="base64", value="r={signature}", join=",")
    ),
}
"""Kinds of signatures that no built-in contract has."""


class Sender(msgspec.Struct, frozen=True):
    """A contract, its file, and two secrets of an endpoint."""

    contract: Contract
    text: str
    new: str
    old: str

    def sends(self, age: float = 0, both: bool = False) -> Request:
        """A request that was signed so many seconds ago, with both secrets or the new one."""
        now = time.time_ns() // 1_000_000 - int(age * 1000)
        secrets = (Secret(self.new), Secret(self.old, now + 60_000)) if both else (Secret(self.new),)
        return render(self.contract, event(_PAYLOAD, self._type()), endpoint(*secrets, url=URL), now=now)

    def _type(self) -> str:
        return next(iter(self.contract.catalogue), "order.created")

    def variables(self, secret: str) -> dict[str, str]:
        """The environment of a receiver that knows a secret."""
        public = self.contract.public_key(secret)
        return {"WEBHOOK_PUBLIC_KEY": public} if public else {"WEBHOOK_SECRET": secret}


@cache
def sender(name: str) -> Sender:
    """That of a built-in contract, or of one of `OWN`."""
    if name in OWN:
        return own(OWN[name])
    return _sender(builtin(name), builtin_text(name).text)


def own(text: str) -> Sender:
    """That of a contract file."""
    return _sender(load(text, "acme.toml"), text)


def _sender(contract: Contract, text: str) -> Sender:
    return Sender(contract, text, _secret(contract, 1), _secret(contract, 2))


def _secret(contract: Contract, number: int) -> str:
    if contract.secrets.form != "rsa":
        return contract.new_secret(bytes([number]) * 32)
    from base64 import b64encode

    key = generate_private_key(65537, 2048)
    return b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


SIGNED = [name for name in [*builtin_names(), *OWN] if name in OWN or builtin(name).signatures]


def changed(request: Request, **changes: Any) -> Request:
    """A request that somebody has changed on its way."""
    return msgspec.structs.replace(request, **changes)
