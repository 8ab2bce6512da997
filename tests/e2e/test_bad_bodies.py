"""Bodies that a publisher or an administrator should not send: refused with a reason, nothing stored."""

from typing import Any

import pytest

from tests.e2e.customer import Customer

LIMIT = 256 * 1024
DEEP = 100_000


def event(payload: bytes = b"1", **fields: bytes) -> bytes:
    """The text of an event, whatever its parts are."""
    more = b"".join(b',"%b":%b' % (name.encode(), value) for name, value in fields.items())
    return b'{"type":"a","payload":%b%b}' % (payload, more)


MALFORMED = {
    "nothing": b"",
    "blank": b" \n",
    "no JSON": b"type=a&payload=1",
    "cut short": b'{"type":"a","payload":{"n":',
    "two values": event() + event(),
    "NUL": b"\0",
    "NUL at the end": event() + b"\0",
    "NUL in a text": event(b'"a\0b"'),
    "line end in a text": event(b'"a\nb"'),
    "UTF-16": event().decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + event(),
    "invalid UTF-8": event(b'"\xff"'),
    "surrogates in UTF-8": event(b'"\xed\xa0\x80"'),
    "overlong UTF-8": event(b'"\xc0\xaf"'),
    "invalid UTF-8 in a name": event(b'{"\xff":1}'),
    "invalid UTF-8 in a type": b'{"type":"\xff","payload":1}',
    "invalid UTF-8 in changes": event(changes=b'{"a":{"previous":"\xff","current":1}}'),
    "half a surrogate pair": event(b'"\\ud800"'),
    "half a surrogate pair in a type": b'{"type":"\\ud800","payload":1}',
    "not a number": event(b"NaN"),
    "leading zero": event(b"01"),
    "trailing comma": event(b"[1,]"),
    "single quotes": event(b"'a'"),
    "unknown escape": event(b'"\\x"'),
}
TOO_DEEP = {
    "arrays": event(b"[" * DEEP + b"]" * DEEP),
    "objects": event(b'{"":' * 50_000 + b"1" + b"}" * 50_000),
    "open arrays": event(b"[" * DEEP),
    "just too deep": event(b"[" * 101 + b"]" * 101),
    "changes": event(changes=b'{"a":{"previous":' + b"[" * 101 + b"]" * 101 + b',"current":1}}'),
}
INVALID = {
    "null": (b"null", None),
    "number": (b"1", None),
    "text": (b'"event"', None),
    "list": (b"[%b]" % event(), None),
    "lists": (b"[" * DEEP + b"]" * DEEP, None),
    "unknown field": (event(colour=b"1"), "colour"),
    "unknown field, deep": (event(colour=b"[" * DEEP + b"]" * DEEP), "colour"),
    "no payload": (b'{"type":"a"}', "payload"),
    "no type": (b'{"payload":1}', "type"),
    "type of another kind": (b'{"type":1,"payload":1}', "type"),
    "empty type": (b'{"type":"","payload":1}', "type"),
    "long type": (b'{"type":"%b","payload":1}' % (b"a" * 129), "type"),
    "type with NUL": (b'{"type":"a\\u0000","payload":1}', "type"),
    "type with a line end": (b'{"type":"a\\nb","payload":1}', "type"),
    "time of another kind": (event(occurred_at=b"1700000000"), "occurred_at"),
    "time that is none": (event(occurred_at=b'"yesterday"'), "occurred_at"),
    "time without a zone": (event(occurred_at=b'"2026-01-01T00:00:00"'), "occurred_at"),
    "time before all times": (event(occurred_at=b'"0001-01-01T00:00:00+14:00"'), "occurred_at"),
    "time after all times": (event(occurred_at=b'"9999-12-31T23:59:59-14:00"'), "occurred_at"),
    "key of another kind": (event(idempotency_key=b"1"), "idempotency_key"),
    "empty key": (event(idempotency_key=b'""'), "idempotency_key"),
    "long key": (event(idempotency_key=b'"%b"' % (b"k" * 256)), "idempotency_key"),
    "scope of another kind": (event(scope=b'["a"]'), "scope"),
    "label of another kind": (event(scope=b'{"dc":1}'), "scope[...]"),
    "values of another kind": (event(scope=b'{"dc":[1]}'), "scope[...][0]"),
    "changes of another kind": (event(changes=b"[1]"), "changes"),
    "change without its end": (event(changes=b'{"a":{"previous":1}}'), "changes"),
}


async def publish(tenant: Customer, body: bytes, path: str = "events") -> Any:
    """What a publish answers: status, code and field."""
    answer = await tenant.client.post(tenant.path(path), content=body)
    problem = answer.json()
    return answer.status_code, problem.get("code"), problem.get("field")


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_malformed(strict: Customer, body: bytes) -> None:
    """What is not JSON in UTF-8 is 400."""
    assert (await publish(strict, body))[:2] == (400, "malformed")


@pytest.mark.parametrize("body", TOO_DEEP.values(), ids=TOO_DEEP)
async def test_too_deep(strict: Customer, body: bytes) -> None:
    """JSON that is nested too deeply is 400, and says so."""
    assert (await publish(strict, body))[:2] == (400, "too_deep")


@pytest.mark.parametrize(("body", "field"), INVALID.values(), ids=INVALID)
async def test_invalid(strict: Customer, body: bytes, field: str | None) -> None:
    """What reads and makes no sense is 422 and names the field."""
    assert await publish(strict, body) == (422, "invalid", field)


@pytest.mark.parametrize("size", [LIMIT + 1, 2 * LIMIT, 20 * 1024 * 1024])
async def test_a_payload_too_large(strict: Customer, size: int) -> None:
    """A payload above 256 KiB is 413, however large."""
    assert (await publish(strict, event(b'"%b"' % (b"x" * (size - 2)))))[:2] == (413, "too_large")


async def test_a_body_without_a_length_too_large(strict: Customer) -> None:
    """A body that comes in chunks and never says its size is 413 as well."""

    async def parts() -> Any:
        for _ in range(40):
            yield b" " * 65536

    answer = await strict.client.post(strict.path("events"), content=parts())
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "payload",
    [b'"%b"' % (b"x" * (LIMIT - 2)), b"[" * 100 + b"]" * 100, b'"' + b"[" * 1000 + b'"', b'"\\ud83d\\ude00"'],
    ids=["large", "deep", "brackets in a text", "surrogate pair"],
)
async def test_at_the_limit(strict: Customer, payload: bytes) -> None:
    """What is just allowed is stored byte for byte."""
    answer = await strict.client.post(strict.path("events"), content=event(payload))
    stored = await strict.client.get(strict.path(f"events/{answer.json()['id']}"))
    assert b'"payload":' + payload in stored.content


async def test_nothing_refused_is_stored(strict: Customer) -> None:
    """A refused event leaves nothing behind."""
    for body in (*MALFORMED.values(), *TOO_DEEP.values(), *(body for body, _ in INVALID.values())):
        await publish(strict, body)
    assert await strict.events() == []


ADMIN_BODIES: dict[str, tuple[str, bytes, int]] = {
    "malformed": ("endpoints", b"{", 400),
    "invalid UTF-8": ("endpoints", b'{"url":"http://example.com","name":"\xff"}', 400),
    "deep": ("endpoints", b"[" * DEEP, 422),
    "deep in a field": ("endpoints", b'{"url":' + b"[" * DEEP + b"]" * DEEP + b"}", 422),
    "NUL": ("endpoints", b'{"url":"http://example.com","name":"a\\u0000"}', 422),
    "line end": ("endpoints", b'{"url":"http://example.com","name":"a\\r\\nb"}', 422),
    "null": ("endpoints", b"null", 422),
    "nothing": ("endpoints", b"", 422),
    "list": ("endpoints", b"[]", 422),
    "unknown field": ("endpoints", b'{"url":"http://example.com","event_type":["a"]}', 422),
    "number for a URL": ("endpoints", b'{"url":1}', 422),
    "long name": ("endpoints", b'{"url":"http://example.com","name":"%b"}' % (b"n" * 201), 422),
    "type that is none": ("endpoints", b'{"url":"http://example.com","event_types":["a\\n"]}', 422),
    "types that are none": ("endpoints", b'{"url":"http://example.com","event_types":"a"}', 422),
    "time-out of nothing": ("endpoints", b'{"url":"http://example.com","timeout":0}', 422),
    "endless time-out": ("endpoints", b'{"url":"http://example.com","timeout":1e999}', 422),
    "short secret": ("endpoints", b'{"url":"http://example.com","secret":"whsec_YQ=="}', 422),
    "large": ("endpoints", b'{"url":"http://example.com","name":"%b"}' % (b"n" * 2**21), 413),
    "scope of nothing": ("endpoints", b'{"url":"http://example.com","scope":{"dc":[]}}', 422),
}


@pytest.mark.parametrize(("path", "body", "status"), ADMIN_BODIES.values(), ids=ADMIN_BODIES)
async def test_administration(strict: Customer, path: str, body: bytes, status: int) -> None:
    """A bad body to register an endpoint with is refused with a problem."""
    answer = await strict.client.post(
        strict.path(path), content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2020-01-01"])
async def test_expiry_outside_of_time(strict: Customer, time: str) -> None:
    """A key's end that no calendar has is 422."""
    answer = await strict.client.post("/v1/keys", json={"permissions": ["admin"], "expires_at": time})
    assert answer.status_code == 422


async def test_another_content_type(strict: Customer) -> None:
    """A form is 415."""
    answer = await strict.client.post(strict.path("endpoints"), data={"url": "http://example.com"})
    assert answer.status_code == 415
