"""A text in front of the signatures (`lead`), and what separates the values that are signed."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts import Contract
from hookferry.errors import Invalid
from hookferry.model import Secret
from tests.contracts.examples import NOW, endpoint, file, made, refusal, render, signature

BODY = b'{"data":{"total":12}}'
STRIPE = signature(
    content="{attempt.time:unix}.{body}", lead="t={attempt.time:unix},", value="v1={signature}", join=","
)
TRACKTILE = signature(
    content="{attempt.time:unix}.{body}", lead="t={attempt.time:unix},", value="v1={signature}"
)


def header_of(contract: Contract, *secrets: Secret) -> str:
    return dict(render(contract, to=endpoint(*secrets)).headers)["X-Signature"]


def digest(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def test_stripe() -> None:
    """The lead stands once, and behind it one signature for each secret (Stripe)."""
    new, old = (digest(secret, b"1770091506." + BODY) for secret in ("new", "old"))

    value = header_of(made(STRIPE), Secret("new"), Secret("old"))

    assert value == f"t=1770091506,v1={new},v1={old}"


def test_two_parts() -> None:
    """Without `join` there are exactly two parts, during a rotation too (Tracktile)."""
    value = header_of(made(TRACKTILE), Secret("new"), Secret("old"))

    assert value == f"t=1770091506,v1={digest('new', b'1770091506.' + BODY)}"


@pytest.mark.parametrize("text", [STRIPE, TRACKTILE], ids=["stripe", "tracktile"])
@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_within_the_tolerance(text: str, skew: int) -> None:
    """A request verifies within the tolerance of the lead's time."""
    value = header_of(made(text), Secret("key"))

    made(text).verify({"x-signature": value}, BODY, ["key"], (NOW // 1000 + skew) * 1000)


@pytest.mark.parametrize(("skew", "reason"), [(301, "timestamp too old"), (-301, "timestamp too new")])
def test_beyond_the_tolerance(skew: int, reason: str) -> None:
    """Beyond the tolerance it is refused, with the reason."""
    value = header_of(made(STRIPE), Secret("key"))

    with pytest.raises(Invalid, match=reason):
        made(STRIPE).verify({"X-Signature": value}, BODY, ["key"], (NOW // 1000 + skew) * 1000)


def test_lead_with_another_time() -> None:
    """The time in the lead is signed: another one is refused."""
    value = header_of(made(STRIPE), Secret("key")).replace("1770091506", "1770091507")

    with pytest.raises(Invalid, match="does not match"):
        made(STRIPE).verify({"X-Signature": value}, BODY, ["key"], NOW)


@pytest.mark.parametrize(
    "value",
    ["v1=ab", "t=,v1=ab", "x t=1770091506,v1=ab", "t=1770091506 ,v1=ab", "t=1770091506;v1=ab", ",", "t="],
)
def test_no_lead(value: str) -> None:
    """A header that does not begin as it should is refused."""
    with pytest.raises(Invalid, match="does not begin as it should"):
        made(STRIPE).verify({"X-Signature": value}, BODY, ["key"], NOW)


@given(value=st.text())
def test_any_header(value: str) -> None:
    """No text in the header makes verifying fail otherwise than by refusing."""
    with pytest.raises(Invalid):
        made(STRIPE).verify({"X-Signature": value}, BODY, ["key"], NOW)


def test_surrogate_in_a_header() -> None:
    """Bytes that are no text, as a command line hands them on, are refused."""
    contract = made(signature(content="{event.id}.{body}"), headers='X-Id = "{event.id}"')

    with pytest.raises(Invalid):
        contract.verify({"X-Id": "\udcff", "X-Signature": "\udcff"}, BODY, ["key"], NOW)


@pytest.mark.parametrize(
    "lead",
    [
        "t={attempt.time:unix}",
        "{event.id}{attempt.time:unix},",
        "t={attempt.time:unix}.",
        "{event.id}x{attempt.time:unix},",
    ],
)
def test_lead_that_cannot_be_told(lead: str) -> None:
    """A lead in which a placeholder's end cannot be told is refused."""
    text = file(signature(content="{attempt.time:unix}.{body}", lead=lead))

    assert "signature.lead: each placeholder must end with a comma, a semicolon or a blank" in refusal(text)


def test_two_leads() -> None:
    """Signatures that share a header share its lead."""
    other = STRIPE.replace('"t=', '"time=')

    assert "signature.lead: X-Signature begins otherwise above" in refusal(file(STRIPE + other))


def test_same_lead() -> None:
    """The same lead may be said for each."""
    both = STRIPE + STRIPE.replace("v1=", "v0=").replace("hmac-sha256", "hmac-sha1")

    assert header_of(made(both), Secret("key")).count("t=") == 1


def signed(content: str, **values: str) -> tuple[Contract, dict[str, str]]:
    """A contract that signs its headers' values, and a genuine request, its values and body as they are."""
    contract = made(
        signature(content=content),
        headers='X-Id = "{event.id}"\nX-Type = "{event.type}"\nX-Time = "{attempt.time:unix}"',
    )
    body = values.pop("body").encode()
    content_of = content.replace("{body}", body.decode())
    for name, value in values.items():
        content_of = content_of.replace(f"{{event.{name}}}", value)
    return contract, {
        "X-Id": values.get("id", ""),
        "X-Type": values.get("type", ""),
        "X-Signature": digest("key", content_of.encode()),
    }


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("{event.id}.{body}", {"id": "evt.1", "body": "x"}),
        ("{event.id}..{body}", {"id": "evt.", "body": "x"}),
        ("{event.id}..{body}", {"id": "evt..", "body": "x"}),
        ("{body}.{event.id}", {"id": "evt.1", "body": "x"}),
        ("{body}..{event.id}", {"id": ".evt", "body": "x"}),
        ("{event.id}.{event.type}.{body}", {"id": "a", "type": "b.c", "body": "x"}),
        ("{event.type}:{event.id}.{body}", {"id": "a", "type": "b:c", "body": "x"}),
    ],
)
def test_separators(content: str, values: dict[str, str]) -> None:
    """A value that could pass off a part of its neighbour as its own is refused, although all is signed."""
    contract, headers = signed(content, **values)

    with pytest.raises(Invalid, match="in it"):
        contract.verify(headers, values["body"].encode(), ["key"], NOW)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("e{event.id}.{body}", {"id": "evt_1", "body": "a.b.c"}),
        ("v0:{event.id}:{body}", {"id": "evt_v0", "body": "a:b"}),
        ("{body}:{event.id}t", {"id": "evt_1", "body": "a:b"}),
    ],
)
def test_no_separator(content: str, values: dict[str, str]) -> None:
    """A text at the beginning or the end separates nothing: values may have it in them."""
    contract, headers = signed(content, **values)

    contract.verify(headers, values["body"].encode(), ["key"], NOW)


@pytest.mark.parametrize("form", ["iso", "iso-ms", "iso-offset", "unix", "unix-ms"])
def test_time_forms(form: str) -> None:
    """Each form of time is read back: five minutes and a bit are too old."""
    contract = made(
        signature(content=f"{{attempt.time:{form}}}|{{body}}"), headers=f'X-Time = "{{attempt.time:{form}}}"'
    )
    request = render(contract, to=endpoint(Secret("key")))
    contract.verify(dict(request.headers), request.body, ["key"], NOW + 299_000)

    with pytest.raises(Invalid, match="too old"):
        contract.verify(dict(request.headers), request.body, ["key"], NOW + 301_000)


@pytest.mark.parametrize(
    "time", ["2026-02-03T04:05:06", "2026-02-03", "0001-01-01T00:00:00+23:59", "x", "20260203"]
)
def test_time_without_a_zone(time: str) -> None:
    """A time without a zone, which would be another on each machine, is refused, as is one far off."""
    contract = made(signature(content="{attempt.time:iso}|{body}"), headers='X-Time = "{attempt.time:iso}"')
    headers = {"X-Time": time, "X-Signature": digest("key", time.encode() + b"|x")}

    with pytest.raises(Invalid, match="timestamp"):
        contract.verify(headers, b"x", ["key"], NOW)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("join", "\r\n"),
        ("join", "é"),
        ("value", "v1=\r\n{signature}"),
        ("value", "é{signature}"),
        ("lead", "é"),
    ],
)
def test_what_no_header_carries(key: str, text: str) -> None:
    """What no header carries is refused around signatures too."""
    problem = f"signature.{key}: expected a text of visible ASCII characters"

    assert problem in refusal(file(signature(**{key: text})))
