"""Rotated secrets: accepted with the old and the new one wherever a format has room for both."""

import pytest

from tests.known_senders.official import Verifiers, node_is_there, python_is_there
from tests.known_senders.sender import SECRET, sender
from tests.support.process import ServerProcess

LISTS = ("stripe", "svix")
"""Their headers take several signatures."""

NEWER = SECRET[::-1]


@python_is_there
@pytest.mark.parametrize("name", LISTS)
async def test_overlap(server: ServerProcess, in_python: Verifiers, name: str) -> None:
    """Within the contract's own overlap both secrets are accepted."""
    async with sender(server, name) as one:
        await one.rotate()
        request = await one.deliver()
        assert [in_python.accept(name, key, request) for key in one.keys] == [True, True]


@node_is_there
async def test_overlap_in_node(server: ServerProcess, in_node: Verifiers) -> None:
    """The library from npm takes both as well."""
    async with sender(server, "svix") as one:
        await one.rotate()
        request = await one.deliver()
        assert [in_node.accept("svix", key, request) for key in one.keys] == [True, True]


@python_is_there
@pytest.mark.parametrize("name", LISTS)
async def test_no_overlap(server: ServerProcess, in_python: Verifiers, name: str) -> None:
    """A rotation that counts at once leaves the new secret alone."""
    async with sender(server, name) as one:
        await one.rotate(overlap=0)
        request = await one.deliver()
        assert [in_python.accept(name, key, request) for key in one.keys] == [True, False]


@python_is_there
@pytest.mark.parametrize("name", ["slack", "square", "twilio"])
async def test_one_signature(server: ServerProcess, in_python: Verifiers, name: str) -> None:
    """A header with room for one signature has the new secret's."""
    async with sender(server, name) as one:
        await one.rotate(overlap=0)
        request = await one.deliver()
        assert [in_python.accept(name, key, request) for key in one.keys] == [True, False]


@python_is_there
async def test_key_pair(server: ServerProcess, in_python: Verifiers) -> None:
    """A new key pair takes over at once, and the answer has shown its public key."""
    async with sender(server, "sendgrid") as one:
        await one.rotate()
        request = await one.deliver()
        assert [in_python.accept("sendgrid", key, request) for key in one.keys] == [True, False]


@node_is_there
@pytest.mark.parametrize("name", ["github", "shopify"])
async def test_chosen(server: ServerProcess, in_node: Verifiers, name: str) -> None:
    """A secret of the customer's is replaced by the next one that the customer brings."""
    async with sender(server, name, SECRET) as one:
        await one.rotate(secret=NEWER)
        request = await one.deliver()
        assert [in_node.accept(name, key, request) for key in (NEWER, SECRET)] == [True, False]
