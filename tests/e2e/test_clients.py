"""Real deliveries, verified by the official library of receivers."""

import base64
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from hookferry.receiver import Answer, Arrival, Receiver
from tests.e2e.customer import Customer


def verifies(arrival: Arrival, secret: str) -> bool:
    """What `standardwebhooks` says."""
    try:
        Webhook(secret).verify(arrival.body, dict(arrival.headers))
    except WebhookVerificationError:
        return False
    return True


async def deliver(tenant: Customer, receiver: Receiver) -> Arrival:
    """Publish an event; its arrival."""
    count = receiver.count
    await tenant.publish({"name": "é ☃ 😀", "total": 1.0})
    return (await receiver.wait_for(count + 1))[-1]


async def rotated(tenant: Customer, receiver: Receiver, *overlaps: float) -> tuple[Arrival, Sequence[str]]:
    """A delivery after so many rotations, and all secrets there were, oldest first."""
    endpoint = await tenant.register(receiver.url)
    secrets = [endpoint["secret"]]
    for overlap in overlaps:
        answer = await tenant.ask("POST", f"endpoints/{endpoint['id']}/rotate", {"overlap": overlap})
        secrets.append(answer["secret"])
    return await deliver(tenant, receiver), secrets


async def test_a_delivery(tenant: Customer) -> None:
    """A delivery verifies with the secret that registering it gave."""
    async with Receiver() as receiver:
        endpoint = await tenant.register(receiver.url)
        assert verifies(await deliver(tenant, receiver), endpoint["secret"])


async def test_a_secret_of_the_customers(tenant: Customer) -> None:
    """A delivery verifies with the secret that the customer chose."""
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    async with Receiver() as receiver:
        await tenant.register(receiver.url, secret=secret)
        assert verifies(await deliver(tenant, receiver), secret)


async def test_a_changed_byte(tenant: Customer) -> None:
    """A body that was changed on its way does not verify."""
    async with Receiver() as receiver:
        endpoint = await tenant.register(receiver.url)
        arrival = await deliver(tenant, receiver)
    changed = arrival.body.replace(b"1.0", b"1.1")
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(changed, dict(arrival.headers))


async def test_a_retry(tenant: Customer) -> None:
    """A retry verifies as well, with the same id."""
    async with Receiver(answers=[Answer(500), Answer(200)]) as receiver:
        endpoint = await tenant.register(receiver.url)
        await tenant.publish()
        await receiver.wait_for(1)
        async with tenant.tail():
            (delivery,) = await tenant.deliveries()
            # Its next attempt is seconds away; a retry by hand is now.
            await tenant.client.post(tenant.path(f"deliveries/{delivery['id']}/retry"))
        arrivals = await receiver.wait_for(2)
    assert [(one.id, verifies(one, endpoint["secret"])) for one in arrivals] == [(arrivals[0].id, True)] * 2


async def test_both_secrets_in_the_overlap(tenant: Customer) -> None:
    """Within the overlap of a rotation the old and the new secret verify."""
    async with Receiver() as receiver:
        arrival, secrets = await rotated(tenant, receiver, 3600)
    assert [verifies(arrival, secret) for secret in secrets] == [True, True]


async def test_no_overlap(tenant: Customer) -> None:
    """Without an overlap only the new secret verifies."""
    async with Receiver() as receiver:
        arrival, secrets = await rotated(tenant, receiver, 0)
    assert [verifies(arrival, secret) for secret in secrets] == [False, True]


async def test_overlaps_end_together(tenant: Customer) -> None:
    """A rotation without an overlap ends all older secrets."""
    async with Receiver() as receiver:
        arrival, secrets = await rotated(tenant, receiver, 3600, 3600, 0)
    assert [verifies(arrival, secret) for secret in secrets] == [False, False, False, True]


async def test_ed25519(tenant: Customer) -> None:
    """An endpoint with a key pair sends a second signature, which its public key verifies."""
    async with Receiver() as receiver:
        endpoint = await tenant.register(receiver.url, ed25519=True)
        arrival = await deliver(tenant, receiver)
    headers = dict(arrival.headers)
    signature = next(s for s in headers["webhook-signature"].split(" ") if s.startswith("v1a,"))
    key = base64.b64decode(endpoint["public_key"].removeprefix("whpk_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + arrival.body
    # Raises InvalidSignature.
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature[4:]), content)


async def test_both_kinds(tenant: Customer) -> None:
    """Beside the second signature the first still verifies."""
    async with Receiver() as receiver:
        endpoint = await tenant.register(receiver.url, ed25519=True)
        assert verifies(await deliver(tenant, receiver), endpoint["secret"])


async def test_a_test_event(tenant: Customer) -> None:
    """The test of an endpoint verifies."""
    async with Receiver() as receiver:
        endpoint = await tenant.register(receiver.url)
        await tenant.ask("POST", f"endpoints/{endpoint['id']}/test")
        (arrival,) = await receiver.wait_for(1)
    assert verifies(arrival, endpoint["secret"])
