"""`hookferry verify` and `sign` for each well-known sender, with requests that OpenSSL has signed."""

import tomllib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from click.testing import Result

from hookferry.contracts import builtin
from hookferry.contracts.texts import builtin_text
from tests.cli.world import run

SENDERS = (
    "standard",
    "svix",
    "stripe",
    "github",
    "shopify",
    "slack",
    "square",
    "zendesk",
    "twilio",
    "sendgrid",
)
URL = "https://host.test/"


class Captured:
    """The first golden request of a sender, as the command line is told of it."""

    def __init__(self, name: str) -> None:
        vector: dict[str, Any] = tomllib.loads(builtin_text(name).vectors or "")["request"][0]
        when: datetime = vector["time"]
        self.secret: str = vector["secrets"][0]
        self.key = builtin(name).public_key(self.secret) or self.secret
        self.body: str = vector["body"]
        self.headers: dict[str, str] = vector["headers"]
        self.id: str = vector["event"]["id"]
        self.url: str = vector.get("url", URL)
        self.called: str = vector.get("request-url", self.url)
        self.context = ("--contract", name, "--time", str(int(when.timestamp())))

    def verified(self, body: str, headers: Sequence[str], key: str) -> Result:
        """What `verify` says of these headers."""
        given = [word for header in headers for word in ("-H", header)]
        return run("verify", body, "--secret", key, "--url", self.called, *self.context, *given)


@pytest.fixture(params=SENDERS)
def captured(request: pytest.FixtureRequest) -> Captured:
    return Captured(request.param)


def lines(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


def test_verify(captured: Captured) -> None:
    """A captured request of each is valid."""
    result = captured.verified(captured.body, lines(captured.headers), captured.key)
    assert (result.exit_code, result.stdout) == (0, "The signature is valid.\n")


def test_verify_another_body(captured: Captured) -> None:
    """The same with one byte changed is not."""
    changed = captured.body[:-2] + "?" + captured.body[-1]
    assert captured.verified(changed, lines(captured.headers), captured.key).exit_code == 5


def test_sign(captured: Captured) -> None:
    """What `sign` prints for an endpoint's URL, `verify` accepts for the URL that is called."""
    words = ("--secret", captured.secret, "--id", captured.id, "--url", captured.url)
    headers = run("sign", captured.body, *words, *captured.context).stdout.splitlines()
    assert captured.verified(captured.body, headers, captured.key).exit_code == 0


@pytest.mark.parametrize("name", ["square", "twilio"])
def test_verify_another_url(name: str) -> None:
    """Where the URL is signed, another URL is refused."""
    captured = Captured(name)
    captured.called = captured.called.replace("host.test", "host.example")
    assert captured.verified(captured.body, lines(captured.headers), captured.key).exit_code == 5


def test_url_to_call() -> None:
    """Where the URL that is called is more than the endpoint's, it is told on standard error."""
    captured = Captured("twilio")
    words = ("--secret", captured.secret, "--url", captured.url)
    assert f"Call {captured.called}\n" in run("sign", captured.body, *words, *captured.context).stderr
