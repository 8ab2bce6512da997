"""A row that cannot be sent, on each backend (FAULTS, 13)."""

import sqlite3
from contextlib import closing

import psycopg

from hookferry.receiver import Receiver
from tests.e2e.customer import Customer, customer, running
from tests.support.place import Place


def execute(place: Place, statement: str, *values: object) -> None:
    """Change the database past a server that does not run."""
    if place.url is None:
        with closing(sqlite3.connect(place.folder / "hookferry.db")) as file, file:
            file.execute(statement.replace("%s", "?"), values)
        return
    with psycopg.connect(place.url) as connection:
        connection.execute(statement.encode(), values)


async def test_fault_13_an_unreadable_secret(place: Place) -> None:
    """Its delivery ends, with the reason on record, and the next endpoint is served."""
    async with Receiver() as receiver:
        async with running(place.server("--lease", "1s")) as server, customer(server) as one:
            poisoned = await one.register(receiver.url + "/poisoned")
            await one.register(receiver.url + "/well")
        execute(place, "update endpoints set sealed = %s where id = %s", b"\0" * 60, poisoned["id"])
        async with running(place.server("--lease", "1s")) as server, server.client() as client:
            one = Customer(client, one.id)
            await one.publish()
            found = {one["endpoint"] == poisoned["id"]: one for one in await one.final()}
            (attempt,) = await one.attempts(found[True]["id"])
    ended = (found[True]["status"], attempt["outcome"], found[False]["status"])
    assert ended == ("failed", "unreadable_secret", "succeeded")


async def test_fault_13_an_unreadable_payload(place: Place) -> None:
    """What is damaged ends, and what is behind it goes out."""
    async with Receiver() as receiver:
        async with running(place.server("--lease", "1s")) as server, customer(server) as one:
            endpoint = await one.register(receiver.url)
            await one.ask("POST", f"endpoints/{endpoint['id']}/pause")
            damaged = await one.publish()
            whole = await one.publish()
        execute(place, "update events set scope = %s where id = %s", "{", damaged["id"])
        async with running(place.server("--lease", "1s")) as server, server.client() as client:
            one = Customer(client, one.id)
            await one.ask("POST", f"endpoints/{endpoint['id']}/resume")
            found = {one["event"]: one["status"] for one in await one.final()}
    assert found == {damaged["id"]: "failed", whole["id"]: "succeeded"}
