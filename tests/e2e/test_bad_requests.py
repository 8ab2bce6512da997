"""Ids, cursors, queries and HTTP itself, as nobody should send them."""

import asyncio
from urllib.parse import quote

import pytest

from tests.e2e.customer import Customer
from tests.support.process import ADMIN_KEY, ServerProcess

IDS = {
    "empty prefix": "evt_",
    "another kind": "key_000000000000000000000000000a",
    "unknown": "evt_" + "0" * 28,
    "parents": "../../keys",
    "NUL": "\0",
    "line end": "a\r\nb",
    "quote": "' or 1=1 --",
    "percent": "%s%n%00",
    "letters": "é☃😀",
    "long": "x" * 4000,
}
OBJECTS = ["events/{}", "events/{}/deliveries", "deliveries/{}", "deliveries/{}/attempts", "endpoints/{}"]
LISTS = ["events", "deliveries", "endpoints"]
CURSORS = ["!", "é", "\0", "AAAA", "ZXZ0X3p6eno", "a" * 4000, "'", "-1"]
QUERIES = [
    "limit=0",
    "limit=-1",
    "limit=201",
    "limit=x",
    "limit=",
    "limit=1e3",
    "limit=99999999999999999999999",
    "limit=1&limit=2",
    "colour=red",
    "status=nonsense",
    "since=yesterday",
    "since=99999999999999",
    "since=2026-01-01T00:00:00",
    "until=0000-00-00T00:00:00Z",
]


@pytest.mark.parametrize("path", OBJECTS)
@pytest.mark.parametrize("id", IDS.values(), ids=IDS)
async def test_ids(strict: Customer, path: str, id: str) -> None:
    """An id that is none is 404."""
    answer = await strict.client.get(strict.path(path.format(quote(id, safe=""))))
    assert answer.status_code == 404


@pytest.mark.parametrize("id", IDS.values(), ids=IDS)
async def test_tenants(strict: Customer, id: str) -> None:
    """A tenant that is none is 404 for a publisher."""
    path = f"/v1/tenants/{quote(id, safe='')}/events"
    answer = await strict.client.post(path, json={"type": "a", "payload": 1})
    assert answer.status_code == 404


async def test_a_path_that_ends_like_ours(strict: Customer) -> None:
    """A path that only ends like a publish route publishes nothing."""
    answer = await strict.client.post("/other" + strict.path("events"), json={"type": "a", "payload": 1})
    assert answer.status_code == 404


@pytest.mark.parametrize("path", LISTS[:2])
@pytest.mark.parametrize("cursor", CURSORS)
async def test_cursors_of_the_history(strict: Customer, path: str, cursor: str) -> None:
    """A cursor that no list gave is 422."""
    answer = await strict.client.get(strict.path(path), params={"cursor": cursor})
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")


@pytest.mark.parametrize("cursor", CURSORS)
async def test_cursors_of_what_is_in_memory(strict: Customer, cursor: str) -> None:
    """A cursor that no list gave is no failure of ours."""
    answer = await strict.client.get(strict.path("endpoints"), params={"cursor": cursor})
    assert answer.status_code in (200, 422)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", QUERIES)
async def test_queries(strict: Customer, path: str, query: str) -> None:
    """A query that makes no sense is 422 and names the parameter."""
    answer = await strict.client.get(f"{strict.path(path)}?{query}")
    assert (answer.status_code, answer.json()["field"][:5]) == (422, query.partition("=")[0][:5])


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic YTpi", ADMIN_KEY, f"Bearer {ADMIN_KEY}x", "Bearer " + "x" * 8000]
)
async def test_keys(strict_server: ServerProcess, header: str) -> None:
    """A key that is none is 401 and says how to send one."""
    async with strict_server.client() as client:
        answer = await client.get("/v1/keys", headers={"Authorization": header})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


RAW = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\0" * 200,
    "header without a name": b"GET /healthz HTTP/1.1\r\n: x\r\n\r\n",
    "NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "negative length": b"POST /v1/tenants HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "endless length": b"POST /v1/tenants HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "two lengths": b"POST /v1/tenants HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length and chunks": (
        b"POST /v1/tenants HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "chunk of no size": (b"POST /v1/tenants HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
}


@pytest.mark.parametrize("data", RAW.values(), ids=RAW)
async def test_no_http(strict_server: ServerProcess, data: bytes) -> None:
    """What is not HTTP is 400 and the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", strict_server.port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_publisher_that_leaves(strict: Customer, strict_server: ServerProcess) -> None:
    """A publisher that goes in the middle of its body has published nothing."""
    _, writer = await asyncio.open_connection("127.0.0.1", strict_server.port)
    head = f"POST {strict.path('events')} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
    writer.write(head.encode() + b'Content-Length: 30\r\n\r\n{"type":"a","payload":1}')
    await writer.drain()
    writer.transport.abort()
    assert await strict.events() == []
