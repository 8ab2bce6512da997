"""The application's table as the relay sees it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

import msgspec

from hookferry.errors import HookferryError


class Row(msgspec.Struct, frozen=True):
    """A row that waits. `aged` is true if it is so old that Hookferry may have forgotten its key."""

    id: str
    tenant: str
    type: str
    payload: str
    occurred_at: str | None
    changes: str | None
    scope: str | None
    aged: bool


class Failed(msgspec.Struct, frozen=True):
    """A row that was refused, and why. `failed_at` is ISO 8601."""

    id: str
    tenant: str
    type: str
    failed_at: str
    error: str


class Done(msgspec.Struct):
    """What became of claimed rows. What is in none of these waits on, unclaimed.

    `failed` has the reason for each id, `held` the error for each tenant that has to wait; `trouble` is what
    stood in the way of all.
    """

    claimed: int = 0
    published: list[str] = []
    failed: dict[str, str] = {}
    held: dict[str, HookferryError] = {}
    trouble: HookferryError | None = None


Publish = Callable[[Sequence[Row]], Awaitable[Done]]


class Table(Protocol):
    """A table `hookferry_outbox`. It connects when it is used, and again after a failure.

    Raises Unreachable for a database that does not do its work now, ConfigError for one that never will.
    """

    async def take(self, publish: Publish, limit: int, without: Collection[str]) -> Done:
        """Claim rows, the oldest first and none of these tenants; publish them; delete or mark them.

        All in one transaction: who dies in it leaves the rows as they were. What others have claimed is
        passed over.
        """
        ...

    async def failed(self, limit: int) -> list[Failed]:
        """Rows that were refused, the oldest first."""
        ...

    async def retry(self, id: str | None) -> int:
        """Let a refused row wait again, or all; how many did."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...
