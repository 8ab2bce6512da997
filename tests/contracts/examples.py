"""Short words for the tests of contracts."""

import json
from importlib.resources import files

import pytest

from hookferry.contracts import Contract, load
from hookferry.errors import ContractError
from hookferry.exchange import Headers, Outcome, Request, Response, Result
from hookferry.model import Delivery, DeliveryStatus, Endpoint, EndpointStatus, Event, Scope, Secret

NOW = 1_770_091_506_789
"""2026-02-03T04:05:06.789Z"""

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

STANDARD = (files("hookferry.contracts") / "builtin" / "standard.toml").read_text("utf-8")
VECTORS = (files("hookferry.contracts") / "builtin" / "standard.vectors.toml").read_text("utf-8")


def altered(old: str, new: str, text: str = STANDARD) -> str:
    """The standard contract's file with one place changed."""
    assert text.count(old) >= 1
    return text.replace(old, new, 1)


def with_body(lines: str) -> Contract:
    """The standard contract with another body."""
    head, _, rest = STANDARD.partition("[body]")
    return load(f"{head}[body]\n{lines}\n[serializer]{rest.partition('[serializer]')[2]}", "example.toml")


def event(
    payload: bytes | None = b'{"total":12}',
    type: str = "order.created",
    changes: bytes | None = None,
    scope: Scope | None = None,
) -> Event:
    return Event("evt_1", "acme", type, payload, NOW - 782, NOW, changes, scope)


def endpoint(
    *secrets: Secret,
    headers: Headers = (),
    timeout: float | None = None,
    ed25519: str | None = None,
    url: str = "https://example.com/hook",
    name: str = "",
) -> Endpoint:
    return Endpoint(
        id="ep_1",
        tenant="acme",
        url=url,
        name=name,
        event_types=(),
        scope={},
        headers=headers,
        status=EndpointStatus.ACTIVE,
        secrets=secrets or (Secret(OLD),),
        created_at=0,
        updated_at=0,
        timeout=timeout,
        ed25519=Secret(ed25519) if ed25519 else None,
    )


def delivery() -> Delivery:
    return Delivery("dlv_1", "acme", "evt_1", "ep_1", "order.created", DeliveryStatus.LEASED, 0, NOW)


def render(
    contract: Contract,
    of: Event | None = None,
    to: Endpoint | None = None,
    number: int = 1,
    now: int = NOW,
) -> Request:
    return contract.render(of or event(), delivery(), to or endpoint(), number, now)


def answered(status: int, **headers: str) -> Result:
    """A whole answer; underscores in header names become hyphens."""
    given = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Result(Outcome.RESPONSE, 0.1, Response(status, given, b""))


def file(
    more: str = "",
    body: str = '{ data = "{payload}" }',
    headers: str = 'Content-Type = "application/json"',
    retry: str = "schedule = []",
) -> str:
    """A small contract file: its body, the lines of its headers and its retries, and more sections."""
    return f"""name = "acme"
title = "Acme"
body = {body}

[subscription]
schemes = ["https"]

[headers]
{headers}

[retry]
{retry}

[timeout]
total = "10s"

[test]
type = "test"
payload = "{{}}"

{more}
"""


def made(more: str = "", **parts: str) -> Contract:
    """The contract of a small file."""
    return load(file(more, **parts), "acme.toml")


def signature(**keys: str | bool) -> str:
    """A table of a signature: HMAC over the body with the whole secret, unless it is said otherwise.

    A key that is empty is left out.
    """
    usual = {
        "algorithm": "hmac-sha256",
        "key": "utf-8",
        "content": "{body}",
        "encoding": "hex",
        "header": "X-Signature",
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**usual, **keys}.items() if value != ""]
    return "\n".join(["", "[[signature]]", *lines, ""])


def refusal(text: str, vectors: str | None = None) -> str:
    """Why a contract file is not loaded."""
    with pytest.raises(ContractError) as refused:
        load(text, "acme.toml", vectors)
    return refused.value.message
