import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookferry.errors import Conflict, Invalid
from hookferry.model import Endpoint, Secret
from hookferry.service.forms import NewEndpoint, NewTenant, Rotation
from hookferry.service.secrets import MOST_LIVE, live, rotated
from hookferry.service.services import Services
from tests.store.world import sqlite_store
from tests.support.clock import ManualClock
from tests.support.services import House

CHOSEN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def endpoint(services: Services) -> Endpoint:
    return await services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))


async def test_rotate(services: Services, clock: ManualClock, endpoint: Endpoint) -> None:
    """The old secret stays valid for the contract's overlap."""
    rotated = await services.secrets.rotate("demo", endpoint.id, Rotation(secret=CHOSEN))
    overlap = services.contracts.of(services.tenants.get("demo")).overlap
    old = Secret(endpoint.secrets[0].value, clock.now() + int(overlap * 1000))
    assert rotated.secrets == (Secret(CHOSEN), old)


async def test_rotate_at_once(services: Services, endpoint: Endpoint) -> None:
    """Without an overlap the old secret ends at once."""
    rotated = await services.secrets.rotate("demo", endpoint.id, Rotation(secret=CHOSEN, overlap=0))
    assert rotated.secrets == (Secret(CHOSEN),)


async def test_overlap_without_room(services: Services) -> None:
    """Where a header has room for one signature, no overlap is promised that receivers would not see."""
    await services.tenants.create(NewTenant(id="boxes", name="Boxes", contract="opentrack"))
    wanted = NewEndpoint(url="https://example.com/", secret="s3cr3t")
    endpoint = await services.endpoints.create("boxes", wanted)
    with pytest.raises(Invalid, match="ends at once"):
        await services.secrets.rotate("boxes", endpoint.id, Rotation(secret="n3w", overlap=60))


async def test_too_many(services: Services, endpoint: Endpoint) -> None:
    """An endpoint has at most five secrets that are valid."""
    for _ in range(MOST_LIVE - 1):
        await services.secrets.rotate("demo", endpoint.id, Rotation())
    with pytest.raises(Conflict):
        await services.secrets.rotate("demo", endpoint.id, Rotation())


async def test_reveal_live_only(services: Services, clock: ManualClock, endpoint: Endpoint) -> None:
    """A secret whose overlap is over is not revealed."""
    await services.secrets.rotate("demo", endpoint.id, Rotation(secret=CHOSEN, overlap=60))
    clock.advance(60)
    assert services.secrets.reveal("demo", endpoint.id).secrets == (Secret(CHOSEN),)


async def test_remove(services: Services) -> None:
    """A secret that was the customer's choice can be taken away."""
    await services.tenants.create(NewTenant(id="boxes", name="Boxes", contract="opentrack"))
    wanted = NewEndpoint(url="https://example.com/", secret="s3cr3t")
    endpoint = await services.endpoints.create("boxes", wanted)
    assert (await services.secrets.remove("boxes", endpoint.id)).secrets == ()


async def test_remove_a_needed_one(services: Services, endpoint: Endpoint) -> None:
    """A secret that the contract needs cannot be taken away."""
    with pytest.raises(Invalid):
        await services.secrets.remove("demo", endpoint.id)


async def test_suggestion(services: Services) -> None:
    """A suggested secret is one that the tenant may choose, and another one each time."""  # Y-21
    await services.tenants.create(NewTenant(id="data", name="Data", contract="y42"))
    suggested = {services.secrets.suggest("data") for _ in range(3)}
    wanted = [NewEndpoint(url="https://example.com/", secret=secret) for secret in suggested]
    made = [await services.endpoints.create("data", one) for one in wanted]
    assert {endpoint.secrets[0].value for endpoint in made} == suggested


async def test_rotation_makes_one_of_the_contracts_size(services: Services) -> None:
    """A secret that nobody chose has the size that the contract says."""
    await services.tenants.create(NewTenant(id="data", name="Data", contract="y42"))
    made = await services.endpoints.create("data", NewEndpoint(url="https://example.com/"))
    rotated = await services.secrets.rotate("data", made.id, Rotation())
    assert len(rotated.secrets[0].value) == 40


TIMES = st.integers(0, 1000)
SECRETS = st.lists(st.builds(Secret, st.text(), st.none() | TIMES), max_size=MOST_LIVE - 1).map(
    tuple[Secret, ...]
)


@given(SECRETS, TIMES, st.floats(0, 10))
def test_rotation_ends_old_secrets(secrets: tuple[Secret, ...], now: int, overlap: float) -> None:
    """Whatever there was, an old secret that is kept ends within the overlap."""
    kept = rotated(secrets, Secret("new"), now, overlap)[1:]
    assert all(now < (old.expires_at or 0) <= now + overlap * 1000 + 1 for old in kept)


@given(SECRETS, TIMES)
def test_live(secrets: tuple[Secret, ...], now: int) -> None:
    """What has ended is not live, and everything else is."""
    ended = [secret for secret in secrets if secret.expires_at is not None and secret.expires_at <= now]
    assert len(live(secrets, now)) == len(secrets) - len(ended)


async def test_unreadable(tmp_path: Path, clock: ManualClock) -> None:
    """An endpoint whose secrets cannot be read is not changed: their loss would be made final."""
    path = tmp_path / "damaged.db"
    store = sqlite_store(path, clock)
    await store.open()
    house = House(store, clock)
    await house.services.tenants.create(NewTenant(id="demo", name="Demo"))
    endpoint = await house.services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update endpoints set sealed = zeroblob(64)")
    store = sqlite_store(path, clock)
    await store.open()
    with pytest.raises(Conflict):
        await House(store, clock).services.endpoints.pause("demo", endpoint.id)
    await store.close()
