"""Previews: the request for a made-up endpoint."""

import pytest

from hookferry.contracts import Contract, builtin
from hookferry.contracts.load import builtin_names
from hookferry.contracts.preview import URL, preview
from hookferry.errors import Invalid
from hookferry.exchange import Request
from tests.contracts.examples import NOW


def of(contract: Contract, number: int = 1) -> Request:
    """The preview of a contract's test event."""
    type, payload = contract.test_event
    return preview(contract, type, payload, NOW, number=number)


@pytest.mark.parametrize("name", builtin_names())
def test_every_built_in(name: str) -> None:
    """The test event of each can be previewed, without a secret."""
    assert of(builtin(name)).url.startswith(URL)


@pytest.mark.parametrize("name", [name for name in builtin_names() if builtin(name).catalogue])
def test_every_example(name: str) -> None:
    """So can the example of each event type."""
    contract = builtin(name)
    for type in contract.catalogue.values():
        assert type.example is not None
        assert preview(contract, type.name, bytes(type.example), NOW).body


def test_each_attempt() -> None:
    """The attempt's number is in the body of a contract that counts."""
    bodies = {of(builtin("opentrack"), number).body for number in (1, 2, 5)}
    assert len(bodies) == 3


def test_no_such_attempt() -> None:
    """There are no more attempts than the contract has."""
    with pytest.raises(Invalid) as caught:
        of(builtin("opentrack"), 6)
    assert caught.value.field == "attempt"


def test_an_unknown_type() -> None:
    """A type outside the catalogue is refused with the one that was probably meant."""
    with pytest.raises(Invalid, match=r"did you mean order\.created\?"):
        preview(builtin("tracktile"), "order.create", b"{}", NOW)
