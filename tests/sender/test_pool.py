"""Which connections are kept, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from hookferry.delivery.connection import Connection
from hookferry.delivery.pool import Pool
from tests.support.hostile import Receiver, hostile, silent


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with hostile(silent) as receiver:
        yield receiver


async def connect(receiver: Receiver, pool: Pool) -> Connection:
    loop = asyncio.get_running_loop()
    make = partial(Connection, loop, "origin", 1024, pool.forget)
    _, connection = await loop.create_connection(make, receiver.host, receiver.port)
    return connection


async def test_the_last_used_is_used_next(receiver: Receiver) -> None:
    """The connection that was put back last comes first, so that the others can go."""
    pool = Pool(asyncio.get_running_loop())
    first, second = await connect(receiver, pool), await connect(receiver, pool)
    pool.put(first)
    pool.put(second)
    taken = [pool.take("origin") for _ in range(3)]
    assert taken == [second, first, None]
    first.close()
    second.close()


async def test_idling_ends(receiver: Receiver) -> None:
    """A connection that nobody wants is closed and forgotten after its time."""
    pool = Pool(asyncio.get_running_loop(), idle=0.02)
    connection = await connect(receiver, pool)
    pool.put(connection)
    async with asyncio.timeout(1):
        await connection.gone
    assert pool.take("origin") is None


async def test_a_busy_connection_ends(receiver: Receiver) -> None:
    """However often it is used: its receiver may have moved to another address."""
    pool = Pool(asyncio.get_running_loop(), age=0.02)
    connection = await connect(receiver, pool)
    async with asyncio.timeout(10):
        while connection.open:
            pool.put(connection)
            pool.take("origin")
            await asyncio.sleep(0)
    await connection.gone


async def test_a_receiver_that_closes_is_forgotten(receiver: Receiver) -> None:
    """A connection that its receiver ended is never handed out."""
    pool = Pool(asyncio.get_running_loop())
    connection = await connect(receiver, pool)
    pool.put(connection)
    await receiver.accepted()
    receiver.peers[0].close()
    async with asyncio.timeout(1):
        await connection.gone
    assert pool.take("origin") is None


async def test_what_comes_back_after_closing(receiver: Receiver) -> None:
    """A closed pool keeps nothing."""
    pool = Pool(asyncio.get_running_loop())
    connection = await connect(receiver, pool)
    await pool.close()
    pool.put(connection)
    assert not connection.open
