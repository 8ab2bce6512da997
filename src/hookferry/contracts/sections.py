"""The sections of a contract file, one function each."""

from collections.abc import Mapping
from functools import partial

from hookferry.contracts import values
from hookferry.contracts.keys import KEYS, SecretRules
from hookferry.contracts.retry import Schedule
from hookferry.contracts.serialize import STYLES, Serializer
from hookferry.contracts.signing import ENCODINGS, Algorithm, Ed25519, HmacSha256, Signature, SignatureHeader
from hookferry.contracts.source import Table
from hookferry.contracts.template import Header, content, header
from hookferry.contracts.verdict import Rules
from hookferry.model import Outcome

_MOST_DELAYS = 100
_SIGNATURE = "{signature}"


def secret(table: Table) -> tuple[SecretRules, float]:
    """How secrets look, and the overlap of a rotation in seconds."""
    prefix = table.take("prefix", values.text)
    shortest, longest = table.take("shortest", values.count), table.take("longest", values.count)
    return SecretRules(prefix, shortest, longest), table.take("overlap", values.duration)


def subscription(table: Table) -> tuple[tuple[str, ...], bool]:
    """The schemes that a URL may have, and whether types outside the catalogue are accepted."""
    schemes = table.many("schemes", values.word(("https", "http")))
    return schemes, table.take("unknown-types", values.flag)


def serializer(table: Table) -> Serializer:
    """The function of a named style."""
    return STYLES[table.take("style", values.word(STYLES))]


def headers(table: Table) -> tuple[Header, ...]:
    """The headers in their order."""
    found: dict[str, Header] = {}
    for name in table.keys:
        read = table.take(name, partial(_header, name))
        if name.lower() in found:
            table.refuse((name,), "the header is there already")
        found[name.lower()] = read
    return tuple(found.values())


def _header(name: str, value: object) -> Header:
    return header(values.token(name), value)


def signatures(root: Table, secrets: SecretRules, carriers: Mapping[str, str]) -> tuple[SignatureHeader, ...]:
    """The signatures, grouped by the header that they share."""
    found: dict[str, SignatureHeader] = {}
    read = root.tables("signature", lambda table: _signature(table, secrets, carriers))
    for index, (name, join, signature) in enumerate(read):
        before = found.get(name, SignatureHeader(name, join, ()))
        if before.join != join:
            root.refuse(("signature", index, "join"), f'{name} is joined by "{before.join}" above')
        found[name] = SignatureHeader(name, join, (*before.signatures, signature))
    return tuple(found.values())


def _signature(table: Table, secrets: SecretRules, carriers: Mapping[str, str]) -> tuple[str, str, Signature]:
    signed = table.take("content", content)
    unseen = sorted(signed.fields.difference(carriers))
    if unseen:
        table.refuse(("content",), f"no header carries {{{unseen[0]}}} alone: no receiver could verify it")
    before, after = table.take("value", _around_signature)
    signature = Signature(
        algorithm=_algorithm(table, secrets),
        content=signed,
        encoding=ENCODINGS[table.take("encoding", values.word(ENCODINGS))],
        before=before,
        after=after,
        optional=table.take_or("optional", values.flag, default=False),
    )
    return table.take("header", values.token), table.take("join", values.text), signature


def _algorithm(table: Table, secrets: SecretRules) -> Algorithm:
    name = table.take("algorithm", values.word(("hmac-sha256", "ed25519")))
    if name == "ed25519":
        return Ed25519()
    return HmacSha256(KEYS[table.take("key", values.word(KEYS))](secrets))


def _around_signature(value: object) -> tuple[str, str]:
    before, found, after = values.text(value).partition(_SIGNATURE)
    if not found or "{" in before + after or "}" in before + after:
        raise ValueError(f"expected a text with {_SIGNATURE} in it, once, and no other placeholder")
    return before, after


def rules(root: Table) -> Rules:
    """Verdicts and retries, which several sections say."""
    ceiling, throttle = root.table(
        "retry-after", lambda table: (table.take("ceiling", values.duration), _statuses(table))
    )
    return Rules(
        success=root.table("success", _statuses),
        disable=root.table("disable", _statuses),
        throttle=throttle,
        stop=root.table("stop", _outcomes),
        schedule=root.table("retry", lambda table: _schedule(table, ceiling)),
    )


def _statuses(table: Table) -> frozenset[int]:
    return frozenset(status for found in table.many("status", values.statuses) for status in found)


def _outcomes(table: Table) -> frozenset[Outcome]:
    return frozenset(Outcome(found) for found in table.many("outcome", values.word(list(Outcome))))


def _schedule(table: Table, ceiling: float) -> Schedule:
    delays = table.many("schedule", values.duration)
    if len(delays) > _MOST_DELAYS:
        table.refuse(("schedule",), f"{len(delays)} delays; at most {_MOST_DELAYS} are allowed")
    jitter, deadline = table.take("jitter", values.fraction), table.take("deadline", values.duration)
    return Schedule(delays, jitter, ceiling, deadline)


def test_event(table: Table) -> tuple[str, bytes]:
    """The type and the payload of a test event."""
    return table.take("type", values.text), table.take("payload", values.json)
