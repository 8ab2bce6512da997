"""Deleting, pausing, resuming and forgetting, with work under way."""

import asyncio
from pathlib import Path
from typing import Any

from hookferry.receiver import Answer, Receiver
from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import Customer, customer, running
from tests.e2e.test_start import hookferry
from tests.support.hostile import OK, answers, hostile
from tests.support.process import ServerProcess

DOWN = [Answer(500)]


async def failing(tenant: Customer, receiver: Receiver, events: int = 3) -> Any:
    """An endpoint of which so many deliveries wait for their second attempt."""
    endpoint = await tenant.register(receiver.url)
    async with tenant.tail() as records:
        for _ in range(events):
            await tenant.publish()
        for _ in range(events):
            await anext(records)
    return endpoint


async def test_delete_an_endpoint(tenant: Customer) -> None:
    """What waits for a deleted endpoint is cancelled, and the answer says how much that was."""
    async with Receiver(answers=DOWN) as receiver:
        endpoint = await failing(tenant, receiver)
        deleted = await tenant.ask("DELETE", f"endpoints/{endpoint['id']}")
    assert (deleted["cancelled"], await tenant.statuses()) == (3, ["cancelled"] * 3)


async def cancellations(tenant: Customer) -> float:
    """How many deliveries the metrics say were cancelled."""
    metrics = (await tenant.client.get("/metrics")).text
    name = 'hookferry_unsuccessful_total{status="cancelled"} '
    return sum(float(line.removeprefix(name)) for line in metrics.splitlines() if line.startswith(name))


async def test_a_deleted_tenants_deliveries_are_counted(tenant: Customer) -> None:
    """Nobody can list them any more: the metrics say how many were cancelled."""
    before = await cancellations(tenant)
    async with Receiver(answers=DOWN) as receiver:
        await failing(tenant, receiver)
        await tenant.client.delete(f"/v1/tenants/{tenant.id}")
    assert await cancellations(tenant) - before == 3


async def test_a_delivery_cancelled_by_hand_is_counted(tenant: Customer) -> None:
    """In the same place."""
    before = await cancellations(tenant)
    async with Receiver(answers=DOWN) as receiver:
        await failing(tenant, receiver, events=1)
        (delivery,) = await tenant.deliveries()
        await tenant.ask("POST", f"deliveries/{delivery['id']}/cancel")
    assert await cancellations(tenant) - before == 1


async def test_delete_a_paused_endpoint(tenant: Customer) -> None:
    """What is held for a deleted endpoint is cancelled."""
    endpoint = await tenant.register("http://127.0.0.1:9")
    await tenant.ask("POST", f"endpoints/{endpoint['id']}/pause")
    await tenant.publish()
    await tenant.ask("DELETE", f"endpoints/{endpoint['id']}")
    assert await tenant.statuses() == ["cancelled"]


async def test_delete_an_endpoint_in_flight(tenant: Customer) -> None:
    """A request that was on its way when its endpoint was deleted ends the delivery for good."""
    told = asyncio.Event()

    async def script(peer: Any) -> None:
        await peer.request()
        await told.wait()
        await peer.send(OK.replace(b"200", b"500"))
        await peer.gone()

    async with hostile(script) as receiver:
        endpoint = await tenant.register(receiver.url())
        await tenant.publish()
        await receiver.asked()
        async with tenant.tail() as records:
            await tenant.ask("DELETE", f"endpoints/{endpoint['id']}")
            told.set()
            await anext(records)
        assert (await ending(tenant))["status"] == "cancelled"


async def ending(tenant: Customer) -> Any:
    """The only delivery, once it is final; the keeper ends it within seconds, and nothing tells when."""
    async with asyncio.timeout(15):
        while True:
            (delivery,) = await tenant.deliveries()
            if delivery["status"] != "pending":
                return delivery
            await asyncio.sleep(0.05)


async def test_the_history_of_a_deleted_endpoint(tenant: Customer) -> None:
    """The attempts at a deleted endpoint are still there."""
    async with Receiver() as receiver:
        endpoint = await tenant.register(receiver.url)
        await tenant.publish()
        (delivery,) = await tenant.final()
        await tenant.ask("DELETE", f"endpoints/{endpoint['id']}")
    assert [attempt["status_code"] for attempt in await tenant.attempts(delivery["id"])] == [200]


async def test_delete_a_tenant(tenant: Customer) -> None:
    """What waits for a deleted tenant is cancelled, and the answer says how much that was."""
    async with Receiver(answers=DOWN) as receiver:
        await failing(tenant, receiver)
        answer = await tenant.client.delete(f"/v1/tenants/{tenant.id}")
    assert answer.json() == {"id": tenant.id, "deleted": True, "cancelled": 3}


async def test_a_deleted_tenants_key(tenant: Customer) -> None:
    """A deleted tenant's key ends at once."""
    asked = {"tenant": tenant.id, "permissions": ["events:write"]}
    key = (await tenant.client.post("/v1/keys", json=asked)).json()["key"]
    await tenant.client.delete(f"/v1/tenants/{tenant.id}")
    answer = await tenant.client.post(
        tenant.path("events"), json={"type": "a", "payload": 1}, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 401


async def test_pause(tenant: Customer) -> None:
    """What is published for a paused endpoint is held, and sent in its order once it is resumed."""
    async with Receiver() as receiver:
        endpoint = await tenant.register(receiver.url)
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/pause")
        sent = [(await tenant.publish())["id"] for _ in range(3)]
        held = [delivery["held"] for delivery in await tenant.deliveries()]
        before = receiver.count
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/resume")
        arrived = {arrival.id for arrival in await receiver.wait_for(3)}
    assert (held, before, arrived) == ([True] * 3, 0, set(sent))


async def test_pause_holds_retries(tenant: Customer) -> None:
    """Retries wait while their endpoint is paused, and are due at once when it is resumed."""
    async with Receiver(answers=[Answer(500), Answer(200)]) as receiver:
        endpoint = await failing(tenant, receiver, events=1)
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/pause")
        (held,) = await tenant.deliveries()
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/resume")
        (delivery,) = await tenant.final()
    assert (held["held"], held["next_attempt_at"], delivery["status"]) == (True, None, "succeeded")


async def test_gone(tenant: Customer) -> None:
    """410 disables an endpoint, and resuming it lets it receive again."""
    async with Receiver(answers=[Answer(410), Answer(200)]) as receiver:
        endpoint = await failing(tenant, receiver, events=1)
        disabled = await tenant.ask("GET", f"endpoints/{endpoint['id']}")
        ignored = await tenant.publish()
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/resume")
        await tenant.publish()
        await receiver.wait_for(2)
        await tenant.final()
    assert (disabled["status"], ignored["deliveries"], await tenant.statuses()) == (
        "disabled",
        0,
        ["failed", "succeeded"],
    )


async def test_change_the_url(tenant: Customer) -> None:
    """What waits goes to the new URL."""
    async with Receiver(answers=DOWN) as old, Receiver() as new:
        endpoint = await failing(tenant, old, events=1)
        await tenant.ask("PATCH", f"endpoints/{endpoint['id']}", {"url": new.url})
        (delivery,) = await tenant.deliveries()
        await tenant.ask("POST", f"deliveries/{delivery['id']}/retry")
        await new.wait_for(1)


# Retention


async def delivered(server: ServerProcess, flags: tuple[str, ...]) -> str:
    """Deliver an event, stop the server and prune its database; the event's tenant."""
    async with hostile(answers(OK)) as receiver, running(server), customer(server) as tenant:
        await tenant.register(receiver.url())
        await tenant.publish()
        await tenant.final()
        server.stop()
    database = f"sqlite:///{server.folder}/hookferry.db"
    done = await asyncio.to_thread(
        hookferry, "prune", *flags, "--database", database, HOOKFERRY_SECRET_KEY=None
    )
    assert done.code == 0, done.said
    return tenant.id


async def test_prune(tmp_path: Path) -> None:
    """`prune` on a stopped server's database takes what is older than the retention."""
    server = ServerProcess(tmp_path, *LOOPBACK)
    id = await delivered(server, ("--retention", "1ms"))
    async with running(server), server.client() as client:
        tenant = Customer(client, id)
        assert [await tenant.events(), await tenant.deliveries()] == [[], []]


async def test_prune_bodies(tmp_path: Path) -> None:
    """Payloads and answers may go before the rest."""
    server = ServerProcess(tmp_path, *LOOPBACK)
    id = await delivered(server, ("--body-retention", "1ms"))
    async with running(server), server.client() as client:
        tenant = Customer(client, id)
        (event,), (delivery,) = await tenant.events(), await tenant.deliveries()
        (attempt,) = await tenant.attempts(delivery["id"])
        payload = (await tenant.ask("GET", f"events/{event['id']}"))["payload"]
    assert (payload, attempt["request"]["body"], attempt["response"]["body"]) == (None, "", "")


async def test_prune_in_the_background(tmp_path: Path) -> None:
    """A server forgets by itself what is older than the retention."""
    server = ServerProcess(tmp_path, *LOOPBACK)
    id = await delivered(server, ())
    async with (
        running(ServerProcess(tmp_path, *LOOPBACK, "--retention", "1ms")) as server,
        server.client() as client,
        asyncio.timeout(10),
    ):
        while await Customer(client, id).deliveries():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)  # the keeper does it as it starts; nothing tells that it has


async def test_what_waits_is_not_pruned(tmp_path: Path) -> None:
    """What still waits is kept whatever its age, with its payload."""
    server = ServerProcess(tmp_path, *LOOPBACK, "--retention", "1ms")
    async with running(server), customer(server) as tenant:
        endpoint = await tenant.register("http://127.0.0.1:9")
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/pause")
        await tenant.publish({"kept": True})
        server.stop()
    database = f"sqlite:///{tmp_path}/hookferry.db"
    flags = ("--retention", "1ms", "--database", database)
    await asyncio.to_thread(hookferry, "prune", *flags, HOOKFERRY_SECRET_KEY=None)
    async with Receiver() as receiver, running(server), server.client() as client:
        again = Customer(client, tenant.id)
        await again.ask("PATCH", f"endpoints/{endpoint['id']}", {"url": receiver.url})
        await again.ask("POST", f"endpoints/{endpoint['id']}/resume")
        (arrival,) = await receiver.wait_for(1)
    assert b'"data":{"kept":true}' in arrival.body
