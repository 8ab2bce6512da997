"""Lists in pages: cursors, the queries that ask for them, the pages that answer.

A page ends at an object's own key, which never changes, and the next begins after it: so no row is
skipped or repeated, whatever is added or deleted in between.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from hookferry import ids
from hookferry.errors import Invalid
from hookferry.service.forms import Time, millis
from hookferry.store import values
from hookferry.store.values import Slice

T = TypeVar("T")
Shown = TypeVar("Shown")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some objects, and the cursor of those after them: null at the end."""

    data: list[T]
    next: Annotated[str | None, Meta(description="Give it as `cursor` to read on; null at the end.")]


class AskedQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query's parameters."""


class PageQuery(AskedQuery, frozen=True, kw_only=True):
    """Which page of a list."""

    limit: Annotated[int, Meta(ge=1, le=200, description="How many objects at most.")] = 50
    cursor: Annotated[str | None, Meta(description="`next` of the page before.")] = None


class HistoryQuery(PageQuery, frozen=True, kw_only=True):
    """Which page of a part of the history, newest first."""

    since: Annotated[Time | None, Meta(description="Made at or after this time.")] = None
    until: Annotated[Time | None, Meta(description="Made before this time.")] = None

    def rows(self) -> Slice:
        """The rows asked for. Raises Invalid for a cursor that is none of ours."""
        return Slice(
            self.limit,
            None if self.cursor is None else _id_in(self.cursor),
            None if self.since is None else millis(self.since, "since"),
            None if self.until is None else millis(self.until, "until"),
        )


def cursor_of(key: str) -> str:
    """The cursor of what comes after the object with this key."""
    return urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


def key_in(cursor: str) -> str:
    """The inverse. Raises Invalid."""
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise Invalid("This is not a cursor that a list gave.", field="cursor") from None


def _id_in(cursor: str) -> str:
    id = key_in(cursor)
    try:
        ids.time_of(id)
    except ValueError:
        raise Invalid("This is not a cursor that this list gave.", field="cursor") from None
    return id


def page_of(
    items: Sequence[T],
    key: Callable[[T], str],
    show: Callable[[T], Shown],
    query: PageQuery,
    newest_first: bool = False,
) -> Page[Shown]:
    """A page of objects that are held in memory, sorted by `key` already."""
    if query.cursor is not None:
        last = key_in(query.cursor)
        items = [item for item in items if (key(item) < last if newest_first else key(item) > last)]
    shown = items[: query.limit]
    more = len(items) > query.limit
    return Page([show(item) for item in shown], cursor_of(key(shown[-1])) if more else None)


def cursor_page(page: values.Page[T], show: Callable[[T], Shown]) -> Page[Shown]:
    """A page that the store read."""
    return Page([show(item) for item in page.data], None if page.next is None else cursor_of(page.next))
