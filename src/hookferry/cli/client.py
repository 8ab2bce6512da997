"""The API as the commands see it: one HTTP client, and its failures as errors with a next step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from msgspec import Raw

from hookferry import errors
from hookferry.config import Settings

_PAGE = 100
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_ERRORS: dict[int, type[errors.HookferryError]] = {
    400: errors.Malformed,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.TooLarge,
    422: errors.Invalid,
    429: errors.TooMany,
}


class Page(msgspec.Struct, frozen=True):
    """Some rows of a list, as the API wrote them, and the cursor of those after them."""

    data: list[Raw]
    next: str | None = None


class _Problem(msgspec.Struct, frozen=True):
    detail: str
    code: str
    field: str | None = None
    number: int | None = None


class _Named(msgspec.Struct, frozen=True):
    id: str


class Api:
    """Talks to one server with one key. A context manager: it keeps a connection open.

    Raises Unreachable for a server that does not answer, and the error that the server's problem names.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.key is None:
            raise errors.Unauthenticated(
                "There is no key. Set HOOKFERRY_KEY, or name a file that holds it with --key-file."
            )
        if not (settings.key.isascii() and settings.key.isprintable()):
            raise errors.Unauthenticated("The key has characters that no key has. Copy it again.")
        self._url = settings.url.rstrip("/")
        self._tenant = settings.tenant
        try:
            self._http = httpx.Client(
                base_url=self._url,
                headers={"Authorization": f"Bearer {settings.key}"},
                timeout=_TIMEOUT,
                # A proxy of the environment cannot reach this machine's own loopback.
                trust_env=urlsplit(self._url).hostname not in _LOOPBACK,
            )
        except (httpx.InvalidURL, ValueError, UnicodeError):
            raise errors.ConfigError(f"{self._url!r} is no URL. Mend HOOKFERRY_URL or --server.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def names_tenant(self) -> bool:
        """True if the command, or a setting, named a tenant."""
        return self._tenant is not None

    @staticmethod
    def path(*parts: str) -> str:
        """A path of the API; what people typed is one segment of it, whatever characters it has."""
        return "/v1/" + "/".join(quote(part, safe="") for part in parts)

    def tenant(self, *parts: str) -> str:
        """A path below the tenant that the command is about: the one named, or else the only one there is.

        Raises ConfigError if none is named and there is not exactly one that the key sees.
        """
        if self._tenant is None:
            self._tenant = self._only_tenant()
        return self.path("tenants", self._tenant, *parts)

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Raw:
        """The JSON text at a path."""
        return self.call("GET", path, query=query)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Raw:
        """Call a route and return the JSON text of its answer. `body` is bytes as they are, or an object."""
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        with self._reached():
            answer = self._http.request(
                method,
                path,
                content=content,
                params=_given(query),
                headers={"Content-Type": content_type} if content is not None else {},
            )
        if not answer.is_success:
            raise _error(answer)
        try:
            msgspec.json.decode(answer.content, type=dict[str, Raw])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise _stranger(answer) from None
        return Raw(answer.content)

    def rows(self, path: str, query: Mapping[str, Any], limit: int, cursor: str | None = None) -> Page:
        """Up to `limit` rows of a list, over as many pages as it takes."""
        rows: list[Raw] = []
        while True:
            asked = {**query, "limit": min(_PAGE, limit - len(rows)), "cursor": cursor}
            page = self._read(path, asked)
            rows += page.data
            cursor = page.next
            if cursor is None or len(rows) >= limit:
                return Page(rows, cursor)

    def lines(self, path: str) -> Iterator[str]:
        """The lines of an answer that does not end by itself: server-sent events."""
        headers = {"Accept": "text/event-stream"}
        with (
            self._reached(),
            self._http.stream("GET", path, headers=headers, timeout=httpx.Timeout(5.0, read=None)) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise _error(answer)
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                raise _stranger(answer)
            yield from answer.iter_lines()

    def _read(self, path: str, query: Mapping[str, Any]) -> Page:
        try:
            return msgspec.json.decode(self.get(path, query), type=Page)
        except msgspec.ValidationError:
            raise errors.Unreachable(f"{self._url} answers with something else than a list.") from None

    def _only_tenant(self) -> str:
        tenants = self._read(self.path("tenants"), {"limit": 2}).data
        if len(tenants) != 1:
            reason = "There are several tenants" if tenants else "There is no tenant yet"
            raise errors.ConfigError(f"{reason}. Name one with --tenant or HOOKFERRY_TENANT.")
        return msgspec.json.decode(tenants[0], type=_Named).id

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException:
            raise errors.Unreachable(f"{self._url} did not answer in time. Try again.") from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise errors.ConfigError(
                f"{self._url!r} is no http or https URL. Mend HOOKFERRY_URL or --server."
            ) from None
        except httpx.RequestError as error:
            raise errors.Unreachable(
                f"Cannot reach {self._url} ({error}). Is `hookferry serve` running there?"
                " HOOKFERRY_URL or --server says where it is."
            ) from None


def _given(query: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (query or {}).items() if value not in (None, ())}


def _error(answer: httpx.Response) -> errors.HookferryError:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _stranger(answer)
    if answer.status_code == errors.Unavailable.status:
        found: errors.HookferryError = errors.Unavailable(problem.detail)
    else:
        kind = _ERRORS.get(answer.status_code, errors.HookferryError)
        hint = " HOOKFERRY_KEY or --key-file names the key." if kind is errors.Unauthenticated else ""
        found = kind(problem.detail + hint, code=problem.code, field=problem.field)
    found.number = problem.number
    after = answer.headers.get("retry-after", "")
    found.retry_after = int(after) if after.isascii() and after.isdigit() else None
    return found


def _stranger(answer: httpx.Response) -> errors.Unreachable:
    return errors.Unreachable(
        f"{answer.url} answered {answer.status_code} and is no Hookferry."
        " HOOKFERRY_URL or --server says where one is."
    )
