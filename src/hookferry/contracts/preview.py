"""What a contract would send: the request for a made-up endpoint, with example ids."""

from hookferry.contracts.model import Contract
from hookferry.contracts.source import meant
from hookferry.errors import Invalid
from hookferry.exchange import Request
from hookferry.ids import IdMaker
from hookferry.model import Delivery, DeliveryStatus, Endpoint, EndpointStatus, Event, Scope, Secret

URL = "https://example.com/webhooks"
"""Where a made-up endpoint is."""

_TENANT = "example"
_CHANCE = 0x2E7A91C05D3B8F46


def preview(
    contract: Contract,
    type: str,
    payload: bytes,
    now: int,
    changes: bytes | None = None,
    scope: Scope | None = None,
    occurred_at: int | None = None,
    number: int = 1,
    secret: str | None = None,
) -> Request:
    """The request of attempt `number` (from 1) at `now`, for an event that is published then.

    Without a secret it is signed with an example. Raises Invalid, with the field, for what the contract
    cannot carry or does not know.
    """
    type = contract.canonical(type)
    known = type in contract.catalogue or type == contract.test_event[0]
    if not known and not contract.subscription.unknown_types:
        raise Invalid(
            f"There is no event type {type!r} in the catalogue; {meant(type, contract.catalogue)}",
            code="unknown_event_type",
            field="type",
        )
    if number > contract.attempts:
        raise Invalid(f"There are {contract.attempts} attempts in all.", field="attempt")
    new_id = IdMaker(lambda: now, lambda bits: _CHANCE >> (64 - bits)).new
    event = Event(
        id=new_id("evt"),
        tenant=_TENANT,
        type=type,
        payload=payload,
        occurred_at=now if occurred_at is None else occurred_at,
        created_at=now,
        changes=changes,
        scope=scope,
    )
    contract.check(event)
    endpoint = _endpoint(new_id("ep"), type, _secret(contract, secret), now)
    delivery = Delivery(
        new_id("dlv"), _TENANT, event.id, endpoint.id, type, DeliveryStatus.LEASED, number - 1, now
    )
    return contract.render(event, delivery, endpoint, number, now)


def _endpoint(id: str, type: str, secret: Secret, now: int) -> Endpoint:
    active = EndpointStatus.ACTIVE
    return Endpoint(id, _TENANT, URL, "Example", (type,), {}, (), active, (secret,), now, now)


def _secret(contract: Contract, chosen: str | None) -> Secret:
    if chosen is None:
        return Secret(example_secret(contract))
    contract.check_secret(chosen)
    return Secret(chosen)


def example_secret(contract: Contract) -> str:
    """A secret that is no secret. Raises Invalid for a contract whose secrets cannot be made up."""
    return contract.new_secret(bytes(range(contract.secrets.random)))
