"""The reference page: the OpenAPI document for people, as one page without scripts or foreign parts."""

import re
from base64 import b64encode
from functools import cached_property
from hashlib import sha256
from importlib.resources import files

import msgspec
from litestar import Litestar
from markupsafe import Markup, escape

from hookferry.api.openapi import document
from hookferry.api.problems import CODES

_TEMPLATES = files("hookferry.api") / "templates"


class Reference:
    """The document and the page of an app, each made when it is first asked for."""

    def __init__(self, app: Litestar) -> None:
        self._app = app

    @cached_property
    def json(self) -> bytes:
        """The OpenAPI document."""
        return msgspec.json.encode(document(self._app))

    @cached_property
    def page(self) -> bytes:
        """The page, in UTF-8."""
        # Imported here: it takes 30 ms of the process's start, for a page that few look at.
        from jinja2 import Environment

        environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        environment.filters.update(json=_indented, prose=_prose, refused=_refused, route=_route)
        template = environment.from_string((_TEMPLATES / "reference.html").read_text())
        shown = msgspec.json.decode(self.json)
        return template.render(document=shown, codes=CODES, css=Markup(self._css)).encode()  # noqa: S704 - ours

    @cached_property
    def policy(self) -> str:
        """The page's Content-Security-Policy: its own style sheet and nothing else."""
        digest = b64encode(sha256(self._css.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    @cached_property
    def _css(self) -> str:
        return (_TEMPLATES / "reference.css").read_text()


def _indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _prose(text: str) -> Markup:
    """Paragraphs, and code between backticks."""
    paragraphs = [re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(one))) for one in text.split("\n\n")]
    return Markup("".join(f"<p>{one}</p>" for one in paragraphs if one))  # noqa: S704 - escaped above


def _refused(responses: dict[str, object]) -> list[str]:
    return [status for status in responses if status >= "400"]


def _route(path: str) -> Markup:
    """A path with its parameters set apart, and places where a long one may break."""
    return Markup(re.sub(r"({\w+})", r"<i>\1</i>", str(escape(path)).replace("/", "/<wbr>")))  # noqa: S704
