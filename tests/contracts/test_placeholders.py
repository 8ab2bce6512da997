"""Each placeholder's value: ids and their shapes, times and their forms, names, labels."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts.placeholders import PLACEHOLDERS
from hookferry.errors import Invalid
from tests.contracts.examples import NOW, endpoint, event, file, made, refusal, render

WHEN = {"event.time": NOW - 782, "delivery.time": NOW, "attempt.time": NOW + 60_000}
IDS = {"event.id": "evt_1", "delivery.id": "dlv_1", "endpoint.id": "ep_1", "attempt.id": "dlv_1.3"}
TYPE = """
[[event-type]]
name = "order.created"
title = "Order created"
names = { api = "OrderCreated" }
"""


def value_of(placeholder: str, more: str = "", number: int = 3, **given: object) -> object:
    contract = made(more, body=f'{{ x = "{{{placeholder}}}" }}', retry='schedule = ["1s", "1s", "1s", "1s"]')
    of, to = given.get("of"), given.get("to")
    body = render(contract, of, to, number, WHEN["attempt.time"]).body  # type: ignore[arg-type]
    return json.loads(body).get("x", "left out")


@pytest.mark.parametrize("which", sorted(WHEN))
@pytest.mark.parametrize("form", ["iso", "iso-ms", "iso-offset", "unix", "unix-ms"])
def test_times(which: str, form: str) -> None:
    """Each time in each form is the one that the standard library reads, or the number itself."""
    value = value_of(f"{which}:{form}")

    unit = 1 if form.endswith("ms") else 1000
    read = datetime.fromisoformat(value).timestamp() * 1000 if isinstance(value, str) else value * unit  # type: ignore[operator]
    assert read == WHEN[which] // unit * unit


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("iso", "2026-02-03T04:06:06Z"),
        ("iso-ms", "2026-02-03T04:06:06.789Z"),
        ("iso-offset", "2026-02-03T04:06:06+00:00"),
        ("unix", 1770091566),
        ("unix-ms", 1770091566789),
        ("unix-text", "1770091566"),
        ("unix-ms-text", "1770091566789"),
    ],
)
def test_forms_of_time(form: str, expected: object) -> None:
    """Each form is written just so, as a number or as a text."""
    assert value_of(f"attempt.time:{form}") == expected


@given(time=st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)))
def test_any_time(time: datetime) -> None:
    """ISO 8601 with milliseconds is what the standard library writes."""
    now = round(time.replace(tzinfo=UTC).timestamp() * 1000)

    get = PLACEHOLDERS["attempt.time:iso-ms"]
    written = datetime.fromtimestamp(now // 1000, UTC).replace(microsecond=now % 1000 * 1000)
    facts = type("Facts", (), {"now": now})
    assert get(facts) == written.isoformat(timespec="milliseconds").replace("+00:00", "Z")  # type: ignore[arg-type]


@pytest.mark.parametrize("which", sorted(IDS))
def test_ids(which: str) -> None:
    """An id stands as it is."""
    assert value_of(which) == IDS[which]


@pytest.mark.parametrize("which", sorted(IDS))
def test_bare_ids(which: str) -> None:
    """A bare id has no prefix."""
    assert value_of(f"{which}:bare") == IDS[which].partition("_")[2]


@pytest.mark.parametrize("which", sorted(IDS))
def test_guids(which: str) -> None:
    """A GUID is a valid one of version 8, the same for the same id, in its usual spelling."""
    value = value_of(f"{which}:guid")
    read = UUID(str(value))

    assert (read.version, str(read)) == (8, value)
    assert value == value_of(f"{which}:guid")


def test_guids_differ() -> None:
    """Each attempt has a GUID of its own."""
    assert value_of("attempt.id:guid", number=1) != value_of("attempt.id:guid", number=2)


@pytest.mark.parametrize(
    ("placeholder", "expected"),
    [
        ("attempt.number", 3),
        ("attempt.maximum", 5),
        ("attempt.remaining", 2),
        ("attempt.retry", 2),
        ("event.type", "order.created"),
        ("event.tenant", "acme"),
        ("event.title", "Order created"),
        ("event.type:api", "OrderCreated"),
        ("event.type:header", "order.created"),
        ("endpoint.name", "Mine"),
        ("endpoint.url", "https://example.com/hook"),
        ("scope", {"dc": ["a", "b"]}),
        ("scope.dc", "a"),
        ("scope.dc?", "a"),
        ("scope.other?", "left out"),
    ],
)
def test_values(placeholder: str, expected: object) -> None:
    """Each placeholder stands for what the reference says, with its JSON type."""
    of = event(scope={"dc": ("a", "b")})

    assert value_of(placeholder, TYPE, of=of, to=endpoint(name="Mine")) == expected


@pytest.mark.parametrize(("placeholder", "expected"), [("event.title", "x.y"), ("event.type:api", "x.y")])
def test_type_that_the_catalogue_lacks(placeholder: str, expected: str) -> None:
    """A type outside the catalogue is called by its own name everywhere."""
    assert value_of(placeholder, TYPE, of=event(type="x.y")) == expected


@pytest.mark.parametrize(
    ("placeholder", "expected"), [("attempt.retry", None), ("attempt.retry?", "left out"), ("scope", None)]
)
def test_nothing(placeholder: str, expected: object) -> None:
    """Where there is nothing stands null, and with `?` no key."""
    assert value_of(placeholder, number=1) == expected


@pytest.mark.parametrize("where", ['"{scope.dc}"', '"dc: {scope.dc}"'])
def test_missing_label(where: str) -> None:
    """An event without a label that is needed is refused at publish, by the label's name."""
    contract = made(body=f"{{ x = {where} }}")

    with pytest.raises(Invalid) as refused:
        contract.check(event(scope={"other": ("a",)}))
    assert refused.value.field == "scope.dc"


@pytest.mark.parametrize(
    "parts",
    [
        {"headers": 'X-Retry = "{attempt.retry}"'},
        {"body": '"try {attempt.retry}"'},
    ],
    ids=str,
)
def test_what_may_be_nothing_is_no_text(parts: dict[str, str]) -> None:
    """Nothing cannot be filled into a text, where it would say "None"."""
    assert "{attempt.retry} may be nothing" in refusal(file(**parts))


@pytest.mark.parametrize("placeholder", ["scope.dc", "scope", "changes", "endpoint.name", "event.title"])
def test_free_texts_stay_out_of_headers(placeholder: str) -> None:
    """What publishers, customers and catalogues write freely cannot stand in a header."""
    assert "cannot stand here" in refusal(file(headers=f'X-Free = "{{{placeholder}}}"'))


def test_signature_of_nobody() -> None:
    """`{signature}` is refused where no signature stands in the body."""
    text = file(body='{ x = "{signature}" }')

    assert refusal(text).startswith("acme.toml:3: body.x: the placeholder {signature} cannot stand here")
