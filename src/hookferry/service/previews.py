"""Previews: the exact request that a contract makes of an event, before anybody is sent one."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Raw

from hookferry.clock import Clock
from hookferry.contracts import Contract
from hookferry.contracts.preview import preview
from hookferry.exchange import Request
from hookferry.service import rules
from hookferry.service.contracts import LATEST, Contracts
from hookferry.service.forms import Form, Time, millis
from hookferry.service.payloads import check_payload
from hookferry.service.publish import Change


class NewPreview(Form, frozen=True):
    """An event, as it would be published, and how to look at it."""

    sample: ClassVar[dict[str, Any]] = {"type": "order.created", "payload": {"order": 17}, "attempt": 2}

    type: Annotated[str, Meta(description="Its event type.", examples=["order.created"])]
    payload: Annotated[Raw, Meta(description="Any JSON value.")]
    occurred_at: Annotated[Time | None, Meta(description="When it happened; by default now.")] = None
    changes: Annotated[dict[str, Change] | None, Meta(description="What changed.")] = None
    scope: Annotated[dict[str, str | list[str]] | None, Meta(description="Its labels.")] = None
    attempt: Annotated[int, Meta(ge=1, description="Which attempt, from 1.")] = 1
    secret: Annotated[str | None, Meta(description="What to sign with; by default an example.")] = None
    version: Annotated[str, Meta(description="Of the contract.")] = LATEST


class Previews:
    """Previews of the deployment's contracts. `on_wire` adds the headers of the connection.

    `payload_limit` is in bytes: what cannot be published is not rendered either.
    """

    def __init__(
        self,
        contracts: Contracts,
        clock: Clock,
        on_wire: Callable[[Request], Request],
        payload_limit: int,
    ) -> None:
        self._contracts = contracts
        self._clock = clock
        self._on_wire = on_wire
        self._payload_limit = payload_limit

    def preview(self, name: str, wanted: NewPreview) -> Request:
        """Raises NotFound, TooLarge, or Invalid for what the contract cannot carry."""
        rules.check_size(bytes(wanted.payload), self._payload_limit)
        contract = self._contracts.compiled(self._contracts.text(name, wanted.version))
        return self._on_wire(previewed(contract, wanted, self._clock.now()))


def previewed(contract: Contract, wanted: NewPreview, now: int) -> Request:
    """The request that a contract makes. Raises Invalid."""
    payload = bytes(wanted.payload)
    check_payload(payload)
    changes = None if wanted.changes is None else msgspec.json.encode(wanted.changes)
    if changes is not None:
        check_payload(changes, "changes")
    return preview(
        contract,
        rules.check_event_type(wanted.type),
        payload,
        now,
        changes=changes,
        scope=rules.check_scope(wanted.scope) if wanted.scope else None,
        occurred_at=None if wanted.occurred_at is None else millis(wanted.occurred_at, "occurred_at"),
        number=wanted.attempt,
        secret=wanted.secret,
    )
