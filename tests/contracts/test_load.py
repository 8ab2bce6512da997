"""Contract files that cannot be loaded: file, line, what is wrong, what was probably meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts import builtin, load
from hookferry.contracts.source import line_of
from hookferry.errors import ContractError
from tests.contracts.examples import STANDARD, VECTORS, altered, refusal


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('type = "{event.type}"', 'type = "{event.typ}"',
         "body.type: the placeholder {event.typ} is unknown; did you mean event.type?"),
        ('data = "{payload}"', 'data = { x = "{payload }" }',
         "body.data.x: the placeholder {payload } is unknown; did you mean payload?"),
        ('"{event.time:iso-ms}"', '"{event.time}"',
         "body.timestamp: the placeholder {event.time} needs a format:"
         " event.time:iso or iso-ms or iso-offset or unix or unix-ms or unix-ms-text or unix-text"),
        ('"{event.time:iso-ms}"', '"{event.time:iso-ms"',
         "body.timestamp: a brace without its partner in '{event.time:iso-ms'"),
        ('data = "{payload}"', 'data = "it is {changes?}"',
         "body.data: `?` works only where the placeholder is the whole value"),
        ('data = "{payload}"', "data = [nan]",
         "body.data: expected a text, a number, true, false, an array or a table"),
        ('webhook-id = "{event.id}"', 'webhook-id = "{payload}"',
         "headers.webhook-id: the placeholder {payload} cannot stand here; known here: attempt.id,"
         " attempt.maximum, attempt.number, attempt.remaining, attempt.retry, attempt.time, delivery.id,"
         " delivery.time, endpoint.id, event.id, event.tenant, event.time, event.type"),
        ('webhook-id = "{event.id}"', 'webhook-id = "a{event.id?}"',
         "headers.webhook-id: `?` works only where the placeholder is the whole value"),
        ('.{body}"', '.{attempt.number?}{body}"',
         "signature.content: `?` works only where the placeholder is the whole value"),
        ('data = "{payload}"', "data = nan",
         "body.data: expected a text, a number, true, false, an array or a table"),
        ("webhook-id", '"webhook id"',
         "headers.webhook id: 'webhook id' is no header name: letters, digits and hyphens"),
        ('"application/json"', '"application/json\\r\\nx: y"',
         "headers.content-type: expected a text of visible ASCII characters"),
        ('style = "raw"', 'style = "compct"',
         'serializer.style: unknown word "compct"; did you mean compact?'),
        ('algorithm = "hmac-sha256"', 'algorithm = "hmac-sha265"',
         'signature.algorithm: unknown word "hmac-sha265"; did you mean hmac-sha256?'),
        ('algorithm = "ed25519"', 'algorithm = "rot13"',
         'signature.algorithm: unknown word "rot13"; known here: ed25519, hmac-sha256, hmac-sha1,'
         " hmac-sha512, ecdsa-p256, rsa-sha256"),
        ('.{body}"', '."', "signature.content: expected a text with {body} in it: it must sign what is sent"),
        ('content = "{event.id}.', 'content = "{attempt.number}.',
         "signature.content: no header carries {attempt.number} alone: no receiver could verify it"),
        ('value = "v1,{signature}"', 'value = "v1,"',
         "signature.value: expected a text with {signature} in it, once, and no other placeholder"),
        ('"5m"', '"5 minutes"',
         'retry.schedule: expected a duration such as "30s", "15m" or "7d"'),
        ("jitter = 0.2", "jitter = 20", "retry.jitter: expected a number from 0 to 1"),
        ("jitter = 0.2", "jiter = 0.2", "retry.jiter: unknown key; did you mean jitter?"),
        ('["200-299"]', '["299-200"]',
         'success.status: expected a status such as "410" or a range such as "200-299", got "299-200"'),
        ('["200-299"]', "[200]",
         'success.status: expected a status such as "410" or a range such as "200-299", got 200'),
        ('["200-299"]', "[]", "success.status: expected an array with at least one element"),
        ('"unrenderable"', '"unrenderabel"',
         'stop.outcome: unknown word "unrenderabel"; did you mean unrenderable?'),
        ('schemes = ["https", "http"]', 'schemes = ["ftp"]',
         'subscription.schemes: unknown word "ftp"; known here: https, http'),
        ("unknown-types = true", "unknown-types = 1", "subscription.unknown-types: expected true or false"),
        ("shortest = 24", "shortest = true", "secret.shortest: expected a whole number from 1"),
        ('key-prefix = "hf_"', 'key-prefix = "h f"',
         "access.key-prefix: expected 1 to 32 letters, digits, hyphens or underscores"),
        ('key-prefix = "hf_"', 'feature = "Web hooks"',
         "access.feature: 'Web hooks' is no feature: small letters and digits, with hyphens between words"),
        ('key-prefix = "hf_"', 'docs-feature = "-"',
         "access.docs-feature: '-' is no feature: small letters and digits, with hyphens between words"),
        ('"24h"', '"3661d"', "secret.overlap: expected a duration of ten years at most"),
        ('"5m"', '"3661d"', "retry.schedule: expected a duration of ten years at most"),
        ('total = "20s"', 'total = "0s"', "timeout.total: expected more than nothing and 10m at most"),
        ('total = "20s"', 'total = "11m"', "timeout.total: expected more than nothing and 10m at most"),
        ("webhook-id", "Content-Length",
         "headers.Content-Length: the connection sets Content-Length itself"),
        ('header = "webhook-signature"', 'header = "Host"',
         "signature.header: the connection sets Host itself"),
        ('header = "webhook-signature"', 'header = "Webhook-ID"',
         "signature.header: Webhook-ID stands in [headers] already"),
        ("[test]", "[tset]", "tset: unknown key; did you mean test?"),
        ('type = "endpoint.test"', 'type = ""', "test.type: expected a text that is not empty"),
        ("payload = '{", "payload = '{{", "test.payload: expected a JSON text: JSON is malformed:"
         " object keys must be strings (byte 1)"),
    ],
)  # fmt: skip
def test_refusals(old: str, new: str, problem: str) -> None:
    """Each mistake is refused with the line that has it."""
    text = altered(old, new)
    line = text[: text.index(new)].count("\n") + 1

    assert refusal(text) == f"acme.toml:{line}: {problem}"


@pytest.mark.parametrize(
    ("old", "new", "place", "problem"),
    [
        ('type = "endpoint.test"', "", "[test]", "test: the key type is missing"),
        ("[headers]", '[headers]\nWebhook-Id = "x"', "webhook-id",
         "headers.webhook-id: the header is there already"),
        ("[timeout]", "[timeout]\nread = 5", "read = 5", "timeout.read: unknown key; known here: total"),
        ('join = " "\noptional', 'join = ","\noptional', 'join = ","',
         'signature.join: webhook-signature is joined by " " above'),
        ('name = "standard"', 'name = "a"\nname = "b"', 'name = "b"', "Cannot overwrite a value"),
        ("[access]", "[access", "[access", "Expected ']' at the end of a table declaration"),
    ],
)  # fmt: skip
def test_refusals_elsewhere(old: str, new: str, place: str, problem: str) -> None:
    """What is missing, repeated or no TOML is refused with the line of the place to look at."""
    text = altered(old, new)
    line = text[: text.index(place)].count("\n") + 1

    assert refusal(text) == f"acme.toml:{line}: {problem}"


def test_long_schedule() -> None:
    """A schedule of ten thousand steps is refused."""
    schedule = ", ".join(['"5s"'] * 10_000)

    assert refusal(altered('"5s"', schedule)).endswith("10008 delays; at most 100 are allowed")


def test_lines_of_repeated_tables() -> None:
    """A mistake in the second of two tables of an array has the second one's line."""
    text = altered('value = "v1a,{signature}"', "value = 1")
    line = text.splitlines().index("value = 1") + 1

    assert refusal(text).startswith(f"acme.toml:{line}: ")


def test_unclosed_file() -> None:
    """A text that ends too soon is refused at its last line."""
    text = STANDARD + '\nrest = "'

    assert refusal(text).startswith(f"acme.toml:{len(text.splitlines())}: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = " + "[" * 100_000, 1),
        ("x = 1\n" + "x." * 100_000 + "x = 1", 2),
        ('\n["x"' + " . 'x'" * 100_000 + "]", 2),
        ("x = { " + "x." * 100_000 + "x = 1 }", 1),
        (altered('data = "{payload}"', f"data = {'{ x = ' * 300}1{' }' * 300}"), 1),
    ],
    ids=["arrays", "keys", "headers", "inner", "tables"],
)
def test_deep_nesting(text: str, line: int) -> None:
    """A text that nests without end is refused, not raised over, and takes no memory without end either."""
    assert refusal(text) == f"acme.toml:{line}: nested too deeply"


def test_huge_number() -> None:
    """A number that Python will not read is refused."""
    assert "Exceeds the limit" in refusal("x = " + "9" * 5000)


def test_unknown_builtin() -> None:
    """A name that there is not is refused with the one that was probably meant."""
    with pytest.raises(ContractError, match='unknown contract "standrad"; did you mean standard\\?'):
        builtin("standrad")


@pytest.mark.parametrize("name", ["../standard", "", "standard.toml", "/etc/passwd"])
def test_name_is_no_path(name: str) -> None:
    """A name never leads out of the folder."""
    with pytest.raises(ContractError, match="unknown contract"):
        builtin(name)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("g0hM9SsE", "g0hM9SsF", "message: signature does not match"),
        ('"data":null', '"data":{}', "request.body: the contract renders "),
        ('content-type = "application/json"', 'content-type = "text/json"',
         "request.headers: the contract renders "),
        ("attempt = 1", "atempt = 1", "request.atempt: unknown key; did you mean attempt?"),
        ("2026-02-03T04:05:06.789Z", "2026-02-03T04:05:06.789", "request.time: expected a date and time"),
        ('keys = ["whsec_', 'keys = ["whsek_', "message: expected whsec_ followed by base64"),
        ('secrets = ["whsec_M', 'secrets = ["whsek_M', "request: expected whsec_ followed by base64"),
        ('body = ""', "body = 1", "message.body: expected a text"),
    ],
)  # fmt: skip
def test_vectors_that_differ(old: str, new: str, problem: str) -> None:
    """A vector that does not come out refuses the contract, with the vector's line."""
    message = refusal(STANDARD, altered(old, new, VECTORS))

    file, line, rest = message.split(":", 2)
    assert file == "acme.vectors.toml"
    assert int(line) > 1
    assert rest.startswith(f" {problem}")


def test_differing_header_is_named() -> None:
    """Of the headers of a vector, the first that does not come out is named."""
    message = refusal(STANDARD, altered('content-type = "application/json"\n', "", VECTORS))
    assert message.endswith("; content-type differs")


def test_changed_contract_does_not_load() -> None:
    """A contract that renders other bytes than its vectors say is refused."""
    assert "request.body" in refusal(altered('data = "{payload}"', 'content = "{payload}"'), VECTORS)


@given(text=st.text())
def test_any_text(text: str) -> None:
    """Any text is refused with a line, never raised over."""
    assert refusal(text).startswith("acme.toml:")


@given(data=st.data())
def test_any_mistake(data: st.DataObject) -> None:
    """With any piece cut out the file loads or is refused with a line."""
    start = data.draw(st.integers(0, len(STANDARD)))
    end = data.draw(st.integers(start, min(start + 200, len(STANDARD))))

    try:
        load(STANDARD[:start] + STANDARD[end:], "acme.toml")
    except ContractError as error:
        assert error.message.startswith("acme.toml:")  # noqa: PT017 - most cuts are refused, some load


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("b", "c"), 3),
        (("b", "d", "e"), 4),
        (("list", 0, "x"), 6),
        (("list", 1), 7),
        (("list", 1, "y"), 7),
        (("list", 1, "deep", "z"), 9),
        (("b", "c", 3, "more"), 3),
        (("nowhere",), 1),
    ],
)
def test_line_of(path: tuple[str | int, ...], line: int) -> None:
    """A path leads to its line, or to the nearest thing around it."""
    text = "a = 1\n[b]\n'c' = 2\nd.e = 3\n[[list]]\nx = 1\n [[ list ]]\n[list.deep]\n\"z\" = 2\n"

    assert line_of(text, path) == line
