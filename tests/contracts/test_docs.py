"""docs/contracts.md: its snippets run, and it names every key and placeholder."""

import json
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hookferry.contracts import builtin, load
from hookferry.contracts.content import SEEN
from hookferry.contracts.placeholders import PLACEHOLDERS
from hookferry.exchange import Request
from hookferry.model import Secret
from tests.contracts.examples import NEW, NOW, OLD, PRIVATE, PUBLIC, STANDARD, endpoint, render

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contracts.md").read_text("utf-8")
WRITING = (ROOT / "docs" / "contracts" / "writing.md").read_text("utf-8")
READERS = ("load", "sections", "catalogue", "vectors")
NODE_FOLDER = ROOT / "tests" / "node"

node_is_there = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
package_is_there = pytest.mark.skipif(
    not (NODE_FOLDER / "node_modules" / "standardwebhooks").is_dir(),
    reason="not installed: npm install --no-audit --no-fund --no-package-lock --prefix tests/node",
)


def snippets(language: str, page: str = PAGE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def delivered(later: int = 0) -> Request:
    """A request that is signed now, or so many seconds later, by a secret and a key pair."""
    now = time.time_ns() // 1_000_000 + later * 1000
    return render(builtin("standard"), to=endpoint(ed25519=PRIVATE), now=now)


def defined_in(snippet: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(snippet, names)
    return names


def run_in_node(snippet: str, call: str, key: str, request: Request) -> Any:
    """What a call of a function of a snippet returns; `key`, `headers` and `body` are its words."""
    given = {"key": key, "headers": dict(request.headers), "body": request.body.decode()}
    code = f"""{snippet}
        const {{ key, headers, body: text }} = JSON.parse(process.argv[1]);
        const body = Buffer.from(text);
        console.log(JSON.stringify({call}));
    """
    run = subprocess.run(
        ["node", "--input-type=module", "--eval", code, json.dumps(given)],
        cwd=NODE_FOLDER,
        capture_output=True,
        timeout=30,
        check=True,
    )
    return json.loads(run.stdout)


def test_request_on_the_page() -> None:
    """The request that the page shows is genuine."""
    found = re.search(r"```\nPOST /hook HTTP/1.1\n(.*?)\n\n(.*?)\n```", PAGE, re.DOTALL)
    assert found is not None
    headers = dict(line.split(": ", 1) for line in found[1].splitlines())

    builtin("standard").verify(headers, found[2].encode(), [OLD], NOW)


def test_python_with_the_library() -> None:
    """The first Python snippet returns the event."""
    request = delivered()

    assert defined_in(snippets("python")[0])["receive"](
        OLD, dict(request.headers), request.body
    ) == json.loads(request.body)


def test_python_with_the_library_refuses() -> None:
    """The first Python snippet refuses another secret."""
    request = delivered()

    assert defined_in(snippets("python")[0])["receive"](NEW, dict(request.headers), request.body) is None


@pytest.mark.parametrize(
    ("secret", "later", "addition", "expected"),
    [(OLD, 0, b"", True), (NEW, 0, b"", False), (OLD, 0, b" ", False), (OLD, -400, b"", False)],
)
def test_python_alone(secret: str, later: int, addition: bytes, expected: bool) -> None:
    """The second Python snippet accepts what is genuine and fresh, and nothing else."""
    request = delivered(later)

    is_genuine = defined_in(snippets("python")[1])["is_genuine"]
    assert is_genuine(secret, dict(request.headers), request.body + addition) is expected


@node_is_there
@package_is_there
def test_javascript_with_the_library() -> None:
    """The npm library verifies what we sign and returns the event."""
    request = delivered()

    call = "receive(key, headers, body)"
    assert run_in_node(snippets("js")[0], call, OLD, request) == json.loads(request.body)


@node_is_there
@package_is_there
@pytest.mark.parametrize("secret", [NEW, OLD])
def test_javascript_during_a_rotation(secret: str) -> None:
    """The npm library verifies with either secret while both sign."""
    now = time.time_ns() // 1_000_000
    both = endpoint(Secret(NEW), Secret(OLD, now + 60_000))

    call = "receive(key, headers, body).type"
    request = render(builtin("standard"), to=both, now=now)
    assert run_in_node(snippets("js")[0], call, secret, request) == "order.created"


@node_is_there
@pytest.mark.parametrize(("argument", "expected"), [("body", True), ("Buffer.from('x')", False)])
def test_javascript_with_a_public_key(argument: str, expected: bool) -> None:
    """Node verifies the Ed25519 signature with the public key, and refuses another body."""
    call = f"isGenuine(key, headers, {argument})"

    assert run_in_node(snippets("js")[1], call, PUBLIC, delivered()) is expected


def keys_of(table: dict[str, Any], path: str = "") -> Iterable[str]:
    for key, value in table.items():
        inner = value[0] if isinstance(value, list) and isinstance(value[0], dict) else value
        if key in ("body", "headers"):
            yield path + key
        elif isinstance(inner, dict):
            yield from keys_of(inner, f"{path}{key}.")
        else:
            yield path + key


@pytest.mark.parametrize("key", sorted({*keys_of(tomllib.loads(STANDARD)), "signature.optional"}))
def test_keys(key: str) -> None:
    """Every key of a contract is in the table of keys."""
    assert f"`{key}`" in PAGE


def keys_that_are_read() -> set[str]:
    """The keys that the reader of contract files asks for."""
    folder = ROOT / "src" / "hookferry" / "contracts"
    code = "".join((folder / f"{name}.py").read_text("utf-8") for name in READERS)
    return set(re.findall(r'\.(?:take|take_or|many|table|table_or|tables|holds)\(\s*"([\w-]+)"', code))


@pytest.mark.parametrize("key", sorted(keys_that_are_read()))
def test_every_key(key: str) -> None:
    """Every key that a contract or its vectors can have is on the page."""
    assert re.search(rf"`([\w-]+\.)*{key}(\.[\w-]+)*`", PAGE)


@pytest.mark.parametrize("name", sorted({*PLACEHOLDERS, *SEEN, "scope.LABEL", "event.type:PLACE"}))
def test_placeholders(name: str) -> None:
    """Every placeholder is in a table of placeholders."""
    assert f"`{{{name}}}`" in PAGE


def test_walk_through() -> None:
    """The contract that the walk-through writes holds its vectors."""
    contract, vectors = snippets("toml", WRITING)

    assert load(contract, "acme.toml", vectors).name == "acme"


def test_captured_request() -> None:
    """The request that the walk-through begins with is the message of its vectors."""
    found = re.search(r"```\nPOST /hook HTTP/1.1\n(.*?)\n\n(.*?)\n```", WRITING, re.DOTALL)
    message = tomllib.loads(snippets("toml", WRITING)[1])["message"][0]

    assert found is not None
    assert found[2] == message["body"]
    assert dict(line.split(": ", 1) for line in found[1].splitlines()) == message["headers"]
