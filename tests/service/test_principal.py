import pytest

from hookferry.errors import Forbidden, NotFound
from hookferry.model import Permission
from hookferry.service.principal import OPERATOR, Principal


def principal(tenant: str | None, *permissions: Permission) -> Principal:
    return Principal("key_1", tenant, frozenset(permissions))


def test_another_tenant() -> None:
    """Another tenant is not found, whatever the permissions."""
    with pytest.raises(NotFound):
        principal("a", Permission.ADMIN).require(Permission.EVENTS_READ, "b")


def test_lacking_permission() -> None:
    """A permission that the key lacks is forbidden."""
    with pytest.raises(Forbidden):
        principal("a", Permission.EVENTS_READ).require(Permission.EVENTS_WRITE, "a")


def test_foreign_before_lacking() -> None:
    """A foreign tenant stays hidden even where the permission is lacking too."""
    with pytest.raises(NotFound):
        principal("a").require(Permission.EVENTS_WRITE, "b")


@pytest.mark.parametrize("permission", [Permission.EVENTS_READ, Permission.ADMIN])
def test_permitted(permission: Permission) -> None:
    """The permission itself passes, and so does admin."""
    principal("a", permission).require(Permission.EVENTS_READ, "a")


def test_operator_everywhere() -> None:
    """The operator may do everything in every tenant."""
    OPERATOR.require(Permission.WEBHOOKS_DELETE, "a")


@pytest.mark.parametrize(("tenant", "permission"), [("a", Permission.ADMIN), (None, Permission.EVENTS_WRITE)])
def test_operator_only(tenant: str | None, permission: Permission) -> None:
    """Neither a tenant's admin nor a deployment's key without admin is the operator."""
    with pytest.raises(Forbidden):
        principal(tenant, permission).require_operator()
