"""The sections of a contract file, one function each. What a file leaves out is said here."""

from collections.abc import Collection, Mapping
from functools import partial
from urllib.parse import quote

from hookferry.contracts import values
from hookferry.contracts.content import SEEN, Content, content
from hookferry.contracts.keys import FORMS, KEY_PAIRS, KEYS, NEW_KEY, SecretRules
from hookferry.contracts.placeholders import HEADER
from hookferry.contracts.request import Query
from hookferry.contracts.retry import Schedule
from hookferry.contracts.serialize import STYLES, Finish, ascii_only
from hookferry.contracts.signing import (
    ENCODINGS,
    HMACS,
    SCHEMES,
    Algorithm,
    Ed25519,
    Hmac,
    KeyPair,
    Lead,
    Signature,
    SignatureHeader,
)
from hookferry.contracts.source import Table
from hookferry.contracts.subscription import CHANGEABLE, Access, Subscription
from hookferry.contracts.template import Header, header, parse, printable
from hookferry.contracts.verdict import Rules
from hookferry.exchange import Outcome
from hookferry.model import Derivation
from hookferry.policy import Policy

_MOST_DELAYS = 100
_SIGNATURE = "{signature}"
# Ours or the endpoint's to mend; a failed lookup or certificate may mend itself.
_STOP = frozenset({Outcome.INVALID_URL, Outcome.UNREADABLE_SECRET, Outcome.UNRENDERABLE})
_DEADLINE = 90 * 86400.0


def secret(table: Table) -> tuple[SecretRules, float]:
    """How secrets look, and the overlap of a rotation in seconds."""
    form = table.take_or("form", values.word(FORMS), "text")
    rules = SecretRules(
        prefix=table.take_or("prefix", values.text, ""),
        shortest=table.take_or("shortest", values.count, 1),
        longest=table.take_or("longest", values.count, 255),
        form=form,
        giver=table.take_or("giver", values.word(("generated", "customer", "operator")), "generated"),
        required=table.take_or("required", values.flag, default=True),
        reveal=table.take_or("reveal", values.word(("always", "once", "never")), "always"),
        random=table.take_or("random", _random, NEW_KEY),
    )
    _check_lengths(table, rules)
    return rules, table.take_or("overlap", values.duration, 0.0)


def _random(value: object) -> int:
    if (count := values.count(value)) not in range(16, 65):
        raise ValueError("expected 16 to 64 bytes")
    return count


def _check_lengths(table: Table, rules: SecretRules) -> None:
    form = FORMS[rules.form]
    if rules.shortest > rules.longest:
        table.refuse(("longest",), "less than the shortest")
    if rules.giver != "generated":
        return
    if form.make is None:
        problem = f"a secret of the form {rules.form} cannot be generated; say customer or operator"
        table.refuse(("giver",), problem)
    size = form.size(bytes(rules.random))
    if not rules.shortest <= size <= rules.longest:
        key = "shortest" if size < rules.shortest else "longest"
        table.refuse((key,), f"a generated secret has {size} {form.unit}")


def subscription(table: Table) -> Subscription:
    """What a tenant may register."""
    default, minimum, maximum = table.table_or("events", _events, ((), 0, None))
    return Subscription(
        schemes=table.many("schemes", values.word(("https", "http"))),
        unknown_types=table.take_or("unknown-types", values.flag, default=True),
        default_types=default,
        minimum=minimum,
        maximum=maximum,
        unique_url=table.take_or("unique", _unique, default=False),
        mutable=frozenset(table.take_or("mutable", values.words(CHANGEABLE), CHANGEABLE)),
        drops_paused=table.take_or("paused", values.word(("hold", "drop")), "hold") == "drop",
    )


def _events(table: Table) -> tuple[tuple[str, ...], int, int | None]:
    """`empty = "all"`, or a `default` list, and how many there must be."""
    default = table.take_or("default", values.texts, ())
    if table.take_or("empty", values.word(("all",)), None) and default:
        table.refuse(("empty",), "it says all, and there is a default")
    minimum, maximum = table.take_or("minimum", values.count, 0), table.take_or("maximum", values.count, None)
    if maximum is not None and minimum > maximum:
        table.refuse(("maximum",), "less than the minimum")
    if maximum is not None and len(default) > maximum:
        table.refuse(("default",), f"{len(default)} event types; at most {maximum} are allowed")
    return default, minimum, maximum


def _unique(value: object) -> bool:
    if value != ["tenant", "url"]:
        raise ValueError('expected ["tenant", "url"]: a URL once within a tenant')
    return True


def access(table: Table) -> Access:
    """Keys and gates."""
    return Access(
        key_prefix=table.take_or("key-prefix", values.key_prefix, "hf_"),
        feature=table.take_or("feature", values.feature, None),
        docs_feature=table.take_or("docs-feature", values.feature, None),
    )


def errors(table: Table) -> dict[str, str]:
    """What the company calls errors, by our own codes."""
    return {code: table.take(code, values.text) for code in table.keys}


def derivation(table: Table) -> Derivation:
    """Events that follow from the first and the last of others."""
    types = {key: table.take(key, values.event_type) for key in ("applied", "lifted", "first", "last")}
    if len(set(types.values())) < len(types):
        table.refuse((), "applied, lifted, first and last must be four event types")
    return Derivation(
        **types, subject=table.take("subject", values.text), member=table.take("member", values.text)
    )


def finish(table: Table) -> tuple[Finish | None, bool]:
    """What is done to a rendered body, and whether it can fail."""
    style = table.take_or("style", values.word(STYLES), "raw")
    whole, fails = STYLES[style], style in ("javascript", "form")
    if not table.take_or("ascii", values.flag, default=False):
        return whole, fails
    if fails:
        table.refuse(("ascii",), f"{style} says itself what is escaped")
    return (ascii_only if whole is None else lambda body: ascii_only(whole(body))), False


def request(table: Table) -> tuple[str, Query]:
    """The method, and what is added to the URL's query."""
    method = table.take_or("method", values.word(("POST", "PUT", "PATCH")), "POST")
    return method, table.table_or("query", _query, ())


def _query(table: Table) -> Query:
    return tuple((quote(name, safe=""), table.take(name, _parameter)) for name in table.keys)


def _parameter(value: object) -> Content:
    return Content(parse(values.text(value), {*HEADER, *SEEN} - {"request.url"}))


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


def signatures(
    root: Table,
    secrets: SecretRules,
    carriers: Mapping[str, str],
    query: Query,
    taken: Collection[str],
) -> tuple[tuple[SignatureHeader, ...], Signature | None]:
    """The signatures, grouped by the header that they share, and the one that stands in the body.

    `taken` are the other headers, in lower case.
    """
    found: dict[str, SignatureHeader] = {}
    inner: Signature | None = None
    url_has_body = any(parameter.of_body for _, parameter in query)
    read = root.tables("signature", lambda table: _signature(table, secrets, carriers, url_has_body))
    for index, new in enumerate(read):
        if isinstance(new, Signature):
            if inner is not None:
                root.refuse(("signature", index), "the body holds a signature already")
            inner = new
            continue
        if new.name.lower() in taken:
            root.refuse(("signature", index, "header"), f"{new.name} stands in [headers] already")
        before = found.setdefault(new.name, _empty(new))
        if before.join != new.join or (not new.join and before.signatures):
            root.refuse(("signature", index, "join"), f'{new.name} is joined by "{before.join}" above')
        if new.lead and before.lead and new.lead.template != before.lead.template:
            root.refuse(("signature", index, "lead"), f"{new.name} begins otherwise above")
        found[new.name] = SignatureHeader(
            new.name, new.join, (*before.signatures, *new.signatures), before.lead or new.lead
        )
    return tuple(found.values()), inner


def _empty(header: SignatureHeader) -> SignatureHeader:
    return SignatureHeader(header.name, header.join, (), header.lead)


def _signature(
    table: Table, secrets: SecretRules, carriers: Mapping[str, str], url_has_body: bool
) -> SignatureHeader | Signature:
    signed = table.take("content", content)
    if table.holds("place"):
        table.take("place", values.word(("body",)))
        if signed.of_body or signed.of_url:
            problem = "a signature that stands in the body cannot sign the body, nor {request.url}"
            table.refuse(("content",), problem)
        return _kind(table, secrets, signed, newest=True)
    if not (signed.of_body or (signed.of_url and url_has_body)):
        table.refuse(("content",), "expected a text with {body} in it: it must sign what is sent")
    lead, join = table.take_or("lead", _lead, None), table.take_or("join", printable, "")
    seen = {*carriers, "endpoint.url", *(lead.fields if lead else ())}
    if unseen := sorted(signed.fields - seen):
        table.refuse(("content",), f"no header carries {{{unseen[0]}}} alone: no receiver could verify it")
    name = table.take("header", values.token)
    return SignatureHeader(name, join, (_kind(table, secrets, signed, newest=not join),), lead)


def _kind(table: Table, secrets: SecretRules, signed: Content, newest: bool) -> Signature:
    before, after = table.take_or("value", _around_signature, ("", ""))
    return Signature(
        algorithm=_algorithm(table, secrets),
        content=signed,
        encoding=ENCODINGS[table.take("encoding", values.word(ENCODINGS))],
        before=before,
        after=after,
        optional=table.take_or("optional", values.flag, default=not secrets.required),
        newest=newest,
    )


def _lead(value: object) -> Lead:
    return Lead(parse(printable(value), HEADER))


def _algorithm(table: Table, secrets: SecretRules) -> Algorithm:
    name = table.take("algorithm", values.word(("ed25519", *HMACS, *SCHEMES)))
    if name == "ed25519":
        return Ed25519()
    if name in SCHEMES:
        form, scheme = SCHEMES[name]
        if secrets.form != form:
            table.refuse(("algorithm",), f'{name} needs secrets of the form "{form}" ([secret] form)')
        return KeyPair(secrets, scheme)
    key = table.take("key", values.word(KEYS))
    if secrets.form in KEY_PAIRS:
        table.refuse(("key",), f'HMAC takes no private key ([secret] form = "{secrets.form}")')
    if key != "utf-8" and key != secrets.form:
        table.refuse(("key",), f'"{key}" needs secrets of that form ([secret] form = "{key}")')
    return Hmac(HMACS[name], KEYS[key](secrets))


def _around_signature(value: object) -> tuple[str, str]:
    before, found, after = printable(value).partition(_SIGNATURE)
    if not found or "{" in before + after or "}" in before + after:
        raise ValueError(f"expected a text with {_SIGNATURE} in it, once, and no other placeholder")
    return before, after


def rules(root: Table) -> Rules:
    """Verdicts and retries, which several sections say."""
    ceiling, throttle = root.table_or(
        "retry-after",
        lambda table: (table.take("ceiling", values.duration), _statuses(table)),
        (0.0, frozenset[int]()),
    )
    stop, stop_statuses = root.table_or("stop", _stop, (_STOP, frozenset[int]()))
    return Rules(
        success=root.table_or("success", _statuses, frozenset(range(200, 300))),
        disable=root.table_or("disable", _statuses, frozenset()),
        throttle=throttle,
        stop=stop,
        stop_statuses=stop_statuses,
        schedule=root.table("retry", lambda table: _schedule(table, ceiling)),
    )


def health(table: Table) -> Policy:
    """What follows from how an endpoint fares: a contract that promises its times may want none of it."""
    return Policy(
        breaker=table.take_or("breaker", values.flag, default=True),
        disabling=table.take_or("disabling", values.flag, default=True),
    )


def _statuses(table: Table) -> frozenset[int]:
    return frozenset(status for found in table.many("status", values.statuses) for status in found)


def _stop(table: Table) -> tuple[frozenset[Outcome], frozenset[int]]:
    outcomes = table.take_or("outcome", values.words(list(Outcome)), tuple(_STOP))
    return frozenset(map(Outcome, outcomes)), _statuses(table) if table.holds("status") else frozenset()


def _schedule(table: Table, ceiling: float) -> Schedule:
    delays = table.table("schedule", _regular) if table.holds("schedule", dict) else _listed(table)
    _check_count(table, "schedule", len(delays))
    jitter = table.take_or("jitter", values.fraction, 0.0)
    return Schedule(delays, jitter, ceiling, table.take_or("deadline", values.duration, _DEADLINE))


def _check_count(table: Table, key: str, count: int) -> None:
    if count > _MOST_DELAYS:
        table.refuse((key,), f"{count} delays; at most {_MOST_DELAYS} are allowed")


def _listed(table: Table) -> tuple[float, ...]:
    return tuple(table.take("schedule", values.durations))


def _regular(table: Table) -> tuple[float, ...]:
    """`{ every = "30m", times = 4 }`, or growing by a `factor` up to a `cap`."""
    first, times = table.take("every", values.duration), table.take("times", values.count)
    _check_count(table, "times", times)
    factor = table.take_or("factor", values.factor, 1.0)
    cap = table.take_or("cap", values.duration, float("inf"))
    return tuple(min(first * factor**step, cap) for step in range(times))


def test_event(table: Table) -> tuple[str, bytes]:
    """The type and the payload of a test event."""
    return table.take("type", values.text), table.take("payload", values.json)
