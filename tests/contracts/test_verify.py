"""The receiver's side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts import builtin
from hookferry.errors import Invalid
from hookferry.model import Secret
from tests.contracts.examples import NEW, NOW, OLD, PRIVATE, PUBLIC, endpoint, event, render

STANDARD = builtin("standard")
REQUEST = render(STANDARD, to=endpoint(Secret(NEW), Secret(OLD, NOW + 1), ed25519=PRIVATE))
HEADERS = dict(REQUEST.headers)


def changed(data: st.DataObject, value: bytes) -> bytes:
    """A value with one byte changed, or one added."""
    place = data.draw(st.integers(0, len(value)))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: bytes([byte]) != value[place : place + 1]))
    return value[:place] + bytes([byte]) + value[place + 1 :]


@given(payload=st.integers(), random=st.binary(min_size=24, max_size=64), skew=st.integers(-300, 300))
def test_round_trip(payload: int, random: bytes, skew: int) -> None:
    """What was signed with a secret verifies with it, within the tolerance."""
    secret = STANDARD.new_secret(random)
    request = render(STANDARD, event(str(payload).encode()), endpoint(Secret(secret)))

    STANDARD.verify(dict(request.headers), request.body, [secret], (NOW // 1000 + skew) * 1000)


@given(data=st.data(), key=st.sampled_from([NEW, PUBLIC]))
def test_changed_body(data: st.DataObject, key: str) -> None:
    """A body with any byte changed is refused."""
    with pytest.raises(Invalid, match="does not match"):
        STANDARD.verify(HEADERS, changed(data, REQUEST.body), [key], NOW)


@given(
    data=st.data(),
    key=st.sampled_from([NEW, PUBLIC]),
    name=st.sampled_from(["webhook-id", "webhook-timestamp"]),
)
def test_changed_header(data: st.DataObject, key: str, name: str) -> None:
    """A header that is signed, with any byte changed, is refused."""
    value = changed(data, HEADERS[name].encode()).decode("latin-1")

    with pytest.raises(Invalid):
        STANDARD.verify(HEADERS | {name: value}, REQUEST.body, [key], NOW)


@given(data=st.data())
def test_changed_signature(data: st.DataObject) -> None:
    """A signature with any byte changed is refused, the unused bits at its end included."""
    request = render(STANDARD)
    headers = dict(request.headers)
    headers["webhook-signature"] = changed(data, headers["webhook-signature"].encode()).decode("latin-1")

    try:
        STANDARD.verify(headers, request.body, [OLD], NOW)
    except Invalid:
        return
    # All that can pass is the very signature, with something that is none after it.
    assert headers["webhook-signature"].split(" ")[0] == dict(request.headers)["webhook-signature"]


@pytest.mark.parametrize("key", [NEW, OLD, PUBLIC])
def test_each_key_verifies(key: str) -> None:
    """During a rotation the new secret, the old one and the public key all verify."""
    STANDARD.verify(HEADERS, REQUEST.body, [key], NOW)


def test_one_of_several_secrets() -> None:
    """It is enough that one of a receiver's secrets matches."""
    other = STANDARD.new_secret(bytes(24))

    STANDARD.verify(HEADERS, REQUEST.body, [other, NEW], NOW)


def test_header_names_in_any_case() -> None:
    """Header names are found whatever their case."""
    STANDARD.verify({name.upper(): value for name, value in HEADERS.items()}, REQUEST.body, [NEW], NOW)


@pytest.mark.parametrize("secrets", [[], ["whsec_" + "A" * 32]])
def test_no_secret_that_matches(secrets: list[str]) -> None:
    """Without a secret that matches a request is refused."""
    with pytest.raises(Invalid, match="does not match"):
        STANDARD.verify(HEADERS, REQUEST.body, secrets, NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_missing_header(name: str) -> None:
    """A header that is missing is named."""
    with pytest.raises(Invalid, match=f"{name} is missing"):
        STANDARD.verify({**HEADERS, name: ""}, REQUEST.body, [NEW], NOW)


@pytest.mark.parametrize(
    ("later", "reason"), [(301_000, "timestamp too old"), (-301_000, "timestamp too new")]
)
def test_stale_timestamp(later: int, reason: str) -> None:
    """A timestamp out of the tolerance is refused, with the reason."""
    with pytest.raises(Invalid, match=reason):
        STANDARD.verify(HEADERS, REQUEST.body, [NEW], NOW + later)


def test_wider_tolerance() -> None:
    """The tolerance is the receiver's choice."""
    STANDARD.verify(HEADERS, REQUEST.body, [NEW], NOW + 3_600_000, tolerance=3700)


@pytest.mark.parametrize("value", ["soon", "-1", "1e9", "1770091506.0", "٣", "9" * 5000])
def test_timestamp_that_is_none(value: str) -> None:
    """A timestamp that is no whole number is refused, not raised over."""
    with pytest.raises(Invalid, match="not a number of seconds"):
        STANDARD.verify(HEADERS | {"webhook-timestamp": value}, REQUEST.body, [NEW], NOW)


def test_id_with_a_full_stop() -> None:
    """An id that could hide the end of the signed timestamp is refused, although its signature holds."""
    signed = dict(STANDARD.sign(b"x", "evt.1", NEW, NOW))

    with pytest.raises(Invalid, match=r'event.id has "." in it'):
        STANDARD.verify(signed, b"x", [NEW], NOW)


@pytest.mark.parametrize("secret", ["hunter2", "whpk_AAAA", "whpk_!"])
def test_secret_that_is_none(secret: str) -> None:
    """A receiver's secret or public key that is none is named as the culprit."""
    with pytest.raises(Invalid) as refused:
        STANDARD.verify(HEADERS, REQUEST.body, [secret], NOW)

    assert refused.value.field == "secret"


@given(value=st.text())
def test_hostile_signature_header(value: str) -> None:
    """No text in the signature header makes verifying fail otherwise than by refusing."""
    with pytest.raises(Invalid):
        STANDARD.verify(HEADERS | {"webhook-signature": value}, REQUEST.body, [NEW, PUBLIC], NOW)
