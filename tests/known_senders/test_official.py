"""Official verifiers accept what a server delivers in the format of their company, and nothing else."""

import msgspec
import pytest

from tests.known_senders.official import Captured, Verifiers, node_is_there, python_is_there
from tests.known_senders.sender import CHOSEN, TYPES, sender
from tests.support.process import ServerProcess

CASES = [
    *(
        pytest.param("in_python", name, marks=python_is_there)
        for name in ("svix", "stripe", "slack", "square", "twilio", "sendgrid")
    ),
    *(
        pytest.param("in_node", name, marks=node_is_there)
        for name in ("standard", "svix", "github", "shopify")
    ),
]


@pytest.fixture
def verifiers(request: pytest.FixtureRequest, language: str) -> Verifiers:
    found: Verifiers = request.getfixturevalue(language)
    return found


def changed(request: Captured) -> Captured:
    """The same with one byte changed: still JSON, and another total."""
    body = request.body.replace(b"17", b"18", 1)
    assert sum(a != b for a, b in zip(body, request.body, strict=True)) == 1
    return msgspec.structs.replace(request, body=body)


@pytest.mark.parametrize(("language", "name"), CASES)
async def test_accepted(server: ServerProcess, verifiers: Verifiers, name: str) -> None:
    """A delivery is accepted with the key that registering gave."""
    async with sender(server, name, CHOSEN.get(name)) as one:
        request = await one.deliver(TYPES.get(name, "order.created"))
        assert verifiers.accept(name, one.keys[0], request)


@pytest.mark.parametrize(("language", "name"), CASES)
async def test_one_byte(server: ServerProcess, verifiers: Verifiers, name: str) -> None:
    """The same delivery with one byte of its body changed is refused."""
    async with sender(server, name, CHOSEN.get(name)) as one:
        request = await one.deliver(TYPES.get(name, "order.created"))
        assert not verifiers.accept(name, one.keys[0], changed(request))
