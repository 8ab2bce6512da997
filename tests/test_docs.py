"""The documentation: links lead somewhere, examples are valid, lists are complete, names exist."""

import json
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from hookferry.api.answers import Published
from hookferry.api.problems import CODES
from hookferry.config import SETTINGS
from hookferry.delivery.observer import AttemptLine, Observer
from hookferry.exchange import Outcome
from hookferry.logs import Lines
from hookferry.model import Permission
from hookferry.service.explanations import Why
from hookferry.service.forms import NewAlert, NewEndpoint, NewKey, NewMember, NewRole, NewTenant
from hookferry.service.publish import Draft

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXTS = {str(page.relative_to(ROOT)): page.read_text("utf-8") for page in PAGES}
README, API, LOGS = TEXTS["README.md"], TEXTS["docs/api.md"], TEXTS["docs/logs.md"]
OPERATIONS, INDEX = TEXTS["docs/operations.md"], TEXTS["docs/README.md"]
EVERYTHING = "\n".join(TEXTS.values())

_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CURL = re.compile(r"curl \"[^\"\n]*/(\w+)\"(?:[^\n]*\\\n)*[^\n]*-d '(.*?)'")
_FORMS = {
    "events": Draft,
    "tenants": NewTenant,
    "roles": NewRole,
    "members": NewMember,
    "keys": NewKey,
    "endpoints": NewEndpoint,
    "alerts": NewAlert,
}


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings have: lower case, hyphens for blanks, letters and digits."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}


def links() -> list[tuple[str, str]]:
    """Each link within the repository: the page that has it, and where it leads."""
    found = [(page, link) for page, text in TEXTS.items() for link in _LINK.findall(_FENCE.sub("", text))]
    return [(page, link) for page, link in found if "://" not in link]


@pytest.mark.parametrize(("page", "link"), links())
def test_links(page: str, link: str) -> None:
    """A link leads to a file that is there, and to a heading in it."""
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page

    assert target.exists()
    assert not anchor or anchor in anchors(target.read_text("utf-8"))


@pytest.mark.parametrize(
    "page", sorted(page for page in TEXTS if page.startswith("docs/") and "adr/" not in page)
)
def test_index(page: str) -> None:
    """docs/README.md leads to every page, or docs/contracts/README.md, to which it leads."""
    name = page.removeprefix("docs/")
    lower = name.removeprefix("contracts/")
    assert name == "README.md" or f"]({name})" in INDEX or f"]({lower})" in TEXTS["docs/contracts/README.md"]


@pytest.mark.parametrize("page", sorted(page for page in TEXTS if re.match(r"docs/adr/\d", page)))
def test_decisions(page: str) -> None:
    """The index of decisions leads to each."""
    assert f"]({page.removeprefix('docs/adr/')})" in TEXTS["docs/adr/README.md"]


@pytest.mark.parametrize(("route", "body"), _CURL.findall(README + API))
def test_curls(route: str, body: str) -> None:
    """The body of every curl is accepted by the form of its route."""
    assert msgspec.json.decode(body, type=_FORMS[route])


def test_every_curl_is_tested() -> None:
    """No curl with a body escapes the pattern that finds them."""
    assert len(_CURL.findall(README + API)) == (README + API).count("-d '")


def test_answer() -> None:
    """The answer that the README shows has the shape of the API's."""
    shown = re.findall(r"```json\n(.*?)\n```", README, re.DOTALL)
    assert msgspec.json.encode(msgspec.json.decode(shown[0], type=Published)).decode() == shown[0]


@pytest.mark.parametrize("text", re.findall(r"```json\n(.*?)\n```", EVERYTHING, re.DOTALL))
def test_json(text: str) -> None:
    """What is shown as JSON is JSON."""
    assert json.loads(text)


@pytest.mark.parametrize("code", sorted(CODES))
def test_codes(code: str) -> None:
    """docs/api.md names every code of an error."""
    assert f"\n| `{code}` | " in API


@pytest.mark.parametrize("outcome", list(Outcome))
def test_outcomes(outcome: Outcome) -> None:
    """docs/api.md names every outcome of an attempt."""
    assert f"\n| `{outcome.value}` | " in API


@pytest.mark.parametrize("why", list(Why))
def test_reasons(why: Why) -> None:
    """docs/replay.md names every reason of an explanation."""
    assert f"\n| `{why.value}` | " in TEXTS["docs/replay.md"]


@pytest.mark.parametrize("permission", list(Permission))
def test_permissions(permission: Permission) -> None:
    """docs/api.md names every permission of a key."""
    assert f"\n| `{permission.value}` | " in API


@pytest.mark.parametrize("field", AttemptLine.__struct_fields__)
def test_fields_of_the_attempt_line(field: str) -> None:
    """docs/logs.md explains every field."""
    assert f"\n| `{field}` | " in LOGS


def test_attempt_line() -> None:
    """The line that docs/logs.md shows has the fields of a real one, in their order."""
    shown = re.search(r"```json\n(.*?)\n```", LOGS, re.DOTALL)
    assert shown is not None
    assert tuple(json.loads(shown[1])) == AttemptLine.__struct_fields__


def metrics() -> list[str]:
    """The names under which the metrics are read."""
    registry = CollectorRegistry()
    Observer(Lines("json", "info"), registry)
    return [metric.name + "_total" * (metric.type == "counter") for metric in registry.collect()]


@pytest.mark.parametrize("metric", metrics())
def test_metrics(metric: str) -> None:
    """docs/operations.md explains every metric."""
    assert f"\n| `{metric}` | " in OPERATIONS


def test_layers() -> None:
    """docs/architecture.md draws the layers that the imports are checked against."""
    (rules, *_) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = "\n".join(rules["layers"]).replace("hookferry.", "")
    assert f"```\n{layers}\n```" in TEXTS["docs/architecture.md"]


def test_tests_that_are_named_exist() -> None:
    """A test that the documentation cites is there under its name."""
    named = set(re.findall(r"`(test_\w+[a-z0-9])`", EVERYTHING))
    sources = "\n".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    assert {name for name in named if f"def {name}(" not in sources} == set()


def test_paths_that_are_named_exist() -> None:
    """A file or folder of the repository that the documentation cites is there."""
    named = set(re.findall(r"`((?:src|tests|bench|docs)/[\w./-]+|\.ci/\w+)`", EVERYTHING))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_variables_that_are_named_exist() -> None:
    """A variable that the documentation cites is a setting, or the tests read it."""
    variables = {setting.variable for setting in SETTINGS.values()}
    sources = "\n".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/*.py"))
    variables.update(re.findall(r'environ\.get\("(HOOKFERRY_TEST_[A-Z_]+)"', sources))
    assert set(re.findall(r"\bHOOKFERRY_[A-Z_]+[A-Z]\b", EVERYTHING)) <= variables


def test_make_targets_that_are_named_exist() -> None:
    """A target of make that the documentation cites is in the Makefile."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make (\w+)", EVERYTHING, re.MULTILINE)) <= targets
