"""The URL that is called: the endpoint's own, and what a contract adds to its query."""

from urllib.parse import quote

from hookferry.contracts.content import Content, Sent
from hookferry.contracts.placeholders import Facts

Query = tuple[tuple[str, Content], ...]
"""Names, quoted, and values of query parameters."""


def url_with(query: Query, facts: Facts, sent: Sent) -> str:
    """The URL text as stored, with the parameters behind it: nothing of it is ever normalised."""
    url, mark, fragment = sent.url.partition("#")
    for name, value in query:
        text = quote(value.of(facts, sent).decode(), safe="")
        url += f"{'&' if '?' in url else '?'}{name}={text}"
    return url + mark + fragment
