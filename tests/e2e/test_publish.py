"""Batches, idempotency, and what publishing keeps."""

import asyncio
from typing import Any

import pytest

from tests.e2e.customer import Customer
from tests.e2e.test_bad_bodies import LIMIT, event

GOOD = event(b'{"n":1}')
# What cannot be the second of three events.
BAD_MEMBERS: dict[str, tuple[bytes, int, str, str | None]] = {
    "not an object": (b"1", 422, "invalid", None),
    "unknown field": (event(colour=b"1"), 422, "invalid", "colour"),
    "missing field": (b'{"type":"a"}', 422, "invalid", "payload"),
    "type of another kind": (b'{"type":1,"payload":1}', 422, "invalid", "type"),
    "type that is none": (b'{"type":"a\\n","payload":1}', 422, "invalid", "type"),
    "time that is none": (event(occurred_at=b'"now"'), 422, "invalid", "occurred_at"),
    "changes that are none": (event(changes=b"[1]"), 422, "invalid", "changes"),
    "payload too large": (event(b'"%b"' % (b"x" * LIMIT)), 413, "too_large", "payload"),
    "payload too deep": (event(b"[" * 101 + b"]" * 101), 400, "too_deep", "payload"),
    "payload not in UTF-8": (event(b'"\xff"'), 400, "malformed", "payload"),
    "key used with another body": (
        event(idempotency_key=b'"k"'),
        409,
        "idempotency_conflict",
        "idempotency_key",
    ),
}


async def batch(tenant: Customer, body: bytes, type: str = "application/json") -> Any:
    return await tenant.client.post(tenant.path("events/batch"), content=body, headers={"Content-Type": type})


async def test_too_many(strict: Customer) -> None:
    """A batch of 1,001 events is 422."""
    assert (await batch(strict, b"[%b]" % b",".join([GOOD] * 1001))).status_code == 422


async def test_the_most(strict: Customer) -> None:
    """A batch of 1,000 events is stored whole."""
    answer = await batch(strict, b"[%b]" % b",".join([GOOD] * 1000))
    assert len({one["id"] for one in answer.json()["data"]}) == 1000


@pytest.mark.parametrize(
    ("body", "status"), [(b"[]", 422), (b"", 422), (b"{}", 422), (b"null", 422), (b"[", 400)]
)
async def test_no_batch(strict: Customer, body: bytes, status: int) -> None:
    """A batch of nothing is refused."""
    assert (await batch(strict, body)).status_code == status


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n"])
@pytest.mark.parametrize("type", ["application/jsonl", "application/x-ndjson", "application/json"])
async def test_lines(strict: Customer, type: str, end: bytes) -> None:
    """A batch can be a JSON text a line."""
    answer = await batch(strict, (GOOD + end) * 3, type)
    assert [one["id"] for one in answer.json()["data"]] == [
        one["id"] for one in reversed(await strict.events())
    ]


@pytest.mark.parametrize("form", ["list", "lines"])
@pytest.mark.parametrize(("member", "status", "code", "field"), BAD_MEMBERS.values(), ids=BAD_MEMBERS)
async def test_a_bad_member(
    strict: Customer, form: str, member: bytes, status: int, code: str, field: str | None
) -> None:
    """A batch with a bad event is refused, and the answer says which one and why."""
    await strict.publish("first", idempotency_key="k")
    members = [GOOD, member, GOOD]
    body = b"[%b]" % b",".join(members) if form == "list" else b"\n".join(members)
    answer = await batch(strict, body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field"), problem["number"]) == (
        status,
        code,
        field,
        1,
    )


async def test_all_or_none(strict: Customer) -> None:
    """Of a batch with a bad event nothing is stored."""
    for member, *_ in BAD_MEMBERS.values():
        await batch(
            strict,
            b"[%b]"
            % b",".join([GOOD, event(idempotency_key=b'"k"'), event(b"2", idempotency_key=b'"k"'), member]),
        )
    assert await strict.events() == []


async def test_a_refused_batch_uses_no_key(strict: Customer) -> None:
    """The idempotency keys of a refused batch are free."""
    key = event(idempotency_key=b'"k"')
    await batch(strict, b"[%b,%b]" % (key, event(b"2", idempotency_key=b'"k"')))
    assert (await strict.publish(2, type="a", idempotency_key="k"))["deliveries"] == 0


async def test_a_key_twice_in_a_batch(strict: Customer) -> None:
    """The same key twice in one batch is one event."""
    key = event(idempotency_key=b'"k"')
    answer = await batch(strict, b"[%b,%b]" % (key, key))
    assert [one["id"] for one in answer.json()["data"]] == [one["id"] for one in await strict.events()] * 2


async def test_fifty_at_once(strict: Customer) -> None:
    """Fifty identical publishes at once are one event with equal answers (FAULTS, 14)."""
    answers = await asyncio.gather(*[strict.publish({"n": 1}, idempotency_key="k") for _ in range(50)])
    (stored,) = await strict.events()
    assert answers == [{"id": stored["id"], "deliveries": 0}] * 50


@pytest.mark.parametrize(
    "other",
    [{"payload": 2}, {"type": "b"}, {"scope": {"dc": "1"}}, {"occurred_at": "2026-01-01T00:00:00Z"}],
    ids=str,
)
async def test_another_body(strict: Customer, other: dict[str, Any]) -> None:
    """The same key with another body is 409 (FAULTS, 15)."""
    body = {"type": "a", "payload": 1, "idempotency_key": "k"}
    await strict.publish(1, type="a", idempotency_key="k")
    answer = await strict.client.post(strict.path("events"), json={**body, **other})
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")


async def test_keys_are_a_tenants_own(strict: Customer, tenant: Customer) -> None:
    """Another tenant's key is another key."""
    answers = [await one.publish(number, idempotency_key="k") for number, one in enumerate((strict, tenant))]
    assert len({answer["id"] for answer in answers}) == 2


async def test_changes(strict: Customer) -> None:
    """What changed is kept with the event."""
    changes = {"status": {"previous": None, "current": "paid"}}
    sent = await strict.publish(1, changes=changes)
    assert (await strict.ask("GET", f"events/{sent['id']}"))["changes"] == changes


async def test_everything_left_empty(strict: Customer) -> None:
    """An optional field may be null."""
    empty: dict[str, Any] = {"occurred_at": None, "changes": None, "scope": None, "idempotency_key": None}
    sent = await strict.publish(1, **empty)
    shown = await strict.ask("GET", f"events/{sent['id']}")
    assert [shown["changes"], shown["scope"], shown["idempotency_key"]] == [None] * 3


@pytest.mark.parametrize(
    "payload",
    [
        b'{"b":1.0,"a":-0,"a":1e400}',
        b'"\\u0000\\/\\u00e9 \xe2\x98\x83 \xf0\x9f\x98\x80"',
        b"[ 1 ,\n\t2 ]",
        b"12345678901234567890123",
    ],
)
async def test_bytes_are_kept(strict: Customer, payload: bytes) -> None:
    """A payload is kept byte for byte."""
    answer = await strict.client.post(strict.path("events"), content=event(payload))
    shown = await strict.client.get(strict.path(f"events/{answer.json()['id']}"))
    assert shown.content.endswith(b'"payload":%b}' % payload)
