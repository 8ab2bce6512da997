"""The code of the guides, run in Python and in Node on what contracts really send."""

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hookferry.contracts.load import builtin_names
from hookferry.errors import Invalid
from hookferry.exchange import Request
from hookferry.guides import LANGUAGES, snippet
from hookferry.guides.recipe import recipe
from tests.contracts.examples import file, signature
from tests.guides.senders import SIGNED, URL, Sender, changed, own, sender

Verify = Callable[[Sender, str, Request], bool]
"""What a receiver who knows a secret says to a request."""

_LOOP = """
    const lines = require("readline").createInterface({ input: process.stdin });
    lines.on("line", async (line) => {
        const { code, variables, headers, body, urls } = JSON.parse(line);
        Object.assign(process.env, variables);
        let said;
        try {
            const { isGenuine } = await import("data:text/javascript;base64," + code);
            said = isGenuine(headers, Buffer.from(body, "base64"), ...urls);
        } catch (error) { said = String(error); }
        process.stdout.write(JSON.stringify(said) + "\\n");
    });
"""


def _urls(by: Sender, request: Request) -> list[str]:
    """The URL that the receiver is told, if it asks for one."""
    urls = {"called": [request.url], "registered": [URL]}
    return urls.get(recipe(by.contract, by.text).url, [])


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> Verify:
    def verify(by: Sender, secret: str, request: Request) -> bool:
        for name, value in by.variables(secret).items():
            monkeypatch.setenv(name, value)
        names: dict[str, Any] = {}
        exec(snippet(by.contract, by.text, "python"), names)
        said = names["is_genuine"](dict(request.headers), request.body, *_urls(by, request))
        assert isinstance(said, bool)
        return said

    return verify


@pytest.fixture(scope="session")
def javascript() -> Iterator[Verify]:
    """One process runs all snippets, each as a module of its own."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    with subprocess.Popen(
        ["node", "--eval", _LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        pipe, answers = process.stdin, process.stdout

        def verify(by: Sender, secret: str, request: Request) -> bool:
            # Node keeps modules by their URL, and each reads the secret once.
            code = f"{snippet(by.contract, by.text, 'javascript')}// {secret}"
            given = {
                "code": b64encode(code.encode()).decode(),
                "variables": by.variables(secret),
                "headers": {name.lower(): value for name, value in request.headers},
                "body": b64encode(request.body).decode(),
                "urls": _urls(by, request),
            }
            pipe.write(json.dumps(given).encode() + b"\n")
            pipe.flush()
            said = json.loads(answers.readline())
            assert isinstance(said, bool), said
            return said

        yield verify


@pytest.fixture(params=["python", "javascript"])
def verify(request: pytest.FixtureRequest) -> Verify:
    found: Verify = request.getfixturevalue(request.param)
    return found


RECIPES = {name: recipe(sender(name).contract, sender(name).text) for name in SIGNED}
TIMED = [name for name in SIGNED if RECIPES[name].time]
JOINED = [name for name in SIGNED if RECIPES[name].join]


@pytest.mark.parametrize("name", SIGNED)
def test_genuine(verify: Verify, name: str) -> None:
    """A request as it was sent is accepted."""
    by = sender(name)
    assert verify(by, by.new, by.sends())


@pytest.mark.parametrize("name", SIGNED)
def test_changed_body(verify: Verify, name: str) -> None:
    """One byte of the body is another: refused."""
    by = sender(name)
    sent = by.sends()
    body = sent.body.replace(b"12", b"13")
    assert (body != sent.body, verify(by, by.new, changed(sent, pieces=(body,)))) == (True, False)


@pytest.mark.parametrize("name", SIGNED)
def test_another_secret(verify: Verify, name: str) -> None:
    """Signed with a secret that the receiver does not know: refused."""
    by = sender(name)
    assert not verify(by, by.old, by.sends())


@pytest.mark.parametrize("age", [400, -400])
@pytest.mark.parametrize("name", TIMED)
def test_time(verify: Verify, name: str, age: int) -> None:
    """Signed more than five minutes ago, or from now: refused."""
    by = sender(name)
    assert not verify(by, by.new, by.sends(age))


@pytest.mark.parametrize("age", [250, -250])
@pytest.mark.parametrize("name", TIMED)
def test_slow(verify: Verify, name: str, age: int) -> None:
    """Within five minutes it is accepted."""
    by = sender(name)
    assert verify(by, by.new, by.sends(age))


@pytest.mark.parametrize("secret", ["new", "old"])
@pytest.mark.parametrize("name", JOINED)
def test_rotation(verify: Verify, name: str, secret: str) -> None:
    """While two secrets sign, either is enough."""
    by = sender(name)
    assert verify(by, getattr(by, secret), by.sends(both=True))


@pytest.mark.parametrize("value", [None, "", "t=1,v1=ü", "v1,é v1,AAAA"])
@pytest.mark.parametrize("name", SIGNED)
def test_bad_headers(verify: Verify, name: str, value: str | None) -> None:
    """Headers that are missing or make no sense are refused, and nothing is thrown."""
    by = sender(name)
    sent = by.sends()
    headers = [(header, value) for header, _ in sent.headers if value is not None]
    assert not verify(by, by.new, changed(sent, headers=headers))


@pytest.mark.parametrize("value", ["", "e,30", "é", "r=AAAA,r=", "a" * 129])
@pytest.mark.parametrize("name", ["sendgrid", "public-keys", "rsa", "github", "around"])
def test_bad_signature(verify: Verify, name: str, value: str) -> None:
    """A signature that is none is refused, and nothing is thrown."""
    by = sender(name)
    sent = by.sends()
    headers = [(header, text if "time" in header.lower() else value) for header, text in sent.headers]
    assert not verify(by, by.new, changed(sent, headers=headers))


@pytest.mark.parametrize("name", ["standard", "svix"])
def test_separator(verify: Verify, name: str) -> None:
    """An id with the separator in it is refused: it could be a part of the body."""
    by = sender(name)
    now = by.sends(0).headers[2][1]
    headers = by.contract.sign(b"{}", f"evt_1.{now}", by.new, int(now) * 1000)
    assert not verify(by, by.new, changed(by.sends(), headers=headers, pieces=(b"{}",)))


@pytest.mark.parametrize("url", ["https://example.com/other", URL + "&bodySHA256=", ""])
def test_another_url(verify: Verify, url: str) -> None:
    """Of a contract that signs the URL: called at another, it is refused."""
    by = sender("twilio")
    assert not verify(by, by.new, changed(by.sends(), url=url))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SIGNED)
def test_secret_stays_out(language: str, name: str) -> None:
    """In each language the key comes from the environment."""
    by = sender(name)
    code = snippet(by.contract, by.text, language)
    assert [variable in code for variable in by.variables(by.new)] == [True]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SIGNED)
def test_tidy(language: str, name: str) -> None:
    """No line ends with a blank, no two empty lines but in Python, one line end at the end."""
    lines = snippet(sender(name).contract, sender(name).text, language).split("\n")
    blanks = [number for number, line in enumerate(lines) if line != line.rstrip()]
    gaps = [number for number in range(len(lines) - 2) if not any(lines[number : number + 2])]
    assert (blanks, gaps if language != "python" else [], lines[-1], lines[-2] != "") == ([], [], "", True)


def test_unsigned() -> None:
    """A contract that signs nothing has no code."""
    by = sender("foxtrot")
    with pytest.raises(Invalid, match="signs nothing"):
        snippet(by.contract, by.text, "python")


@pytest.mark.parametrize(
    "more",
    [
        signature(content="{body.crc32}"),
        signature(content="{body.form}"),
        signature(algorithm="ed25519", key=""),
        signature(content="{event.id}--{attempt.number}--{body}", lead="{event.id},{attempt.number},"),
        signature(
            content="{attempt.time:unix}{attempt.time:iso}{body}",
            lead="{attempt.time:unix},{attempt.time:iso},",
        ),
        '[request.query]\nh = "{body.sha256:base64}"\n' + signature(content="{request.url}"),
        '[secret]\nform = "ecdsa-p256"\nlongest = 1\n'
        + signature(algorithm="ecdsa-p256", key="", value="<{signature}>"),
    ],
)
def test_no_code(more: str) -> None:
    """For what no code is generated for, the reason is given instead of code that is wrong."""
    by = own(file(more))
    with pytest.raises(Invalid, match=r"^No code is generated for .*\.$"):
        snippet(by.contract, by.text, "python")


def test_strongest() -> None:
    """Of several signatures the strongest is verified, not the first."""
    assert "sha256" in snippet(sender("github").contract, sender("github").text, "php")


def test_all_built_in_ones() -> None:
    """Every built-in contract that signs is tried here."""
    assert set(builtin_names()) - set(SIGNED) == {"foxtrot"}
