"""One connection, as its receiver ends it."""

import asyncio
from functools import partial

from hookferry.delivery.connection import Connection
from hookferry.exchange import Outcome
from tests.support.hostile import Peer, hostile


async def _finishes(peer: Peer) -> None:
    """Ends its own direction, and reads nothing more."""
    peer.finish()
    await asyncio.Event().wait()


async def test_fault_17_fin_from_a_receiver_that_reads_nothing() -> None:
    """The connection goes at once, with all that was not read of the request: nobody makes us keep it."""
    async with hostile(_finishes) as receiver:
        loop = asyncio.get_running_loop()
        make = partial(Connection, loop, "origin", 1024, lambda connection: None)
        _, connection = await loop.create_connection(make, receiver.host, receiver.port)
        async with asyncio.timeout(10):
            ending = await connection.exchange(b"x" * 2**24, loop.time() + 60)
            await connection.gone
    assert ending.outcome is Outcome.CONNECTION_CLOSED
