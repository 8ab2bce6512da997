"""Code that verifies a contract's signature, in the languages of those who receive it."""

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from hookferry.contracts import Contract
from hookferry.guides.recipe import TOLERANCE, Piece, Recipe, escaped, recipe

if TYPE_CHECKING:
    from jinja2 import Environment


class Language(msgspec.Struct, frozen=True):
    """A language, for a page. `needs` is the oldest version that the code runs in."""

    title: str
    needs: str
    fence: str
    """What Markdown calls it."""
    raw: str
    """Where the body is before any parser, in frameworks that many use."""


LANGUAGES = {
    "python": Language(
        "Python",
        "Python 3.9",
        "python",
        "`request.get_data()` in Flask, `request.body` in Django, `await request.body()` in FastAPI",
    ),
    "javascript": Language(
        "JavaScript", "Node 18", "js", '`request.body` in Express behind `express.raw({ type: "*/*" })`'
    ),
    "go": Language("Go", "Go 1.19", "go", "`io.ReadAll(request.Body)`"),
    "ruby": Language("Ruby", "Ruby 3.0", "ruby", "`request.raw_post` in Rails, `request.body.read` in Rack"),
    "php": Language("PHP", "PHP 8.0", "php", "`file_get_contents('php://input')`"),
    "java": Language("Java", "Java 17", "java", "`request.getInputStream().readAllBytes()` in a servlet"),
    "csharp": Language(
        "C#", ".NET 8", "csharp", "copy `Request.Body` to a `MemoryStream` in ASP.NET Core, then `ToArray()`"
    ),
}
"""By the name of the template."""


def snippet(contract: Contract, text: str, language: str) -> str:
    """The code in one of the `LANGUAGES`, `text` being the contract's file.

    Raises Invalid for a contract that signs nothing, and for what no code is generated for.
    """
    return written(recipe(contract, text), language)


def written(steps: Recipe, language: str) -> str:
    """A recipe in one of the `LANGUAGES`."""
    template = templates().get_template(f"{language}.j2")
    return template.render(recipe=steps, runs=_runs(steps.pieces), tolerance=TOLERANCE).strip() + "\n"


@cache
def templates() -> "Environment":
    """The templates of this package."""
    # Imported here: it takes 30 ms, and most commands need no guide.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("hookferry.guides"),
        autoescape=False,  # noqa: S701  it writes code and Markdown; the page escapes what it is told
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {
        "quoted": json.dumps,
        "single": _single,
        "snake": _snake,
        "camel": _camel,
        "uses": _uses,
    }
    found.filters |= {"backticks": _backticks, "braces": _braces, "hashes": _hashes, "escaped": escaped}
    return found


def _runs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces, with neighbours that are texts together."""
    found: list[list[Piece]] = []
    for piece in pieces:
        if found and piece.kind != "body" != found[-1][-1].kind:
            found[-1].append(piece)
        else:
            found.append([piece])
    return found


def _single(text: str) -> str:
    """A text in single quotes, as PHP and Ruby write it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _backticks(text: str) -> str:
    """What stands for a text within JavaScript's backticks."""
    return re.sub(r"([\\`]|\$(?=\{))", r"\\\1", text)


def _braces(text: str) -> str:
    """What stands for a text within the quotes of Python's f-strings."""
    return json.dumps(text)[1:-1].replace("{", "{{").replace("}", "}}")


def _hashes(text: str) -> str:
    """What stands for a text within the double quotes of Ruby."""
    return json.dumps(text)[1:-1].replace("#", "\\#")


def _snake(name: str) -> str:
    """The variable of a placeholder: `event_id` for `event.id`."""
    return "sent_at" if name.startswith("attempt.time:") else re.sub(r"\W", "_", name)


def _camel(name: str) -> str:
    """The variable of a placeholder: `eventId` for `event.id`."""
    first, *rest = _snake(name).split("_")
    return first + "".join(part.capitalize() for part in rest)


def _uses(code: str, name: str) -> bool:
    """True if code names something; in texts only Python's f-strings can."""
    bare = re.sub(r'(f?)"[^"\n]*"', lambda found: found[0] if found[1] else "", code)
    return re.search(rf"(?<![\w.]){re.escape(name)}", bare) is not None
