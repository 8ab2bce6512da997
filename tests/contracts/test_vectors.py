"""Golden vectors that do not fit: refused with their line, never raised over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.contracts import load
from hookferry.contracts.source import line_of
from hookferry.errors import ContractError
from tests.contracts.examples import STANDARD, VECTORS, file, made, refusal, signature

ECDSA = '[secret]\nform = "ecdsa-p256"\n' + signature(algorithm="ecdsa-p256", key="", encoding="base64")
REQUEST = """
[[request]]
time = 2026-02-03T04:05:06Z
body = '{"data":1}'
event = { id = "evt_1", type = "a", time = 2026-02-03T04:05:06Z, payload = "1" }
headers = { Content-Type = "application/json" }
"""


def test_no_secret_for_a_signature_by_chance() -> None:
    """A request that ECDSA signs needs a secret in its vector."""
    assert refusal(file(ECDSA), REQUEST) == (
        "acme.vectors.toml:2: request: the endpoint has no secret that is valid now"
    )


def test_other_headers_beside_a_signature_by_chance() -> None:
    """Where ECDSA signs, all other headers are compared."""
    secret = made(ECDSA).new_secret(bytes(32))
    vectors = REQUEST.replace("body = '", f'secrets = ["{secret}"]\nbody = \'', 1).replace(
        'application/json" }', 'text/json", X-Signature = "AA==" }'
    )

    assert "request: the contract renders {'Content-Type': 'application/json'" in refusal(
        file(ECDSA), vectors
    )


def test_optional_signature_by_chance() -> None:
    """Where ECDSA is optional a vector without a secret has no signature."""
    optional = ECDSA.replace("[secret]", "[secret]\nrequired = false")

    assert load(file(optional), "acme.toml", REQUEST).random


@given(
    line=st.integers(0, len(VECTORS.splitlines()) - 1),
    what=st.sampled_from(["", "x = 1", "[[request]]", "[[message]]", 'keys = ["whsec_"]', "secrets = []"]),
    twice=st.booleans(),
)
def test_any_edit(line: int, what: str, twice: bool) -> None:
    """Whatever is done to a line of the vectors, they hold or are refused with a line."""
    lines = VECTORS.splitlines()
    lines[line] = f"{lines[line]}\n{what}" if twice else what

    try:
        load(STANDARD, "acme.toml", "\n".join(lines))
    except ContractError as error:
        assert error.message.startswith("acme.vectors.toml:")  # noqa: PT017 - most are refused, some hold


@pytest.mark.parametrize("quotes", ["'''", '"""'])
def test_line_behind_a_long_text(quotes: str) -> None:
    """What looks like a table or a key within a text of several lines misleads nobody."""
    text = f'[[a]]\nx = {quotes}\n["b"]\n[c]\ny = 1\n{quotes}\ny = 2\n'

    assert line_of(text, ("a", 0, "y")) == 7
