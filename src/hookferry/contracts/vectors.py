"""Golden vectors: what stands beside a contract file and must come out of it byte for byte."""

from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from hookferry.contracts import values
from hookferry.contracts.model import Contract
from hookferry.contracts.source import Table, read_file
from hookferry.errors import Invalid
from hookferry.exchange import Headers, Request
from hookferry.model import Delivery, DeliveryStatus, Endpoint, EndpointStatus, Event, Scope, Secret

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def check(contract: Contract, text: str, file: str) -> None:
    """Check a contract against its vectors. Raises ContractError, with its line, for the first that differs.

    A `[[request]]` is rendered and must have just these headers and this body. A `[[message]]` was signed
    by somebody else and must verify.
    """

    def build(root: Table) -> None:
        root.tables("request", lambda table: _check_request(contract, table))
        root.tables("message", lambda table: _check_message(contract, table))

    read_file(text, file, build)


def _check_request(contract: Contract, table: Table) -> None:
    now, number = table.take("time", _time), table.take_or("attempt", values.count, 1)
    event, endpoint = table.table("event", _event), _endpoint(table)
    delivery = _delivery(event, endpoint, table.take_or("delivery", values.text, "dlv_1"))
    url = table.take_or("request-url", values.text, endpoint.url)
    body, headers = table.take("body", _bytes), table.table("headers", _headers)
    try:
        request = contract.render(event, delivery, endpoint, number, now)
        if contract.random and endpoint.secrets:
            _check_random(contract, request, headers, endpoint, now)
            headers = request.headers
    except Invalid as error:
        table.refuse((), error.message)
    if request.body != body:
        table.refuse(("body",), f"the contract renders {request.body.decode()}")
    if request.headers != headers:
        first = _differing(headers, request.headers)
        table.refuse(("headers",), f"the contract renders {dict(request.headers)}; {first} differs")
    if request.url != url:
        table.refuse(("request-url",), f"the contract calls {request.url}")


def _differing(golden: Headers, rendered: Headers) -> str:
    """The name of the first header that is not the golden one."""
    pairs = zip_longest(golden, rendered, fillvalue=("", ""))
    return next(ours[0] or wanted[0] for wanted, ours in pairs if ours != wanted)


def _check_random(
    contract: Contract, request: Request, golden: Headers, endpoint: Endpoint, now: int
) -> None:
    """ECDSA gives another signature each time: all else is compared, both signatures verified."""
    if _unsigned(contract, request.headers) != _unsigned(contract, golden):
        raise Invalid(f"the contract renders {dict(request.headers)}")
    key = contract.public_key(endpoint.secrets[0].value) or ""
    for headers in (golden, request.headers):
        contract.verify(dict(headers), request.body, [key], now, url=request.url)


def _unsigned(contract: Contract, headers: Headers) -> Headers:
    signed = {header.name for header in contract.signatures}
    return tuple((name, "" if name in signed else value) for name, value in headers)


def _check_message(contract: Contract, table: Table) -> None:
    now, keys = table.take("time", _time), table.many("keys", values.text)
    body, headers = table.take("body", _bytes), table.table("headers", _headers)
    url = table.take_or("url", values.text, "")
    try:
        contract.verify(dict(headers), body, keys, now, url=url)
    except Invalid as error:
        table.refuse((), error.message)


def _event(table: Table) -> Event:
    id, type, time = table.take("id", values.text), table.take("type", values.text), table.take("time", _time)
    changes, scope = table.take_or("changes", values.json, None), table.take_or("scope", _scope, None)
    return Event(id, "vector", type, table.take("payload", values.json), time, time, changes, scope)


def _scope(value: object) -> Scope:
    if not isinstance(value, dict):
        raise ValueError("expected labels and their values")
    return {label: values.texts(found) for label, found in value.items()}


def _endpoint(table: Table) -> Endpoint:
    secrets = tuple(Secret(text) for text in table.take_or("secrets", values.texts, ()))
    ed25519 = table.take_or("ed25519", lambda value: Secret(values.text(value)), None)
    url = table.take_or("url", values.text, "https://host.test/")
    name = table.take_or("name", values.text, "")
    active = EndpointStatus.ACTIVE
    return Endpoint("ep_1", "vector", url, name, (), {}, (), active, secrets, 0, 0, ed25519=ed25519)


def _delivery(event: Event, endpoint: Endpoint, id: str) -> Delivery:
    return Delivery(
        id, "vector", event.id, endpoint.id, event.type, DeliveryStatus.LEASED, 0, event.created_at
    )


def _headers(table: Table) -> Headers:
    return tuple((name, table.take(name, values.text)) for name in table.keys)


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    return value.encode()


def _time(value: object) -> int:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("expected a date and time with its zone, such as 2026-02-03T04:05:06.007Z")
    return (value - _EPOCH) // timedelta(milliseconds=1)
