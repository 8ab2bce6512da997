"""API keys: made, listed, revoked, and checked at each request."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence

from msgspec import UNSET

from hookferry.clock import Clock
from hookferry.errors import Invalid, NotFound, Unauthenticated
from hookferry.ids import IdMaker
from hookferry.model import Key, Permission
from hookferry.service.contracts import Contracts
from hookferry.service.forms import NewKey, millis
from hookferry.service.principal import OPERATOR, Principal
from hookferry.service.rules import check_text
from hookferry.store.base import Store

# 256 bits, twice what FAULTS asks for: a key is never worth guessing.
_RANDOM_BYTES = 32
_SHOWN = 6
_DEFAULT_PREFIX = "hf_"


class Keys:
    """Keys are kept as SHA-256 only: a text of 256 random bits needs no salt and no slow hash.

    `randomness` gives that many random bytes. `admin_key` is the first key, from the settings.
    The mutable state is when keys were used since that was last written down.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdMaker,
        contracts: Contracts,
        randomness: Callable[[int], bytes],
        admin_key: str | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._contracts = contracts
        self._randomness = randomness
        self._used: dict[str, int] = {}
        self._admin = _digest(admin_key) if admin_key else None

    def authenticate(self, token: str) -> Principal:
        """The holder of a key's text. Raises Unauthenticated.

        Called for each publish: a hash, a look-up and a comparison of times. The look-up is by digest,
        so that its timing says nothing about the key.
        """
        digest = _digest(token)
        key = self._store.directory.key(digest)
        if key is None:
            if self._admin is not None and hmac.compare_digest(digest, self._admin):
                return OPERATOR
            raise Unauthenticated("This key is unknown or was revoked.")
        now = self._clock.now()
        if key.expires_at is not None and key.expires_at <= now:
            raise Unauthenticated("This key has expired.")
        self._used[key.id] = now
        return Principal(key.id, key.tenant, self._store.directory.permissions(key))

    async def note_uses(self) -> None:
        """Write down when keys were last used: from time to time, not at each request."""
        if self._used:
            used, self._used = self._used, {}
            await self._store.touch_keys(used)

    def lives(self, principal: Principal) -> bool:
        """True while the principal's key is neither revoked nor expired, and allows all that it did.

        For answers that go on for hours.
        """
        if principal is OPERATOR:
            return True
        key = self._store.directory.keys.get(principal.key)
        return (
            key is not None
            and (key.expires_at is None or key.expires_at > self._clock.now())
            and self._store.directory.permissions(key) >= principal.permissions
        )

    def list(self, principal: Principal) -> Sequence[Key]:
        """The keys that the principal may see, newest first."""
        found = [key for key in self._store.directory.keys.values() if principal.sees(key.tenant)]
        return sorted(found, key=lambda key: key.id, reverse=True)

    async def create(self, principal: Principal, wanted: NewKey) -> tuple[Key, str]:
        """A new key and its text, which is shown this once.

        A member's key belongs to its member's tenant. Raises NotFound for another tenant or its member,
        Forbidden for a permission that the principal lacks itself, Invalid for a time that has passed.
        """
        if (wanted.member is None) == (wanted.permissions is UNSET):
            raise Invalid(
                "A key has permissions of its own or is a member's: give one of the two.", field="permissions"
            )
        tenant = wanted.tenant if wanted.tenant is not None else self._home(principal, wanted.member)
        principal.require(Permission.ADMIN, tenant)
        check_text("name", wanted.name)
        now = self._clock.now()
        expires_at = None if wanted.expires_at is None else millis(wanted.expires_at, "expires_at")
        if expires_at is not None and expires_at <= now:
            raise Invalid("The key would have expired already.", field="expires_at")
        prefix = self._prefix(tenant)
        text = prefix + urlsafe_b64encode(self._randomness(_RANDOM_BYTES)).rstrip(b"=").decode()
        key = Key(
            id=self._ids.new("key"),
            digest=_digest(text),
            prefix=text[: len(prefix) + _SHOWN],
            name=wanted.name,
            tenant=tenant,
            permissions=frozenset(wanted.permissions or ()),
            created_at=now,
            expires_at=expires_at,
            member=wanted.member,
        )
        await self._store.add_key(key)
        return key, text

    async def delete(self, principal: Principal, id: str) -> None:
        """Revoke a key at once. Raises NotFound, for another tenant's key too."""
        key = self._store.directory.keys.get(id)
        if key is None or not principal.sees(key.tenant):
            raise NotFound(f"There is no key {id!r}.")
        await self._store.delete_key(id)

    def _home(self, principal: Principal, member: str | None) -> str | None:
        """The tenant of a new key that names none: that of the key which asks, or else its member's."""
        if principal.tenant is not None or member is None:
            return principal.tenant
        found = self._store.directory.members.get(member)
        return None if found is None else found.tenant

    def _prefix(self, tenant: str | None) -> str:
        if tenant is None:
            return _DEFAULT_PREFIX
        return self._contracts.of(self._store.directory.tenant(tenant)).access.key_prefix


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
