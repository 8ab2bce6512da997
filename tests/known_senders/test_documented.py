"""What no official verifier sees, by the words of the companies' own documents."""

import base64
import hmac
import json
from urllib.parse import urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hookferry.contracts.texts import builtin_text
from hookferry.receiver import Receiver
from tests.e2e.customer import customer
from tests.known_senders.official import Captured, Verifiers, python_is_there
from tests.known_senders.sender import PATH, SECRET, Sender, sender
from tests.support.process import ServerProcess


def zendesk(secret: str, request: Captured, body: bytes) -> bool:
    """base64(HMACSHA256(TIMESTAMP + BODY)): https://developer.zendesk.com/documentation/webhooks/verifying"""
    content = request.headers["x-zendesk-webhook-signature-timestamp"].encode() + body
    expected = base64.b64encode(hmac.digest(secret.encode(), content, "sha256")).decode()
    return hmac.compare_digest(expected, request.headers["x-zendesk-webhook-signature"])


@pytest.mark.parametrize("change", [b"17", b"18"])
async def test_zendesk(server: ServerProcess, change: bytes) -> None:
    """A delivery holds; with one byte changed it does not."""
    async with sender(server, "zendesk") as one:
        request = await one.deliver("zen:event-type:user.created")
        body = request.body.replace(b"17", change)
        assert zendesk(one.keys[0], request, body) == (body == request.body)


async def test_github_sha1(server: ServerProcess) -> None:
    """The header for old receivers holds as well: the HMAC hex digest with SHA-1."""
    async with sender(server, "github", SECRET) as one:
        request = await one.deliver("issues")
        digest = hmac.new(SECRET.encode(), request.body, "sha1").hexdigest()
        assert request.headers["x-hub-signature"] == f"sha1={digest}"


async def test_github_without_a_secret(server: ServerProcess) -> None:
    """Who gives no secret gets no signature."""
    async with Receiver() as receiver, customer(server, "github") as tenant:
        one = Sender(tenant, receiver, await tenant.register(receiver.url) | {"secret": "none"})
        request = await one.deliver("issues")
        assert not [name for name in request.headers if name.startswith("x-hub-")]


async def test_svix_ed25519(server: ServerProcess) -> None:
    """An endpoint with a key pair gets a second signature, `v1a`, that its public key verifies."""
    async with Receiver() as receiver, customer(server, "svix") as tenant:
        endpoint = await tenant.register(receiver.url, ed25519=True)
        request = await Sender(tenant, receiver, endpoint).deliver()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(endpoint["public_key"].removeprefix("whpk_")))
    signature = next(s for s in request.headers["svix-signature"].split() if s.startswith("v1a,"))
    head = f"{request.headers['svix-id']}.{request.headers['svix-timestamp']}."
    key.verify(base64.b64decode(signature[4:]), head.encode() + request.body)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(signature[4:]), head.encode() + request.body + b" ")


async def test_twilio_url(server: ServerProcess) -> None:
    """The URL is called as it was registered, letter by letter, with the body's hash behind it."""
    async with sender(server, "twilio") as one:
        url = urlsplit((await one.deliver()).url)
        assert f"{url.path}?{url.query}".partition("&bodySHA256=")[0] == PATH


FORM = (
    ('name = "twilio"', 'name = "twilio-form"'),
    ('body = "{payload}"\n', ""),
    ('[serializer]\nstyle = "raw"', '[body]\n"..." = "{payload}"\n\n[serializer]\nstyle = "form"'),
    ("application/json", "application/x-www-form-urlencoded"),
    ('content = "{request.url}"', 'content = "{endpoint.url}{body.form}"'),
    ('[request]\nquery = { bodySHA256 = "{body.sha256}" }\n', ""),
)
"""What a company changes in the file to send forms, as Twilio does for calls and messages."""


@python_is_there
@pytest.mark.parametrize("change", ["17", "18"])
async def test_twilio_form(server: ServerProcess, in_python: Verifiers, change: str) -> None:
    """The official verifier takes a form of an uploaded contract; with one byte changed it does not."""
    text = builtin_text("twilio").text
    for old, new in FORM:
        assert old in text
        text = text.replace(old, new)
    async with server.client() as client:
        await client.post("/v1/contracts", json={"text": text})
    async with sender(server, "twilio-form") as one:
        request = await one.deliver(payload={"To": "+49 17", "Body": "é & ☃", "MessageStatus": "sent"})
        sent = Captured(request.url, request.headers, request.body.replace(b"17", change.encode()))
        assert in_python.accept("twilio", one.keys[0], sent) == (change == "17")


async def test_slack_event(server: ServerProcess) -> None:
    """The event is inside the callback that Slack's libraries look into."""
    async with sender(server, "slack") as one:
        body = json.loads((await one.deliver("app_mention", {"type": "app_mention", "text": "hi"})).body)
        assert (body["type"], body["event"]["type"]) == ("event_callback", "app_mention")


async def test_sendgrid_event(server: ServerProcess) -> None:
    """The body is an array, with one event in it."""
    async with sender(server, "sendgrid") as one:
        assert json.loads((await one.deliver(payload={"event": "open"})).body) == [{"event": "open"}]
