"""The standard contract: Standard Webhooks 1.0.0, and its official library."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from hookferry.contracts import Contract, builtin
from hookferry.model import Secret
from tests.contracts.examples import NEW, NOW, OLD, PRIVATE, endpoint, event, render

STANDARD = builtin("standard")


def read_by_library(contract: Contract, secret: str, *secrets: Secret, payload: bytes = b"{}") -> object:
    """What the library returns for a request that is signed now: it reads the clock itself."""
    now = time.time_ns() // 1_000_000
    request = render(contract, event(payload), endpoint(*secrets, ed25519=PRIVATE), now=now)
    return Webhook(secret).verify(request.body, dict(request.headers))


def test_request() -> None:
    """Method, URL, headers in their order, body and time-out are as the contract says."""
    request = render(STANDARD, to=endpoint(headers=(("X-Team", "blue"),)))

    assert (request.method, request.url, request.timeout) == ("POST", "https://example.com/hook", 20)
    assert [name for name, _ in request.headers] == [
        "content-type",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "X-Team",
    ]
    assert request.headers[:3] == (
        ("content-type", "application/json"),
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", "1770091506"),
    )
    assert request.body == (
        b'{"type":"order.created","timestamp":"2026-02-03T04:05:06.007Z","data":{"total":12}}'
    )


def test_payload_is_not_copied() -> None:
    """It is a piece of its own in the request."""
    published = event(b'{"large":true}')
    pieces = render(STANDARD, published).pieces
    assert [piece is published.payload for piece in pieces] == [False, True, False]


def test_endpoint_has_its_own_timeout() -> None:
    """An endpoint's time-out takes the place of the contract's."""
    assert render(STANDARD, to=endpoint(timeout=3.5)).timeout == 3.5


def test_later_attempts_are_signed_anew() -> None:
    """A retry keeps its id and body, and has a time and a signature of its own."""
    first, second = render(STANDARD), render(STANDARD, number=2, now=NOW + 5000)

    differing = {name for (name, a), (_, b) in zip(first.headers, second.headers, strict=True) if a != b}
    assert (first.body == second.body, differing) == (True, {"webhook-timestamp", "webhook-signature"})


def test_sign() -> None:
    """A body that is there already gets the headers that rendering would give it."""
    request = render(STANDARD)

    assert STANDARD.sign(request.body, "evt_1", OLD, NOW) == request.headers


def test_rules() -> None:
    """What the engine around it asks the contract."""
    assert {
        "name": STANDARD.name,
        "schemes": STANDARD.subscription.schemes,
        "key_prefix": STANDARD.access.key_prefix,
        "overlap": STANDARD.overlap,
        "attempts": STANDARD.attempts,
        "unknown_types": STANDARD.subscription.unknown_types,
        "header_names": STANDARD.header_names,
    } == {
        "name": "standard",
        "schemes": ("https", "http"),
        "key_prefix": "hf_",
        "overlap": 86400,
        "attempts": 10,
        "unknown_types": True,
        "header_names": {"content-type", "webhook-id", "webhook-timestamp", "webhook-signature"},
    }


def test_test_event() -> None:
    """The test event renders and verifies."""
    type, payload = STANDARD.test_event
    request = render(STANDARD, event(payload, type))

    STANDARD.verify(dict(request.headers), request.body, [OLD], NOW)


@settings(max_examples=50)
@given(random=st.binary(min_size=24, max_size=64), text=st.text(st.characters(exclude_categories=["Cs"])))
def test_library_accepts(random: bytes, text: str) -> None:
    """The official library verifies what we sign, for any secret and any text, Ed25519 beside it."""
    secret = STANDARD.new_secret(random)

    body = read_by_library(STANDARD, secret, Secret(secret), payload=json.dumps(text).encode())

    assert isinstance(body, dict)
    assert body["data"] == text


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_library_accepts_both_secrets_during_the_overlap(secret: str) -> None:
    """While the old secret has not expired the library verifies with either."""
    tomorrow = time.time_ns() // 1_000_000 + 86_400_000

    assert read_by_library(STANDARD, secret, Secret(NEW), Secret(OLD, tomorrow))


def test_library_refuses_the_old_secret_afterwards() -> None:
    """Once the old secret has expired the library refuses it."""
    with pytest.raises(WebhookVerificationError):
        read_by_library(STANDARD, OLD, Secret(NEW), Secret(OLD, 1))


def test_we_accept_the_library() -> None:
    """What the official library signs verifies here."""
    signature = Webhook(OLD).sign("evt_1", datetime.fromtimestamp(NOW // 1000, UTC), "body")
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(NOW // 1000),
        "webhook-signature": signature,
        "content-type": "text/plain",
    }

    STANDARD.verify(headers, b"body", [OLD], NOW)
