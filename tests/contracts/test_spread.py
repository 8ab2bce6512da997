"""The payload's own members among those of the body."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.errors import Invalid
from tests.contracts.examples import event, file, made, refusal, render

OBJECTS = st.dictionaries(st.text(), st.none() | st.integers(-(2**53), 2**53) | st.text(), max_size=5)


def body(template: str, payload: bytes) -> bytes:
    return render(made(body=template), event(payload)).body


@pytest.mark.parametrize(
    ("template", "payload", "expected"),
    [
        ('{ id = 1, "..." = "{payload}" }', b'{"a": 2}', b'{"id":1,"a":2}'),
        ('{ "..." = "{payload}", id = 1 }', b'{"a":2}', b'{"a":2,"id":1}'),
        ('{ a = 1, "..." = "{payload}", z = 2 }', b'{"b":3,"c":4}', b'{"a":1,"b":3,"c":4,"z":2}'),
        ('{ id = 1, "..." = "{payload}" }', b'{"id":2,"a":3}', b'{"id":1,"a":3}'),
        ('{ "id?" = 1, "..." = "{payload}" }', b'{"a":3,"id":2}', b'{"id":2,"a":3}'),
        ('{ "id?" = 1, "..." = "{payload}" }', b'{"a":3}', b'{"id":1,"a":3}'),
        ('{ "id?" = 1, "..." = "{payload}" }', b'{"id":null}', b'{"id":null}'),
        ('{ id = 1, "..." = "{payload}" }', b'{"a":1,"b":2,"a":3}', b'{"id":1,"a":3,"b":2}'),
        ('{ id = 1, "..." = "{payload}" }', b'{"\\u0069d":2,"\\u00e9":3}', '{"id":1,"é":3}'.encode()),
        ('{ "é?" = 1, "..." = "{payload}" }', b'{"\\u00e9":3}', '{"é":3}'.encode()),
        ('{ id = 1, "..." = "{payload}" }', b"{}", b'{"id":1}'),
        ('{ "..." = "{payload}" }', b" { } ", b"{}"),
        ('{ id = 1, "..." = "{payload}" }', b'{"...":2}', b'{"id":1,"...":2}'),
        ('{ "..." = "{payload}" }', b'{"n": 1.50, "o": {"x": [ 1 ]}}', b'{"n":1.50,"o":{"x": [ 1 ]}}'),
        ('{ changes = "{changes?}", "..." = "{payload}" }', b'{"a":1}', b'{"a":1}'),
        ('{ changes = "{changes?}", "..." = "{payload}" }', b'{"changes":1}', b"{}"),
        ('{ data = { "..." = "{payload}", v = 2 } }', b'{"a":1}', b'{"data":{"a":1,"v":2}}'),
        ('[{ "..." = "{payload}", v = 2 }]', b'{"a":1}', b'[{"a":1,"v":2}]'),
    ],
)
def test_spread(template: str, payload: bytes, expected: bytes) -> None:
    """The body's keys win; a key with `?` gives way; of repeated keys the last counts."""
    assert body(template, payload) == expected


@pytest.mark.parametrize("payload", [b"[]", b"1", b'"x"', b"null", b'[{"a":1}]'])
def test_payload_that_is_no_object(payload: bytes) -> None:
    """A payload that is no object is refused at publish, by its field."""
    with pytest.raises(Invalid) as refused:
        made(body='{ "..." = "{payload}" }').check(event(payload))

    assert refused.value.field == "payload"


@given(payload=OBJECTS, indent=st.sampled_from([None, 2]), ascii=st.booleans())
def test_any_object(payload: dict[str, object], indent: int | None, ascii: bool) -> None:
    """Whatever the payload's members, they are all there, and the body's keys win."""
    text = json.dumps(payload, indent=indent, ensure_ascii=ascii).encode()

    spread = body('{ id = 1, "type?" = 2, "..." = "{payload}" }', text)

    assert json.loads(spread) == {"type": 2} | payload | {"id": 1}


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ('{ "..." = "{changes}" }', 'body....: expected "{payload}": only the payload\'s own members'),
        ('{ "..." = { a = 1 } }', 'body....: expected "{payload}": only the payload\'s own members'),
        ('{ "id?" = 1 }', "body: a key with `?` gives way to the payload's own, and there is no"),
        ('{ id = 1, "id?" = 2, "..." = "{payload}" }', "body: a key stands there twice"),
        ('{ x = { "id?" = 1 } }', "body.x: a key with `?` gives way to the payload's own, and there is no"),
        ('[{ "id?" = 1 }]', "body: a key with `?` gives way to the payload's own, and there is no"),
    ],
)
def test_refusals(template: str, problem: str) -> None:
    """A spread of something else, or a key that gives way to nothing, is refused with its line."""
    assert refusal(file(body=template)).startswith(f"acme.toml:3: {problem}")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"{payload}"', b'{ "total": 12 }'),
        ('["{payload}"]', b'[{ "total": 12 }]'),
        ('["{changes?}", 1, [true, "{event.id}"]]', b'[1,[true,"evt_1"]]'),
        ('"It is {event.type}."', b'"It is order.created."'),
        ('"got {payload}"', b'"got { \\"total\\": 12 }"'),
        ('{ x = "{changes}", y = "was {changes}" }', b'{"x":null,"y":"was null"}'),
        ("{}", b"{}"),
        ("[]", b"[]"),
    ],
)
def test_whole_bodies(template: str, expected: bytes) -> None:
    """A body is a table, an array or a text; what is optional and missing leaves no gap."""
    assert body(template, b'{ "total": 12 }') == expected
