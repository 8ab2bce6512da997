"""The sender runs on uvloop in production and must be right on the standard loop too."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from ipaddress import ip_network

import pytest
import uvloop

from hookferry.delivery.guard import Guard
from hookferry.delivery.sender import Sender, default_tls


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    """The default context; loading the system's authorities takes 30 ms."""
    return default_tls()


@pytest.fixture
async def sender(tls: ssl.SSLContext) -> AsyncIterator[Sender]:
    """A sender that may go to this machine by IPv4."""
    sender = Sender(Guard([ip_network("127.0.0.0/8")]), tls=tls)
    yield sender
    await sender.close()
