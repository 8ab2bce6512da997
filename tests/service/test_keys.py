from datetime import UTC, datetime, timedelta

import pytest

from hookferry.errors import Invalid, NotFound, Unauthenticated
from hookferry.model import Permission
from hookferry.service.forms import NewKey, NewTenant
from hookferry.service.principal import OPERATOR, Principal
from hookferry.service.services import Services
from tests.support.clock import ManualClock
from tests.support.services import ADMIN_KEY, House

DEMO_ADMIN = Principal("key_demo", "demo", frozenset({Permission.ADMIN}))


def wanted(tenant: str | None = "demo", expires_at: datetime | None = None) -> NewKey:
    return NewKey(tenant=tenant, permissions=[Permission.EVENTS_READ], expires_at=expires_at)


def in_an_hour(clock: ManualClock) -> datetime:
    return datetime.fromtimestamp(clock.now() / 1000, UTC) + timedelta(hours=1)


async def test_authenticate(services: Services) -> None:
    """A key's text gives its tenant and permissions."""
    key, text = await services.keys.create(OPERATOR, wanted())
    assert services.keys.authenticate(text) == Principal(key.id, "demo", frozenset({Permission.EVENTS_READ}))


@pytest.mark.parametrize("token", ["", "hf_unknown", ADMIN_KEY[:-1], "é\x00"])
def test_unknown(services: Services, token: str) -> None:
    """A text that is no key is refused."""
    with pytest.raises(Unauthenticated):
        services.keys.authenticate(token)


def test_admin_key(services: Services) -> None:
    """The key of the settings is the operator's."""
    assert services.keys.authenticate(ADMIN_KEY) is OPERATOR


async def test_expired(services: Services, clock: ManualClock) -> None:
    """A key ends at its time."""
    _, text = await services.keys.create(OPERATOR, wanted(expires_at=in_an_hour(clock)))
    clock.advance(3600)
    with pytest.raises(Unauthenticated):
        services.keys.authenticate(text)


async def test_revoked(services: Services) -> None:
    """A revoked key ends at once."""
    key, text = await services.keys.create(OPERATOR, wanted())
    await services.keys.delete(OPERATOR, key.id)
    with pytest.raises(Unauthenticated):
        services.keys.authenticate(text)


async def test_only_the_hash(house: House) -> None:
    """The key's text is nowhere in what is kept of it."""
    key, text = await house.services.keys.create(OPERATOR, wanted())
    assert text.removeprefix(key.prefix) not in repr(house.store.directory.keys)


async def test_strength(services: Services) -> None:
    """A key carries 256 bits, in 43 characters after its prefix."""
    _, text = await services.keys.create(OPERATOR, wanted())
    assert (text[:3], len(text)) == ("hf_", 46)


async def test_own_tenant_by_default(services: Services) -> None:
    """A tenant's admin key that names no tenant makes a key for its own."""
    key, _ = await services.keys.create(DEMO_ADMIN, wanted(tenant=None))
    assert key.tenant == "demo"


async def test_other_tenant(services: Services) -> None:
    """A tenant's admin key makes no keys for another tenant."""
    await services.tenants.create(NewTenant(id="other", name="Other"))
    with pytest.raises(NotFound):
        await services.keys.create(DEMO_ADMIN, wanted(tenant="other"))


async def test_unknown_tenant(services: Services) -> None:
    """There is no key for a tenant that does not exist."""
    with pytest.raises(NotFound):
        await services.keys.create(OPERATOR, wanted(tenant="nobody"))


async def test_already_expired(services: Services) -> None:
    """A key that would have expired already is refused."""
    with pytest.raises(Invalid):
        await services.keys.create(OPERATOR, wanted(expires_at=datetime(2001, 1, 1, tzinfo=UTC)))


async def test_list_own(services: Services) -> None:
    """A tenant's admin sees its own tenant's keys only."""
    await services.keys.create(OPERATOR, wanted(tenant=None))
    key, _ = await services.keys.create(OPERATOR, wanted())
    assert services.keys.list(DEMO_ADMIN) == [key]


async def test_delete_foreign(services: Services) -> None:
    """A tenant's admin cannot revoke a key of the deployment."""
    key, _ = await services.keys.create(OPERATOR, wanted(tenant=None))
    with pytest.raises(NotFound):
        await services.keys.delete(DEMO_ADMIN, key.id)


async def test_tenants_keys_end_with_it(services: Services) -> None:
    """Deleting a tenant ends its keys."""
    _, text = await services.keys.create(OPERATOR, wanted())
    await services.tenants.delete("demo")
    with pytest.raises(Unauthenticated):
        services.keys.authenticate(text)


async def test_lives(services: Services, clock: ManualClock) -> None:
    """A principal no longer lives once its key has expired."""
    _, text = await services.keys.create(OPERATOR, wanted(expires_at=in_an_hour(clock)))
    principal = services.keys.authenticate(text)
    clock.advance(3600)
    assert not services.keys.lives(principal)
