"""Rows that cannot be read: the queue moves on past them (FAULTS, 13)."""

import sqlite3
from pathlib import Path

from tests.store.world import World, sqlite_store
from tests.support.clock import ManualClock


async def test_a_damaged_event_is_claimed_without_its_payload(tmp_path: Path) -> None:
    """So its delivery ends, and what is behind it goes on: it stopped every claim for all tenants."""
    store = sqlite_store(tmp_path / "queue.db", ManualClock())
    await store.open()
    world = World(store, ManualClock())
    await world.add_tenant("demo")
    world.endpoint = await world.add_endpoint("demo")
    await world.publish()
    await world.publish()
    with sqlite3.connect(tmp_path / "queue.db") as other:
        other.execute("update events set scope = '{' where seq = (select min(seq) from events)")
    claimed = await world.claim()
    await store.close()

    assert [work.event.payload for work in claimed] == [None, b'{"n":1}']
