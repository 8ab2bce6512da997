"""Requests as the engine would make them."""

from hookferry.exchange import Headers, Request


def post(url: str, body: bytes = b"{}", timeout: float = 5.0, headers: Headers = ()) -> Request:
    """A delivery of a body; `timeout` in seconds."""
    return Request("POST", url, headers, (body,), timeout)
