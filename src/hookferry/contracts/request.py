"""The URL that is called: the endpoint's own, and what a contract adds to its query."""

from urllib.parse import parse_qsl, quote, unquote

from hookferry.contracts.content import Content, Sent
from hookferry.contracts.placeholders import Facts
from hookferry.errors import Invalid

Query = tuple[tuple[str, Content], ...]
"""Names, quoted, and values of query parameters."""


def url_with(query: Query, facts: Facts, sent: Sent) -> str:
    """The URL text as stored, with the parameters behind it: nothing of it is ever normalised."""
    url, mark, fragment = sent.url.partition("#")
    for name, value in query:
        text = quote(b"".join(value.of(facts, sent)), safe="")
        url += f"{'&' if '?' in url else '?'}{name}={text}"
    return url + mark + fragment


def check_url(query: Query, sent: Sent) -> None:
    """Raises Invalid if a URL that was called lacks what a receiver can tell of the query: the body's hash.

    Ours is the last of a name: the endpoint's own URL may have one too.
    """
    given = dict(parse_qsl(sent.url.partition("#")[0].partition("?")[2], keep_blank_values=True))
    for name, value in query:
        if not value.fields and given.get(unquote(name), "") != value.fill({}, sent).decode():
            raise Invalid(f"the URL's {unquote(name)} does not match", field=unquote(name))
