"""What a contract would send: the request for a made-up endpoint, with example ids."""

from hookferry.contracts.model import Contract
from hookferry.contracts.source import meant
from hookferry.errors import Invalid
from hookferry.ids import IdMaker
from hookferry.model import (
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointStatus,
    Event,
    Request,
    Scope,
    Secret,
)

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
    endpoint = Endpoint(
        id=new_id("ep"),
        tenant=_TENANT,
        url=URL,
        name="Example",
        event_types=(type,),
        scope={},
        headers=(),
        status=EndpointStatus.ACTIVE,
        secrets=(Secret(example_secret(contract) if secret is None else _checked(contract, secret)),),
        created_at=now,
        updated_at=now,
    )
    delivery = Delivery(
        new_id("dlv"), _TENANT, event.id, endpoint.id, type, DeliveryStatus.LEASED, number - 1, now
    )
    return contract.render(event, delivery, endpoint, number, now)


def _checked(contract: Contract, secret: str) -> str:
    contract.check_secret(secret)
    return secret


def example_secret(contract: Contract) -> str:
    """A secret that is no secret. Raises Invalid for a contract whose secrets cannot be made up."""
    return contract.new_secret(bytes(range(contract.secrets.random)))
