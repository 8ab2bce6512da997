"""Pages: no row is skipped or repeated."""

from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.api.paging import PageQuery, cursor_of, key_in, page_of
from hookferry.errors import Invalid
from hookferry.model import Endpoint
from hookferry.service.forms import NewEndpoint
from tests.api.conftest import Client
from tests.store.world import World
from tests.support.services import House

KEYS = st.lists(st.text(max_size=3), unique=True, max_size=12)


@given(st.text())
def test_cursor(key: str) -> None:
    """A cursor gives the key back that it was made of, and is safe in a query."""
    cursor = cursor_of(key)
    assert key_in(cursor) == key
    assert str(httpx.QueryParams({"cursor": cursor})) == f"cursor={cursor}"


@given(st.text())
def test_any_text_as_cursor(text: str) -> None:
    """A text that is no cursor is refused; there is no other way to fail."""
    with suppress(Invalid):
        assert isinstance(key_in(text), str)


def read(keys: list[str], limit: int, newest_first: bool, cursor: str | None) -> tuple[list[str], str | None]:
    query = PageQuery(limit=limit, cursor=cursor)
    page = page_of(sorted(keys, reverse=newest_first), str, str, query, newest_first)
    return page.data, page.next


@given(KEYS, st.integers(1, 5), st.booleans())
def test_every_row_once(keys: list[str], limit: int, newest_first: bool) -> None:
    """All pages together are the list."""
    seen, cursor = read(keys, limit, newest_first, None)
    while cursor is not None:
        data, cursor = read(keys, limit, newest_first, cursor)
        assert 0 < len(data) <= limit
        seen += data
    assert seen == sorted(keys, reverse=newest_first)


@given(KEYS, KEYS, KEYS, st.integers(1, 5), st.booleans())
def test_changes_between_pages(
    kept: list[str], added: list[str], deleted: list[str], limit: int, newest_first: bool
) -> None:
    """What is there all the time is seen once, whatever comes and goes between two pages."""
    before = sorted({*kept, *deleted})
    after = sorted({*kept, *added})
    seen, cursor = read(before, limit, newest_first, None)
    while cursor is not None:
        data, cursor = read(after, limit, newest_first, cursor)
        seen += data
    assert len(set(seen)) == len(seen)
    assert set(kept) <= set(seen)


@pytest.fixture
async def endpoint(house: House) -> Endpoint:
    return await house.services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))


async def test_history(demo: Client, world: World, endpoint: Endpoint) -> None:
    """A list of the history is read to its end in pages, newest first, while more is published."""
    published = [(await world.publish(endpoint)).event for _ in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await demo.get("/v1/tenants/demo/events", params={"limit": 2, **cursor})).json()
        seen += [event["id"] for event in page["data"]]
        await world.publish(endpoint)
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == published[::-1]


async def test_endpoints(demo: Client) -> None:
    """A list of configuration is read to its end in pages, too."""
    made = [
        (await demo.post("/v1/tenants/demo/endpoints", json={"url": f"https://example.com/{number}"})).json()
        for number in range(3)
    ]
    first = (await demo.get("/v1/tenants/demo/endpoints?limit=2")).json()
    second = (await demo.get(f"/v1/tenants/demo/endpoints?limit=2&cursor={first['next']}")).json()
    ids = [endpoint["id"] for endpoint in first["data"] + second["data"]]
    assert (ids, second["next"]) == ([endpoint["id"] for endpoint in made][::-1], None)


async def test_time_range(demo: Client, world: World, endpoint: Endpoint) -> None:
    """A time range includes its start and excludes its end."""
    for _ in range(3):
        await world.publish(endpoint)
        world.clock.advance(60)
    query = {"since": "2023-11-14T22:14:20Z", "until": "2023-11-14T23:15:20+01:00"}
    page = (await demo.get("/v1/tenants/demo/events", params=query)).json()
    assert [event["created_at"] for event in page["data"]] == ["2023-11-14T22:14:20.000Z"]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_far_times(demo: Client, time: str) -> None:
    """A time range may begin before all time and end after it."""
    assert (await demo.get("/v1/tenants/demo/events", params={"since": time, "until": time})).json()[
        "data"
    ] == []
