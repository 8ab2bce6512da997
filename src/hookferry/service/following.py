"""What an event brings with it: those that alerts make of it, and those that a contract derives. Pure.

An alert's event sets off no alert, and a derived event derives nothing more, so that there is always an end.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw

from hookferry.errors import Invalid
from hookferry.ids import IdMaker
from hookferry.model import Alert, Derivation, Endpoint, Event, Scope
from hookferry.service.rules import check_text
from hookferry.store.directory import Directory
from hookferry.store.values import Membership
from hookferry.times import iso

ALERT_TYPE = "status.alert"
"""The type of the events that alerts make."""


class Follower(NamedTuple):
    """An event that is stored with another one, for which endpoints, and on which change of a set."""

    event: Event
    endpoints: list[Endpoint]
    on: Membership | None = None
    followers: "Sequence[Follower]" = ()

    @property
    def deliveries(self) -> int:
        """How many it makes at most, with its own followers."""
        return len(self.endpoints) + sum(one.deliveries for one in self.followers)


class AlertAbout(msgspec.Struct, frozen=True):
    """The alert, as its event's payload shows it."""

    id: str
    name: str
    message: str


class AlertCause(msgspec.Struct, frozen=True):
    """The event that set it off. `occurred_at` is ISO 8601."""

    id: str
    type: str
    occurred_at: str


class AlertPayload(msgspec.Struct, frozen=True):
    """The payload of an alert's event. `payload` is the other event's, byte for byte."""

    alert: AlertAbout
    event: AlertCause
    scope: Scope
    payload: Raw


def followers_of(
    event: Event, derivations: Sequence[Derivation], told: Directory | None, ids: IdMaker
) -> list[Follower]:
    """What is stored with an event. Raises Invalid with the field that a derivation misses in its payload.

    Without `told` nobody is: sets go on, and what is derived goes nowhere.
    """
    found = _alerts(event, told, ids)
    for rule in derivations:
        if event.type in (rule.applied, rule.lifted):
            derived = _derived(event, rule, ids)
            endpoints = told.match(event.tenant, derived.type, derived.scope) if told else []
            found.append(Follower(derived, endpoints, _membership(event, rule), _alerts(derived, told, ids)))
    return found


def _alerts(event: Event, told: Directory | None, ids: IdMaker) -> list[Follower]:
    if told is None or event.type == ALERT_TYPE:
        return []
    return [
        Follower(_alert_event(alert, event, ids), told.named(alert))
        for alert in told.alerted(event.tenant, event.type, event.scope)
    ]


def _alert_event(alert: Alert, cause: Event, ids: IdMaker) -> Event:
    payload = AlertPayload(
        AlertAbout(alert.id, alert.name, alert.message),
        AlertCause(cause.id, cause.type, iso(cause.occurred_at)),
        cause.scope or {},
        Raw(cause.payload or b"null"),
    )
    return _follow(cause, ALERT_TYPE, msgspec.json.encode(payload), ids)


def _derived(event: Event, rule: Derivation, ids: IdMaker) -> Event:
    return _follow(event, rule.first if event.type == rule.applied else rule.last, event.payload, ids)


def _follow(event: Event, type: str, payload: bytes | None, ids: IdMaker) -> Event:
    """An event of the same moment and scope. What changed stays with the one that said it."""
    return Event(
        ids.new("evt"), event.tenant, type, payload, event.occurred_at, event.created_at, scope=event.scope
    )


def _membership(event: Event, rule: Derivation) -> Membership:
    try:
        fields = msgspec.json.decode(event.payload or b"", type=dict[str, Raw])
    except msgspec.ValidationError:
        raise Invalid(
            f"The payload of {event.type!r} is an object with the field {rule.subject!r}.", field="payload"
        ) from None
    subject, member = (_text(event, fields, name) for name in (rule.subject, rule.member))
    # The rule's name is what it derives: a later version of the contract goes on with the same sets.
    return Membership(rule.first, subject, member, event.type == rule.applied)


def _text(event: Event, fields: dict[str, Raw], name: str) -> str:
    """A field that identifies something, as text: 7 and "7" are the same one."""
    field = f"payload.{name}"
    try:
        text = str(msgspec.json.decode(fields[name], type=str | int))
    except (KeyError, msgspec.ValidationError):
        text = ""
    if not text:
        raise Invalid(
            f"The payload of {event.type!r} needs the field {name!r}: a text or a whole number.", field=field
        )
    return check_text(field, text)
