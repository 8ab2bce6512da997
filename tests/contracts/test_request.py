"""The method, the URL and its query, and headers that may be left out."""

import base64
import hashlib
import hmac

import pytest

from hookferry.errors import Invalid
from hookferry.exchange import Request
from hookferry.model import Secret
from tests.contracts.examples import NOW, OLD, endpoint, file, made, refusal, render, signature

TWILIO = '[request]\nquery = { bodySHA256 = "{body.sha256}" }\n' + signature(
    algorithm="hmac-sha1", content="{request.url}", encoding="base64"
)
FORM = '[serializer]\nstyle = "form"\n' + signature(
    algorithm="hmac-sha1", content="{request.url}{body.form}", encoding="base64"
)


def sent(url: str) -> Request:
    return render(made(TWILIO), to=endpoint(url=url))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.test/a", "https://x.test/a?bodySHA256=HASH"),
        ("https://x.test/a?b=c", "https://x.test/a?b=c&bodySHA256=HASH"),
        ("https://x.test/a?", "https://x.test/a?&bodySHA256=HASH"),
        ("https://x.test/a?b=c#frag?", "https://x.test/a?b=c&bodySHA256=HASH#frag?"),
        ("https://x.test/a#frag", "https://x.test/a?bodySHA256=HASH#frag"),
        ("https://X.test:443/%7Ea?b=%2f", "https://X.test:443/%7Ea?b=%2f&bodySHA256=HASH"),
    ],
)
def test_query(url: str, expected: str) -> None:
    """The parameter is added to the query; nothing else of the URL changes."""
    request = sent(url)

    assert request.url == expected.replace("HASH", hashlib.sha256(request.body).hexdigest())


def test_query_is_signed() -> None:
    """The signature is over the URL that is called, as Twilio signs it."""
    request = sent("https://x.test/a?b=c")

    digest = hmac.digest(OLD.encode(), request.url.encode(), "sha1")
    assert dict(request.headers)["X-Signature"] == base64.b64encode(digest).decode()


def test_query_is_escaped() -> None:
    """Names and values are escaped."""
    contract = made('[request]\nquery = { "a b&" = "{body.sha256:base64}", t = "x&y={event.type}" }')
    request = render(contract, to=endpoint(url="https://x.test/"))

    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    escaped = digest.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    assert request.url == f"https://x.test/?a%20b%26={escaped}&t=x%26y%3Dorder.created"


def test_url_that_was_called() -> None:
    """A receiver verifies with the URL that was called."""
    request = sent("https://x.test/a?b=c")

    made(TWILIO).verify(dict(request.headers), request.body, [OLD], NOW, url=request.url)


def test_body_behind_a_signed_url() -> None:
    """Where the URL is signed and holds the body's hash, a body changed by one byte is refused."""
    request = sent("https://x.test/a?b=c")

    with pytest.raises(Invalid, match="bodySHA256"):
        made(TWILIO).verify(dict(request.headers), request.body + b" ", [OLD], NOW, url=request.url)


@pytest.mark.parametrize("url", ["", "https://x.test/a?b=c", "https://x.test/a?bodySHA256="])
def test_url_without_the_hash(url: str) -> None:
    """A URL without the body's hash is refused, signed or not."""
    contract = made(TWILIO)
    headers = dict(contract.sign(b"x", "evt_1", OLD, NOW, url=url))

    with pytest.raises(Invalid, match="bodySHA256"):
        contract.verify(headers, b"x", [OLD], NOW, url=url)


def test_hash_twice() -> None:
    """Of two hashes in a URL the last is ours; one that an endpoint's URL had before passes off nothing."""
    foreign = hashlib.sha256(b"x").hexdigest()
    request = sent(f"https://x.test/?bodySHA256={foreign}")

    with pytest.raises(Invalid, match="bodySHA256"):
        made(TWILIO).verify(dict(request.headers), b"x", [OLD], NOW, url=request.url)


def test_signed_form() -> None:
    """A form is signed as the URL with the sorted names and values behind it (Twilio)."""
    request = render(made(FORM, body='{ To = "+1", "From" = "a b", Empty = "" }'))

    content = request.url + "Empty" + "Froma b" + "To+1"
    assert request.body == b"To=%2B1&From=a+b&Empty="
    assert (
        dict(request.headers)["X-Signature"]
        == base64.b64encode(hmac.digest(OLD.encode(), content.encode(), "sha1")).decode()
    )


def test_url_alone_signs_nothing() -> None:
    """A signature over the URL is refused where no parameter of its query holds the body's hash."""
    text = file(signature(content="{request.url}"))

    assert "signature.content: expected a text with {body} in it" in refusal(text)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_methods(method: str) -> None:
    """A contract has its method, which can be signed."""
    contract = made(f'[request]\nmethod = "{method}"\n' + signature(content="{request.method}:{body}"))
    request = render(contract, to=endpoint(Secret("key")))

    assert request.method == method
    assert (
        dict(request.headers)["X-Signature"]
        == hmac.new(b"key", method.encode() + b":" + request.body, "sha256").hexdigest()
    )


def test_unknown_method() -> None:
    """A method that carries no body is refused."""
    assert 'request.method: unknown word "GET"; known here: POST, PUT, PATCH' in refusal(
        file('[request]\nmethod = "GET"')
    )


@pytest.mark.parametrize("value", ["{request.url}", "{signature}", "{payload}", "{scope.x}"])
def test_refused_parameters(value: str) -> None:
    """A parameter cannot hold the URL that it is a part of, a signature, or what a publisher writes."""
    text = file(f'[request]\nquery = {{ x = "{value}" }}')

    assert f"request.query.x: the placeholder {value} " in refusal(text)


@pytest.mark.parametrize(("number", "expected"), [(1, ()), (2, (("X-Retry-Num", "1"),))])
def test_optional_header(number: int, expected: object) -> None:
    """A header that is one optional placeholder is left out where there is nothing."""
    contract = made(headers='X-Retry-Num = "{attempt.retry?}"', retry='schedule = ["1s"]')

    assert render(contract, number=number).headers == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"X Y" = "a"', "headers.X Y: 'X Y' is no header name: letters, digits and hyphens"),
        ('"" = "a"', "headers.: expected a text that is not empty"),
        ('X = "a\\r\\nY: b"', "headers.X: expected a text of visible ASCII characters"),
        ('X = "é"', "headers.X: expected a text of visible ASCII characters"),
        ('X = "a "', "headers.X: expected a text of visible ASCII characters, without blanks around it"),
        (
            'X = "{event.tpye}"',
            "headers.X: the placeholder {event.tpye} is unknown; did you mean event.type?",
        ),
    ],
)
def test_refused_headers(line: str, problem: str) -> None:
    """A header name that is no token, or a value that HTTP does not carry, is refused with its line."""
    text = file(headers=line)
    number = text[: text.index(line)].count("\n") + 1

    assert refusal(text) == f"acme.toml:{number}: {problem}"
