"""A signature that stands in the body."""

import hashlib
import hmac
import json

import pytest

from hookferry.errors import Invalid
from hookferry.model import Secret
from tests.contracts.examples import NOW, endpoint, event, file, made, refusal, render, signature

INNER = signature(
    content="{attempt.time:unix}{delivery.id:guid}", place="body", header="", value="{signature}"
)
BODY = """{ signature = { timestamp = "{attempt.time:unix-text}", token = "{delivery.id:guid}", \
signature = "{signature}" }, "event-data" = "{payload}" }"""
SPREAD = '{ sig = "{signature}", "..." = "{payload}" }'


def test_mailgun() -> None:
    """The signature stands in the body, over other values of it (Mailgun)."""
    body = json.loads(render(made(INNER, body=BODY), to=endpoint(Secret("key"))).body)

    given = body["signature"]
    content = (given["timestamp"] + given["token"]).encode()
    assert given["signature"] == hmac.new(b"key", content, hashlib.sha256).hexdigest()
    assert body["event-data"] == {"total": 12}


def test_no_header() -> None:
    """No header comes of it."""
    assert dict(render(made(INNER, body=BODY)).headers) == {"Content-Type": "application/json"}


def test_text_around() -> None:
    """The text around a signature stands in the body too, and its newest secret alone signs."""
    contract = made(INNER.replace('"{signature}"', '"v1={signature}"'), body=SPREAD)
    signed = json.loads(render(contract, to=endpoint(Secret("new"), Secret("old"))).body)["sig"]

    content = b"1770091506" + json.loads(render(made(body='{ x = "{delivery.id:guid}" }')).body)["x"].encode()
    assert signed == "v1=" + hmac.new(b"new", content, hashlib.sha256).hexdigest()


def test_publish_without_a_secret() -> None:
    """What a contract can carry is told at publish without any endpoint's secret."""
    contract = made("[secret]\nshortest = 20\n" + INNER, body=SPREAD)
    contract.check(event())

    with pytest.raises(Invalid) as refused:
        contract.check(event(b"[]"))
    assert refused.value.field == "payload"


def test_no_secret() -> None:
    """Where it is promised and there is no secret nothing is rendered."""
    with pytest.raises(Invalid, match="no secret"):
        render(made("[secret]\n" + INNER, body=BODY), to=endpoint(Secret("old", NOW - 1)))


def test_optional() -> None:
    """Where it is optional and there is no secret it is null, and with `?` the key is left out."""
    nobody = endpoint(Secret("old", NOW - 1))
    bodies = [
        render(made("[secret]\nrequired = false\n" + INNER, body=f'{{ sig = "{slot}" }}'), to=nobody).body
        for slot in ("{signature}", "{signature?}")
    ]

    assert bodies == [b'{"sig":null}', b"{}"]


def test_verify() -> None:
    """A contract without a signature in its headers says that there is none to verify."""
    with pytest.raises(Invalid, match="signs nothing in its headers"):
        made(INNER, body=BODY).verify({}, b"{}", ["key"], NOW)


@pytest.mark.parametrize(
    "content", ["{body}", "{body.sha256}", "{attempt.time:unix}.{body.crc32}", "{body.form}", "{request.url}"]
)
def test_cyclic(content: str) -> None:
    """A signature that stands in the body and signs the body is refused with its line."""
    text = file(INNER.replace("{attempt.time:unix}{delivery.id:guid}", content), body=BODY)
    line = text[: text.index("content = ")].count("\n") + 1

    assert refusal(text) == (
        f"acme.toml:{line}: signature.content:"
        " a signature that stands in the body cannot sign the body, nor {request.url}"
    )


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (INNER + INNER, "signature: the body holds a signature already"),
        (
            INNER.replace('place = "body"', 'place = "url"'),
            'signature.place: unknown word "url"; known here: body',
        ),
        (INNER + 'header = "X-Signature"', "signature.header: unknown key"),
        (INNER + 'lead = "t={attempt.time:unix},"', "signature.lead: unknown key"),
        (INNER + 'join = ","', "signature.join: unknown key"),
    ],
)
def test_refusals(more: str, problem: str) -> None:
    """What makes no sense for it is refused."""
    assert problem in refusal(file(more, body=BODY))
