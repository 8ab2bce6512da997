"""The body's template, rendered."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts import builtin
from hookferry.errors import Invalid
from tests.contracts.examples import endpoint, event, render, with_body

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(payload=JSON, indent=st.sampled_from([None, 1, 4]), type=st.text(min_size=1))
def test_payload_stays_byte_for_byte(payload: object, indent: int | None, type: str) -> None:
    """Whatever the payload and its blanks, its bytes stand unchanged at the end of the body."""
    data = json.dumps(payload, indent=indent).encode()

    body = render(builtin("standard"), event(data, type)).body

    assert body.endswith(b',"data":' + data + b"}")


@given(type=st.text(min_size=1))
def test_text_survives(type: str) -> None:
    """Any event type reads back from the body as it was."""
    assert msgspec.json.decode(render(builtin("standard"), event(type=type)).body)["type"] == type


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('n = "{attempt.number}"', b'{"n":3}'),
        ('left = "{attempt.remaining}"', b'{"left":7}'),
        ('data = "{payload}"', b'{"data":{"total":12}}'),
        ('text = "try {attempt.number} of {event.type}"', b'{"text":"try 3 of order.created"}'),
        ('sent = "{attempt.time:iso-ms}"', b'{"sent":"2026-02-03T04:05:06.789Z"}'),
        ('at = "{event.time:unix}"', b'{"at":1770091506}'),
        ('ids = { event = "{event.id}", delivery = "{delivery.id}" }',
         b'{"ids":{"event":"evt_1","delivery":"dlv_1"}}'),
        ("version = 2\nbeta = true\nratio = 0.5\nempty = ''",
         b'{"version":2,"beta":true,"ratio":0.5,"empty":""}'),
        ('"a\\"b" = "100 %"', b'{"a\\"b":"100 %"}'),
        ('changes = "{changes?}"', b"{}"),
        ('changes = "{changes}"', b'{"changes":null}'),
        ('a = 1\nchanges = "{changes?}"\nb = 2', b'{"a":1,"b":2}'),
    ],
)  # fmt: skip
def test_values(lines: str, expected: bytes) -> None:
    """A value that is one placeholder keeps its JSON type; others are texts, literals or objects."""
    assert render(with_body(lines), number=3).body == expected


def test_optional_value_that_is_there() -> None:
    """An optional key is there when its value is."""
    contract = with_body('changes = "{changes?}"')

    assert render(contract, event(changes=b'{"a": 1}')).body == b'{"changes":{"a": 1}}'


def test_payload_that_is_gone() -> None:
    """An event whose payload retention has taken cannot be rendered."""
    with pytest.raises(Invalid, match="retention"):
        render(builtin("standard"), event(None))


@pytest.mark.parametrize("time", [-(10**14), 10**15, 10**30])
def test_impossible_time(time: int) -> None:
    """A time that has no four-digit year cannot be rendered."""
    contract = with_body('sent = "{attempt.time:iso-ms}"')

    with pytest.raises(Invalid, match="9999"):
        render(contract, to=endpoint(), now=time)
