"""Secrets, retries, verdicts and other rules of a contract file, and what of them is refused."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts import Contract, load
from hookferry.errors import ContractError, Invalid
from hookferry.exchange import Outcome, Result, Verdict
from tests.contracts.examples import NOW, STANDARD, answered, file, made, refusal, signature

LONG = ", ".join(['"1s"'] * 10_000)


def delays(retry: str) -> tuple[float, ...]:
    return made(retry=retry).rules.schedule.delays


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ('["0s", "1m", "5m"]', (0, 60, 300)),
        ("[]", ()),
        ('{ every = "30m", times = 4 }', (1800,) * 4),
        ('{ every = "1s", times = 5, factor = 2 }', (1, 2, 4, 8, 16)),
        ('{ every = "1s", times = 5, factor = 2, cap = "5s" }', (1, 2, 4, 5, 5)),
        ('{ every = "1s", times = 3, factor = 1.5 }', (1, 1.5, 2.25)),
        ('{ every = "9s", times = 2, cap = "5s" }', (5, 5)),
    ],
)
def test_schedules(schedule: str, expected: tuple[float, ...]) -> None:
    """A schedule is a list, the same delay several times, or one that grows up to a cap."""
    assert delays(f"schedule = {schedule}") == expected


def test_overlap_without_join() -> None:
    """An overlap in which only the newest secret signs would be none."""
    text = file(signature() + '\n[secret]\noverlap = "1h"\n')

    assert "secret.overlap: no signature has a `join`" in refusal(text)


def test_attempts() -> None:
    """There is one attempt more than delays."""
    assert made(retry='schedule = { every = "30m", times = 4 }').attempts == 5


@pytest.mark.parametrize("factor", [1, 100])
def test_longest_schedule(factor: int) -> None:
    """A hundred delays are read, however they grow."""
    assert len(delays(f'schedule = {{ every = "3660d", times = 100, factor = {factor} }}')) == 100


@pytest.mark.parametrize(
    ("retry", "problem"),
    [
        (f"schedule = [{LONG}]", "retry.schedule: 10000 delays; at most 100 are allowed"),
        ('schedule = { every = "1s", times = 10000 }', "retry.schedule.times: 10000 delays; at most 100"),
        ('schedule = { every = "1s", times = 101 }', "retry.schedule.times: 101 delays; at most 100"),
        ('schedule = { every = "1s", times = 0 }', "retry.schedule.times: expected a whole number from 1"),
        ('schedule = { every = "1s", times = 2, factor = 0.5 }', "retry.schedule.factor: expected a number"),
        ('schedule = { every = "1s", times = 2, factor = nan }', "retry.schedule.factor: expected a number"),
        ('schedule = { every = "1s" }', "retry.schedule: the key times is missing"),
        ('schedule = { evry = "1s", times = 1 }', "retry.schedule.evry: unknown key; did you mean every?"),
        ('schedule = "1s"', "retry.schedule: expected an array of durations"),
        ('schedule = ["1"]', 'retry.schedule: expected a duration such as "30s"'),
        ("schedule = [1]", 'retry.schedule: expected a duration such as "30s"'),
        ("schedule = []\njitter = nan", "retry.jitter: expected a number from 0 to 1"),
        ('schedule = []\ndeadline = "x"', "retry.deadline: expected a duration"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_refused_schedules(retry: str, problem: str) -> None:
    """A schedule that is too long, or makes no sense, is refused with its line."""
    text = file(retry=retry)
    last = retry.splitlines()[-1]
    line = text.splitlines().index(last) + 1

    assert refusal(text).startswith(f"acme.toml:{line}: {problem}")


def verdict(more: str, result: Result) -> Verdict:
    return made(more, retry='schedule = ["1m", "1m"]').judge(result, 1, 0.0, 0.0, NOW).verdict


STATUSES = """
[success]
status = ["200"]
[disable]
status = ["410", "418"]
[stop]
status = ["400-403"]
outcome = ["connect_refused"]
[retry-after]
status = ["503"]
ceiling = "1h"
"""


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Verdict.SUCCEEDED),
        (204, Verdict.RETRY),
        (301, Verdict.RETRY),
        (399, Verdict.RETRY),
        (400, Verdict.FAILED),
        (403, Verdict.FAILED),
        (404, Verdict.RETRY),
        (410, Verdict.DISABLE),
        (418, Verdict.DISABLE),
        (503, Verdict.RETRY),
    ],
)
def test_statuses(status: int, expected: Verdict) -> None:
    """Statuses mean what the sections say."""
    assert verdict(STATUSES, answered(status)) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, Verdict.SUCCEEDED), (299, Verdict.SUCCEEDED), (300, Verdict.RETRY), (410, Verdict.RETRY)],
)
def test_usual_statuses(status: int, expected: Verdict) -> None:
    """Without sections 200 to 299 is a success and everything else is tried again, 410 too."""
    assert verdict("", answered(status)) == expected


@pytest.mark.parametrize(("more", "delay"), [(STATUSES, 120), ("", 60)])
def test_retry_after(more: str, delay: float) -> None:
    """`Retry-After` is heeded where the contract says so, and not at all without the section."""
    contract = made(more, retry='schedule = ["1m", "1m"]')

    assert contract.judge(answered(503, Retry_After="120"), 1, 0.0, 0.0, NOW).delay == delay


@pytest.mark.parametrize(
    ("more", "outcome", "expected"),
    [
        (STATUSES, Outcome.CONNECT_REFUSED, Verdict.FAILED),
        (STATUSES, Outcome.UNRENDERABLE, Verdict.RETRY),
        ("", Outcome.CONNECT_REFUSED, Verdict.RETRY),
        ("", Outcome.UNRENDERABLE, Verdict.FAILED),
    ],
)
def test_outcomes(more: str, outcome: Outcome, expected: Verdict) -> None:
    """Outcomes stop where the contract says so; without the section those that nobody else can mend."""
    assert verdict(more, Result(outcome, 0.1)) == expected


def with_secrets(lines: str) -> Contract:
    return made(f"[secret]\n{lines}")


@pytest.mark.parametrize("form", ["text", "base64", "hex"])
@given(random=st.binary(min_size=1, max_size=64))
def test_new_secrets(form: str, random: bytes) -> None:
    """A new secret of each form passes the check, prefix and all."""
    contract = with_secrets(f'form = "{form}"\nprefix = "x-"\n')

    secret = contract.new_secret(random)
    contract.check_secret(secret)

    assert secret.startswith("x-")


@pytest.mark.parametrize("lines", ['form = "rsa"', "longest = 20", "shortest = 100"])
def test_secret_that_must_be_given(lines: str) -> None:
    """Where a customer's secret cannot be made of random bytes, one has to be given."""
    with pytest.raises(Invalid) as refused:
        with_secrets(f'giver = "customer"\n{lines}').new_secret(bytes(32))

    assert refused.value.field == "secret"


def test_new_private_key() -> None:
    """A new P-256 key passes the check, and the same random bytes make the same key."""
    contract = with_secrets('form = "ecdsa-p256"')
    secret = contract.new_secret(b"x" * 32)
    contract.check_secret(secret)

    assert secret == contract.new_secret(b"x" * 32) != contract.new_secret(b"y" * 32)
    assert b64decode(contract.public_key(secret) or "")[:1] == b"\x30"


@pytest.mark.parametrize(
    ("lines", "secret"),
    [
        ('form = "hex"', "0"),
        ('form = "hex"', "0g"),
        ('form = "hex"', "00 00"),
        ('form = "hex"', "٠٠"),
        ('form = "base64"', "AAA"),
        ('form = "base64"', "AAA="  "\n"),
        ('form = "text"', "a\nb"),
        ('form = "text"', "a\x7f"),
        ('form = "text"', "\udcff"),
        ('form = "text"', ""),
        ('prefix = "x-"', "x"),
        ('prefix = "x-"', "x-"),
        ("longest = 3", "abcd"),
        ("shortest = 3", "ab"),
        ('form = "hex"\nlongest = 3', "00000000"),
    ],
)  # fmt: skip
def test_refused_secrets(lines: str, secret: str) -> None:
    """A secret of another form or length is refused, and not repeated."""
    with pytest.raises(Invalid) as refused:
        with_secrets(f'giver = "customer"\n{lines}').check_secret(secret)

    assert refused.value.field == "secret"
    assert len(secret) < 4 or secret not in refused.value.message


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('form = "rsa"', "secret.giver: a secret of the form rsa cannot be generated"),
        ("shortest = 9\nlongest = 8", "secret.longest: less than the shortest"),
        ('form = "text"\nlongest = 20', "secret.longest: a generated secret has 64 characters"),
        ('form = "base64"\nlongest = 20', "secret.longest: a generated secret has 32 bytes"),
        ('form = "hex"\nshortest = 33', "secret.shortest: a generated secret has 32 bytes"),
        ('form = "hex"\nrandom = 16\nshortest = 17', "secret.shortest: a generated secret has 16 bytes"),
        ("random = 15", "secret.random: expected 16 to 64 bytes"),
        ("random = 65", "secret.random: expected 16 to 64 bytes"),
        ('form = "utf8"', 'secret.form: unknown word "utf8"; known here: base64, hex, text, ecdsa-p256, rsa'),
        ('giver = "us"', 'secret.giver: unknown word "us"'),
        ('reveal = "twice"', 'secret.reveal: unknown word "twice"'),
        ('overlap = "soon"', "secret.overlap: expected a duration"),
    ],
)  # fmt: skip
def test_refused_rules(lines: str, problem: str) -> None:
    """Rules for secrets that cannot be kept are refused."""
    assert problem in refusal(file(f"[secret]\n{lines}"))


def test_form_and_key() -> None:
    """A key that is decoded needs secrets of that form."""
    text = file('[secret]\nform = "text"\n' + signature(key="base64"))

    assert 'signature.key: "base64" needs secrets of that form ([secret] form = "base64")' in refusal(text)


def test_defaults() -> None:
    """What a small file leaves out is as the reference says."""
    contract = made()

    assert (contract.method, contract.overlap, contract.secrets.required) == ("POST", 0.0, False)
    assert (contract.rules.schedule.jitter, contract.rules.schedule.deadline) == (0.0, 90 * 86400.0)
    assert contract.subscription.unknown_types
    assert contract.access.key_prefix == "hf_"


LINES = STANDARD.splitlines()
OTHERS = [
    "[body]", "[secret]", "[request]", "[[signature]]", "[[event-type]]", "[[derive]]", "x = 1", 'name = "a"',
    'form = "rsa"', 'key = "hex"', 'algorithm = "ecdsa-p256"', 'place = "body"', 'lead = "t={event.id},"',
    '"..." = "{payload}"', '"a?" = 1', "body = []", 'x = "{body}"', 'style = "form"', "schedule = {}",
    "'''", '"""',
]  # fmt: skip


@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(LINES) - 1),
            st.sampled_from(["cut", "twice", "swap", "insert", "value"]),
            st.integers(0, len(LINES) - 1),
            st.sampled_from(OTHERS),
            st.text("{}[]\"'=.,:?#\\ abe15-\n", max_size=6),
        ),
        max_size=4,
    )
)
def test_any_edit(edits: list[tuple[int, str, int, str, str]]) -> None:
    """Whatever is done to the lines of a file, it loads or is refused with a line."""
    lines = list(LINES)
    for at, what, other, new, text in edits:
        if what == "cut":
            lines[at] = ""
        elif what == "twice":
            lines[at] += "\n" + lines[other]
        elif what == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        elif what == "insert":
            lines[at] += "\n" + new
        else:
            lines[at] = lines[at].partition("=")[0] + "=" + text

    try:
        load("\n".join(lines), "acme.toml")
    except ContractError as error:
        assert error.message.startswith("acme.toml:")  # noqa: PT017 - most edits are refused, some load


def test_one_bracket_too_few() -> None:
    """A table where there may be several is refused with what to write."""
    assert "signature: expected an array of tables, [[signature]]" in refusal(
        file("[signature]\nkey = 'utf-8'")
    )
