"""What JSON may come in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.errors import Malformed
from hookferry.service.payloads import DEPTH, check_payload

TEXTS = st.text(alphabet='[]{}"\\a ', max_size=8)
VALUES = st.recursive(
    TEXTS | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=60,
)


def _nested(value: object, depth: int) -> bytes:
    for level in range(depth):
        value = [value] if level % 2 else {'"]': value}
    return json.dumps(value).encode()


@given(TEXTS)
def test_the_deepest_payload_passes(text: str) -> None:
    """Whatever its strings look like."""
    check_payload(_nested([text] * 120, DEPTH - 1))


@given(TEXTS)
def test_one_level_more_is_refused(text: str) -> None:
    """Exactly one."""
    with pytest.raises(Malformed, match="deep"):
        check_payload(_nested([text] * 120, DEPTH))


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_it_is_refused_wherever_it_stands(before: int, after: int) -> None:
    """At the beginning, in the middle or at the end of a payload."""
    deep = _nested(0, DEPTH)
    with pytest.raises(Malformed, match="deep"):
        check_payload(b'["%b",%b,"%b"]' % (b"x" * before, deep, b"x" * after))


@given(st.lists(VALUES, min_size=30, max_size=60))
def test_brackets_in_strings_do_not_count(values: list[object]) -> None:
    """Many of them in a shallow payload."""
    check_payload(json.dumps(values).encode())


def test_invalid_utf8_is_refused() -> None:
    """With the byte where it begins."""
    with pytest.raises(Malformed, match="Byte 1 "):
        check_payload(b'"\xff"')


def test_unicode_passes() -> None:
    """As it is."""
    check_payload('"héllo ☃ 😀"'.encode())
