"""The pages of contracts, and that those in docs/ are current."""

import re
from pathlib import Path

import pytest

from hookferry.contracts import builtin
from hookferry.contracts.load import builtin_names
from hookferry.contracts.placeholders import BODY
from hookferry.contracts.texts import builtin_text
from hookferry.delivery.wire import agent, target, wire_headers
from hookferry.exchange import Request
from hookferry.guides import LANGUAGES, page, words
from tests.contracts.examples import NOW, file, signature
from tests.guides.senders import OWN, own, sender

DOCS = Path(__file__).parents[2] / "docs" / "contracts"
NAMES = builtin_names()
EXAMPLE = re.compile(r"```http\n(.*?)\n\n(.*?)\n```", re.DOTALL)


def on_wire(request: Request) -> Request:
    return wire_headers(request, target(request.url), agent())


def page_of(text: str) -> str:
    """The page of a contract file."""
    return page(own(text).contract, text, on_wire)


def bare(text: str) -> str:
    """A page without what stands in fences."""
    return re.sub(r"^```.*?^```", "code", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_current(name: str) -> None:
    """The page in docs/ is what the contract's file gives today; if not, `make docs` writes it anew."""
    more = f"../{name}.md" if (DOCS / f"{name}.md").exists() else None
    made = page(builtin(name), builtin_text(name).text, on_wire, more)
    assert (DOCS / "guides" / f"{name}.md").read_text("utf-8") == made


def test_no_page_is_left() -> None:
    """Each page in docs/ is that of a contract."""
    assert sorted(path.stem for path in (DOCS / "guides").iterdir()) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("foxtrot", "sendgrid")])
def test_example(name: str) -> None:
    """The request on the page verifies with the secret on the page."""
    by = sender(name)
    text = page(by.contract, by.text, on_wire)
    found = EXAMPLE.search(text)
    assert found is not None
    start, *lines = found[1].split("\n")
    headers = dict(line.split(": ", 1) for line in lines)
    url = f"https://{headers['Host']}{start.split()[1]}"
    (secret,) = re.findall("signed with the secret `(.+)`", text)
    by.contract.verify(headers, found[2].encode(), [secret], NOW, url=url)


def test_example_of_a_public_key() -> None:
    """Of a signature that is another one each time, the page shows the key and leaves the value out."""
    text = page(sender("sendgrid").contract, sender("sendgrid").text, on_wire)
    assert ("public key `MF" in text, "Webhook-Signature: ...\n" in text) == (True, True)


def test_example_that_cannot_be_made_up() -> None:
    """Where no secret can be made up the page goes without."""
    assert "```http" not in page_of(OWN["rsa"])


@pytest.mark.parametrize("name", [*NAMES, *OWN])
def test_tidy(name: str) -> None:
    """No gaps, nothing that was meant for the template, every table is whole."""
    text = bare(page(sender(name).contract, sender(name).text, on_wire))
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    widths = [{len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()} for table in tables]
    assert (re.findall(r"\n{3,}|[{%]%|None|Undefined", text), {len(width) for width in widths}) == ([], {1})


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages(language: str) -> None:
    """A section for each language."""
    title = LANGUAGES[language].title
    assert f"\n### {title}\n" in page(sender("standard").contract, sender("standard").text, on_wire)


@pytest.mark.parametrize("name", NAMES)
def test_event_types(name: str) -> None:
    """Each event type of the catalogue is on the page, with its schema and example."""
    by = sender(name)
    text = page(by.contract, by.text, on_wire)
    types = by.contract.catalogue
    assert ([type for type in types if f"\n| `{type}`" not in text], text.count("Its schema:")) == (
        [],
        len(types),
    )


def test_link() -> None:
    """It leads to a page that says more."""
    assert "[More about it](acme.md)" in page(
        sender("standard").contract, sender("standard").text, on_wire, "acme.md"
    )


def test_no_code() -> None:
    """Where no code is generated it says why."""
    assert "No code is generated for a signature over {body.crc32}." in page_of(
        file(signature(content="{body.crc32}"))
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[retry-after]\nstatus = ["429"]\nceiling = "1h"', "makes a delay longer, up to 1 h."),
        ('[disable]\nstatus = ["410"]', "410 disables the endpoint"),
        ('[stop]\nstatus = ["400-403", "404"]', "400 to 404 ends the delivery."),
        ('[success]\nstatus = ["200", "204"]', "Answer 200 or 204 within 10 s."),
        ('[serializer]\nstyle = "javascript"', "`JSON.stringify(JSON.parse(body))`"),
        ('[[event-type]]\nname = "a"\ndeprecated = true\naliases = ["b"]', "| `a` or `b` | a (deprecated) |"),
        ('[[event-type]]\nname = "a"\nbody = "{event.id}"', "Of `a` the body is the event's id"),
    ],
)  # fmt: skip
def test_says(more: str, said: str) -> None:
    """What a file says is said in words."""
    assert said in page_of(file(more))


def test_retries() -> None:
    """Each retry is a row, with the time since the one before and since the first."""
    assert "| 2 | 30 min | 30 min |\n| 3 | 1 h | 1 h 30 min |" in page_of(
        file(retry='schedule = ["30m", "1h"]')
    )


@pytest.mark.parametrize("name", sorted(BODY))
def test_placeholders(name: str) -> None:
    """Every placeholder has its words."""
    assert words.placeholder(name)


def test_members() -> None:
    """A body is told member by member, nested ones with dots."""
    body = {"id?": "{event.id}", "...": "{payload}", "a": {"b": ["x{event.type}", 1]}}
    assert list(words.members(body, BODY)) == [
        ("id", "the event's id, the same for every attempt; the payload's own goes before"),
        ("...", "the payload's own members, but for those that stand here too"),
        ("a.b[]", "`x`, then the event's type"),
        ("a.b[]", "always `1`"),
    ]


@pytest.mark.parametrize(("seconds", "said"), [(0.5, "0.5 s"), (90, "1 min 30 s"), (93600, "1 d 2 h")])
def test_span(seconds: float, said: str) -> None:
    """A duration in the words of people."""
    assert words.span(seconds) == said
