"""What is done to a rendered body: compact, ASCII alone, forms."""

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hookferry.contracts.serialize import STYLES, ascii_only
from hookferry.errors import Invalid
from hookferry.service.payloads import DEPTH
from tests.contracts.examples import event, file, made, refusal, render

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FORM = '[serializer]\nstyle = "form"\n'


def body(style: str, payload: bytes, template: str = '"{payload}"') -> bytes:
    return render(made(f"[serializer]\n{style}", body=template), event(payload)).body


@given(value=JSON, style=st.sampled_from(["raw", "compact"]))
def test_ascii(value: object, style: str) -> None:
    """With `ascii` the body has nothing else in it, and reads as it did."""
    text = json.dumps(value, ensure_ascii=False).encode()

    written = body(f'style = "{style}"\nascii = true', text)

    assert written.isascii()
    assert json.loads(written) == value


@given(value=JSON)
def test_ascii_is_that_of_others(value: object) -> None:
    """The escapes are those that Python's own JSON writes, but for DEL: it is ASCII and stays."""
    text = json.dumps(value, ensure_ascii=False)
    assume("\x7f" not in text)

    assert ascii_only(text.encode()) == json.dumps(value).encode()


def test_ascii_of_a_pair() -> None:
    """What is beyond 16 bits is escaped in two halves (RFC 8259, section 7)."""
    assert ascii_only('"é😀"'.encode()) == b'"\\u00e9\\ud83d\\ude00"'


@given(value=JSON, indent=st.sampled_from([None, 1, 4]))
def test_compact(value: object, indent: int | None) -> None:
    """`compact` takes out every blank between values, and nothing else."""
    text = json.dumps(value, indent=indent).encode()

    assert body('style = "compact"', text) == json.dumps(value, separators=(",", ":")).encode()


def test_compact_keeps_numbers() -> None:
    """`compact` leaves numbers and texts as they are written."""
    assert body('style = "compact"', b'{ "a" : 1.50 , "b" : "\\u00e9 x" }') == b'{"a":1.50,"b":"\\u00e9 x"}'


def test_raw() -> None:
    """`raw`, which is the default, leaves every byte."""
    assert body("", b' { "a" : 1.50 }') == b' { "a" : 1.50 }'


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"a":"x y","b":"\\u00e9&="}', b"a=x+y&b=%C3%A9%26%3D"),
        (b'{"n":1.50,"t":true,"z":null}', b"n=1.50&t=true&z=null"),
        (b'{"o":{"x": 1},"l":[1,2]}', b"o=%7B%22x%22%3A+1%7D&l=%5B1%2C2%5D"),
        (b'{"":""}', b"="),
        (b"{}", b""),
    ],
)
def test_form(payload: bytes, expected: bytes) -> None:
    """Members become fields: texts as they are, all else as its JSON."""
    assert body('style = "form"', payload) == expected


@given(fields=st.dictionaries(st.text(), st.text(), max_size=5))
def test_form_is_that_of_others(fields: dict[str, str]) -> None:
    """The standard library reads the fields back."""
    written = body('style = "form"', json.dumps(fields).encode())

    assert dict(parse_qsl(written.decode(), keep_blank_values=True)) == fields


def test_payload_in_a_field() -> None:
    """A body of one key with the payload is a form with the JSON in one field."""
    assert body('style = "form"', b'{"a":1}', '{ payload = "{payload}" }') == b"payload=%7B%22a%22%3A1%7D"


@pytest.mark.parametrize("payload", [b"[]", b"1", b'"x"'])
def test_no_form(payload: bytes) -> None:
    """What cannot be a form is refused at publish, by its field."""
    with pytest.raises(Invalid) as refused:
        made(FORM, body='"{payload}"').check(event(payload))

    assert refused.value.field == "payload"


def test_javascript() -> None:
    """`javascript` writes numbers as JavaScript does."""
    assert body('style = "javascript"', b'{"a": 1.50, "b": 0.0}') == b'{"a":1.5,"b":0}'


def test_javascript_names_the_field() -> None:
    """What JavaScript would change is refused at publish, by its place in the payload."""
    with pytest.raises(Invalid) as refused:
        made('[serializer]\nstyle = "javascript"\n').check(event(b'{"items":[9007199254740993]}'))

    assert refused.value.field == "payload.items[0]"


def test_javascript_of_changes() -> None:
    """What changed is looked at too."""
    with pytest.raises(Invalid) as refused:
        made('[serializer]\nstyle = "javascript"\n').check(event(changes=b'{"n":9007199254740993}'))

    assert refused.value.field == "changes.n"


@pytest.mark.parametrize("style", sorted(STYLES))
def test_deepest_payload(style: str) -> None:
    """A payload as deep as any that publish takes is carried."""
    contract = made(f'[serializer]\nstyle = "{style}"\n', body='{ data = { inner = "{payload}" } }')
    deep = event(b"[" * DEPTH + b"]" * DEPTH)
    contract.check(deep)

    assert len(render(contract, deep).body) > 2 * DEPTH


@pytest.mark.parametrize("style", ["javascript", "form"])
def test_ascii_of_others(style: str) -> None:
    """`ascii` is refused beside a style that says itself what is escaped."""
    text = file(f'[serializer]\nstyle = "{style}"\nascii = true\n')

    assert refusal(text).endswith(f"serializer.ascii: {style} says itself what is escaped")
