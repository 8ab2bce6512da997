"""Signing secrets: made, rotated with an overlap, revealed."""

from collections.abc import Callable

import msgspec

from hookferry.clock import Clock
from hookferry.contracts import Contract
from hookferry.contracts.keys import NEW_KEY
from hookferry.errors import Conflict, Forbidden, Invalid
from hookferry.model import Endpoint, Secret
from hookferry.service.contracts import Contracts
from hookferry.service.features import open_contract
from hookferry.service.forms import Rotation
from hookferry.service.principal import Principal
from hookferry.store.base import Store

Randomness = Callable[[int], bytes]
"""Gives that many random bytes."""

# Each live secret is one more signature on each request.
MOST_LIVE = 5


def first_secrets(
    contract: Contract, chosen: str | None, randomness: Randomness, by: Principal | None
) -> tuple[Secret, ...]:
    """The secrets of a new endpoint: the caller's, a new one, or none yet.

    Raises Invalid, and Forbidden for a secret that only the operator gives.
    """
    rules = contract.secrets
    if chosen is not None or rules.giver == "generated":
        return (next_secret(contract, chosen, randomness, by),)
    if rules.giver == "customer" and rules.required:
        raise Invalid("This contract needs a secret: choose one.", field="secret")
    return ()


def next_secret(
    contract: Contract, chosen: str | None, randomness: Randomness, by: Principal | None
) -> Secret:
    """The caller's secret, if the contract takes it, or a new one. Raises Invalid, Forbidden."""
    if contract.secrets.giver == "operator" and (by is None or not by.operates):
        raise Forbidden("The operator issues the secret, on request.")
    if chosen is None:
        return Secret(contract.new_secret(randomness(contract.secrets.random)))
    contract.check_secret(chosen)
    return Secret(chosen)


def new_ed25519(contract: Contract, randomness: Randomness) -> Secret:
    """A key for an extra signature."""
    return Secret(contract.new_ed25519(randomness(NEW_KEY)))


def live(secrets: tuple[Secret, ...], now: int) -> tuple[Secret, ...]:
    """Those that sign at this time, newest first."""
    return tuple(secret for secret in secrets if secret.expires_at is None or secret.expires_at > now)


def rotated(secrets: tuple[Secret, ...], new: Secret, now: int, overlap: float) -> tuple[Secret, ...]:
    """The new secret, and the old ones that stay valid for at most `overlap` more seconds.

    Raises Conflict if they would be too many.
    """
    end = now + round(overlap * 1000)
    ends = [(old, end if old.expires_at is None else min(old.expires_at, end)) for old in secrets]
    kept = [Secret(old.value, expires_at) for old, expires_at in ends if expires_at > now]
    if len(kept) >= MOST_LIVE:
        raise Conflict(
            f"The endpoint has {len(kept)} secrets that are still valid; wait, or rotate with overlap 0.",
            field="overlap",
        )
    return (new, *kept)


class Secrets:
    """Suggests, rotates and reveals the secrets of endpoints.

    Raises Forbidden where the contract's feature is off for the tenant.
    """

    def __init__(self, store: Store, clock: Clock, contracts: Contracts, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._contracts = contracts
        self._randomness = randomness

    def suggest(self, tenant: str) -> str:
        """A new secret that a tenant may choose for an endpoint; it is not kept (Y-21).

        Raises NotFound, and Invalid where the contract's secrets cannot be made of random bytes.
        """
        contract = open_contract(self._contracts, self._store.directory.tenant(tenant))
        return contract.new_secret(self._randomness(contract.secrets.random))

    def reveal(self, tenant: str, endpoint: str) -> Endpoint:
        """The endpoint with the secrets that sign now.

        Raises NotFound, Conflict if unreadable, Forbidden (`secret_hidden`) where they are not shown again.
        """
        contract = open_contract(self._contracts, self._store.directory.tenant(tenant))
        if contract.secrets.reveal != "always":
            raise Forbidden("A secret is shown when it is made, and never again.", code="secret_hidden")
        found = self._store.directory.endpoint(tenant, endpoint)
        check_readable(found)
        return msgspec.structs.replace(found, secrets=live(found.secrets, self._clock.now()))

    async def rotate(
        self, tenant: str, endpoint: str, wanted: Rotation, by: Principal | None = None
    ) -> Endpoint:
        """A new secret; the old ones stay for the overlap.

        Raises NotFound, Invalid, Conflict, and Forbidden for a secret that only the operator gives.
        """
        contract = self._changeable(tenant, endpoint)
        new = next_secret(contract, wanted.secret, self._randomness, by)
        overlap = contract.overlap if wanted.overlap is None else wanted.overlap
        if overlap and not contract.overlaps:
            raise Invalid("The old secret ends at once: a signature has room for one.", field="overlap")
        now = self._clock.now()

        def change(old: Endpoint) -> Endpoint:
            check_readable(old)
            secrets = rotated(live(old.secrets, now), new, now, overlap)
            return msgspec.structs.replace(old, secrets=secrets, updated_at=now)

        return await self._store.change_endpoint(tenant, endpoint, change)

    async def remove(self, tenant: str, endpoint: str) -> Endpoint:
        """Sign nothing any more, retries included.

        Raises NotFound, Conflict if unreadable, Invalid where a secret is not the customer's own choice.
        """
        rules = self._changeable(tenant, endpoint).secrets
        if rules.required or rules.giver != "customer":
            raise Invalid("This contract needs a secret: it can be changed, not taken away.", field="secret")
        now = self._clock.now()

        def change(old: Endpoint) -> Endpoint:
            check_readable(old)
            return msgspec.structs.replace(old, secrets=(), updated_at=now)

        return await self._store.change_endpoint(tenant, endpoint, change)

    def _changeable(self, tenant: str, endpoint: str) -> Contract:
        """The contract that says what secret the endpoint may have. Raises NotFound, Invalid, Forbidden."""
        contract = open_contract(self._contracts, self._store.directory.tenant(tenant))
        self._store.directory.endpoint(tenant, endpoint)
        if "secret" not in contract.subscription.mutable:
            raise Invalid("The secret cannot be changed.", field="secret")
        return contract


def check_readable(endpoint: Endpoint) -> None:
    """Raises Conflict if the secrets could not be decrypted: a change would store their absence."""
    if not endpoint.readable:
        raise Conflict(
            "The endpoint's secrets cannot be read with this HOOKFERRY_SECRET_KEY. Start with the key that "
            "encrypted them, or delete the endpoint and register it again.",
            code="unreadable_secret",
        )
