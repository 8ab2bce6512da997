"""URLs: one strict reading, one canonical form (FAULTS "Egress guard")."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.errors import Invalid
from hookferry.urls import LONGEST, parse

REFUSED = [
    "",
    "http://127.1/",
    "http://0177.0.0.1/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://0/",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://127.0.0.1../",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://１２７.１/",
    "http://127。1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://user:pw@host/",
    "http://host@127.0.0.1/",
    "http://127.0.0.1\\@host/",
    "http://127.0.0.1#@host/",
    "http://host/#top",
    "http://host/#",
    "http://[::1]foo/",
    "http://[[::1]]/",
    "http://[::1/",
    "http://[]/",
    "http://[v1.x]/",
    "http://[127.0.0.1]/",
    "http://::1/",
    "http://host:0/",
    "http://host:65536/",
    "http://host:-1/",
    "http://host:+80/",
    "http://host:/",
    "http://host:8 0/",
    "http://host:８０/",
    "http://host:80:80/",
    "ftp://host/",
    "file:///etc/passwd",
    "gopher://host/",
    "javascript:alert(1)",
    "//host/",
    "host",
    "http:///127.0.0.1/",
    "http:127.0.0.1",
    "http:/host/",
    "http://",
    "http://?x",
    "http://./",
    " http://host/",
    "http://host/ ",
    "http://ho\tst/",
    "http://host/\r\nX: y",
    "http://host/\x00",
    "http://host/\x7f",
    "http://host/\x85",
    "http://host/\u2028",
    "http://host/\u3000",
    "http://ho%73t/",
    "http://a..b/",
    "http://.a/",
    "http://-a.b/",
    "http://a-.b/",
    "http://a,b/",
    "http://a／b.c/",
    "http://a＠b.c/",
    "http://☃.net/",
    "http://a\u200cb.c/",
    "http://אa.example/",
    "http://\u0301a.example/",
    f"http://{'ü' * 60}.de/",
    "http://a\u200db.c/",
    "http://\u1e9e.de/",
    f"http://{'a' * 64}.de/",
    f"http://{'a.' * 127}de/",
    f"http://host/{'a' * 65536}",
    "http://host/%zz",
    "http://host/%4",
    "http://host/\ud800",
]


@pytest.mark.parametrize("url", REFUSED)
def test_hostile_urls_are_refused(url: str) -> None:
    """A URL that two readers could take for two things is Invalid, with its code and field."""
    with pytest.raises(Invalid) as caught:
        parse(url)
    assert (caught.value.code, caught.value.field) == ("invalid_url", "url")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM:443/Path?Query", "https://example.com/Path?Query"),
        ("http://example.com:80/", "http://example.com/"),
        ("http://example.com:0080/", "http://example.com/"),
        ("http://example.com:8080", "http://example.com:8080/"),
        ("http://example.com./x", "http://example.com/x"),
        ("http://example.com?a=1", "http://example.com/?a=1"),
        ("http://localhost:3000/hook", "http://localhost:3000/hook"),
        ("http://my_service/", "http://my_service/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
        ("http://faß.de/", "http://xn--fa-hia.de/"),
        ("http://βόλος.com/", "http://xn--nxasmm1c.com/"),
        ("http://my_service.bücher。example/", "http://my_service.xn--bcher-kva.example/"),
        ("http://пример.рф/", "http://xn--e1afmkfd.xn--p1ai/"),
        ("http://例え.テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://[2606:4700:0:0::1]:8443/", "http://[2606:4700::1]:8443/"),
        ("https://[::1]", "https://[::1]/"),
        ("http://example.com/ü?q=☃", "http://example.com/%C3%BC?q=%E2%98%83"),
        ("http://example.com/a%2fb/../c", "http://example.com/a%2fb/../c"),
        ('http://example.com/"<>^`{|}', "http://example.com/%22%3C%3E%5E%60%7B%7C%7D"),
        ("http://example.com/?a[]=1", "http://example.com/?a[]=1"),
        ("http://example.com/a?b?c/d@e:f", "http://example.com/a?b?c/d@e:f"),
    ],
)
def test_canonical_form(url: str, text: str) -> None:
    """Case, default ports, a trailing dot and what HTTP does not allow have one form; the path stays."""
    assert parse(url).text == text


def test_parts() -> None:
    """Host, port, Host header and request target are apart."""
    url = parse("https://[2606:4700::1]:8443/a?b")
    assert (url.host, url.port, url.authority, url.target) == (
        "2606:4700::1",
        8443,
        "[2606:4700::1]:8443",
        "/a?b",
    )


def test_schemes_of_the_caller() -> None:
    """A contract that allows https only refuses http, and says so."""
    with pytest.raises(Invalid, match="must begin with https://"):
        parse("http://example.com/", schemes=("https",))


def test_longest() -> None:
    """A URL of exactly the limit is read."""
    url = "http://example.com/"
    assert len(parse(url + "a" * (LONGEST - len(url))).text) == LONGEST


_PIECES = [
    *("http", "https", ":", "/", "//", "://", "@", "[", "]", "::1", "127.0.0.1", "0x", "1", ".", "%", "%25"),
    *("a", "example.com", "xn--", "?", "#", "\\", "é", "ß", "。", "１", "\u200d", "\ud800", " ", "443", "-"),
]
_NEAR_URLS = st.builds("".join, st.lists(st.sampled_from(_PIECES), max_size=12))


@given(st.one_of(st.text(max_size=80), _NEAR_URLS, st.builds("http://{}".format, _NEAR_URLS)))
def test_any_text_is_read_or_invalid(text: str) -> None:
    """Reading raises Invalid and nothing else, and the canonical form is a fixed point."""
    try:
        url = parse(text)
    except Invalid:
        return
    assert parse(url.text) == url


@given(st.builds("http://example.com/{}".format, st.text(max_size=40)))
def test_canonical_text_fits_a_request_line(text: str) -> None:
    """No text that is accepted can break out of the request line."""
    try:
        url = parse(text)
    except Invalid:
        return
    assert re.fullmatch("[!-~]+", url.text)
