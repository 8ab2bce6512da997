import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.errors import Invalid
from hookferry.service import rules


@pytest.mark.parametrize("name", ["order.created", "orders/create", "Order Created", "a:b_c-d", "x" * 128])
def test_event_type(name: str) -> None:
    """What companies call their event types is accepted."""
    assert rules.check_event_type(name) == name


@pytest.mark.parametrize(
    "name", ["", "x" * 129, "a/../b", "..", "/a", "a/", "a//b", "a\x00", "a\n", "é", "*"]
)
def test_bad_event_type(name: str) -> None:
    """Names that would not survive a URL or a header are refused."""
    with pytest.raises(Invalid):
        rules.check_event_type(name)


def test_event_types_once() -> None:
    """A type that is named twice counts once."""
    assert rules.check_event_types(["b", "a", "b"]) == ("b", "a")


def test_too_many_event_types() -> None:
    """An endpoint names at most 1,000 types."""
    with pytest.raises(Invalid):
        rules.check_event_types(f"t{number}" for number in range(1001))


def test_scope() -> None:
    """A label's value is a text or a list."""
    assert rules.check_scope({"dc_ids": ["1", "2"], "site": "x"}) == {"dc_ids": ("1", "2"), "site": ("x",)}


@pytest.mark.parametrize("scope", [{"": "x"}, {"a b": "x"}, {"a": []}, {"a": "\x00"}, {"a": "x" * 201}])
def test_bad_scope(scope: dict[str, str | list[str]]) -> None:
    """Labels have names, and values that mean something."""
    with pytest.raises(Invalid):
        rules.check_scope(scope)


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "content-type", "Content-Foo", "Connection", "TE", "Transfer-Encoding", "Expect"),
        *("Proxy-Authorization", "Accept-Encoding", "webhook-id", "Webhook-Foo", "X-Signature-256", "Cookie"),
        *("Set-Cookie", "", "a b", "a:b", "a\r\nb", "é"),
    ],
)
def test_refused_header(name: str) -> None:
    """Hop-by-hop, signature, cookie, Host and Content-* names are refused, and what is no token."""
    with pytest.raises(Invalid):
        rules.check_headers({name: "x"})


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\x00", "é", " a", "a ", "\t", "***"])
def test_refused_value(value: str) -> None:
    """A value is visible ASCII, and not what a masked one shows as."""
    with pytest.raises(Invalid):
        rules.check_headers({"X-A": value})


def test_headers() -> None:
    """Other headers are kept in order and case."""
    headers = {"User-Agent": "acme 1.0", "Authorization": "Bearer a b", "x-Empty": ""}
    assert rules.check_headers(headers) == tuple(headers.items())


def test_contracts_own_header() -> None:
    """A header that the contract sets cannot be chosen."""
    with pytest.raises(Invalid):
        rules.check_headers({"X-GitHub-Event": "x"}, {"x-github-event"})


def test_header_twice() -> None:
    """A header that differs in case only is the same."""
    with pytest.raises(Invalid):
        rules.check_headers({"X-A": "1", "x-a": "2"})


def test_too_much_of_headers() -> None:
    """Custom headers have at most 4 KiB in all."""
    with pytest.raises(Invalid):
        rules.check_headers({"X-A": "x" * 2040, "X-B": "x" * 2050})


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=5))
def test_accepted_headers_are_harmless(headers: dict[str, str]) -> None:
    """Whatever is accepted can go on the wire as it is."""
    try:
        accepted = rules.check_headers(headers)
    except Invalid:
        return
    assert all(
        name.isascii() and value.isascii() and (name + value).isprintable() for name, value in accepted
    )


@given(st.floats(allow_nan=True))
def test_timeout(timeout: float) -> None:
    """What is accepted as a time-out lies between 1 and 60 seconds."""
    try:
        accepted = rules.check_timeout(timeout)
    except Invalid:
        return
    assert accepted is not None
    assert 1 <= accepted <= 60


@given(st.floats(allow_nan=True))
def test_rate_limit(rate: float) -> None:
    """What is accepted as a rate limit lies between one in a quarter of an hour and 10,000 a second."""
    try:
        accepted = rules.check_rate_limit(rate)
    except Invalid:
        return
    assert accepted is not None
    assert 0.001 <= accepted <= 10_000


@pytest.mark.parametrize("text", [b"[]", b"1", b'"{"', b"{" * 101 + b"}" * 101, b'{"a":"\xff"}'])
def test_bad_schema(text: bytes) -> None:
    """A schema is a JSON object in UTF-8, not too deep."""
    with pytest.raises(Invalid):
        rules.check_json("schema", msgspec.Raw(text))


def test_text_without_control_characters() -> None:
    """A name may be in any language, but has no control characters."""
    with pytest.raises(Invalid):
        rules.check_text("name", "Ærø \x1b[31m")
