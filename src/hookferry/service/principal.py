"""Who is calling, and what they may touch."""

import msgspec

from hookferry.errors import Forbidden, NotFound
from hookferry.model import Permission


class Principal(msgspec.Struct, frozen=True):
    """The holder of a valid key. `key` is the key's id, `tenant` None means the whole deployment."""

    key: str
    tenant: str | None
    permissions: frozenset[Permission]

    def require(self, permission: Permission | None, tenant: str | None = None) -> None:
        """Let this permission pass, within this tenant if one is named; None asks for any valid key.

        Raises NotFound for another tenant's objects, so that a foreign key learns nothing (FAULTS,
        security of a multi-tenant service), and Forbidden for a lacking permission.
        """
        if tenant is not None and not self.sees(tenant):
            raise NotFound(f"There is no tenant {tenant!r}.")
        if permission is not None and self.permissions.isdisjoint((permission, Permission.ADMIN)):
            raise Forbidden(f"This needs a key with the permission {permission}.")

    def require_operator(self) -> None:
        """Raises Forbidden for all but an admin key of the whole deployment."""
        if not self.operates:
            raise Forbidden("This needs an admin key of the whole deployment.")

    @property
    def operates(self) -> bool:
        """True for an admin key of the whole deployment."""
        return self.tenant is None and Permission.ADMIN in self.permissions

    def sees(self, tenant: str | None) -> bool:
        """True for its own tenant, and for all if it has none."""
        return self.tenant is None or self.tenant == tenant


OPERATOR = Principal("operator", None, frozenset({Permission.ADMIN}))
"""Whoever runs the process: the admin key of the settings, and what the process does for itself."""
