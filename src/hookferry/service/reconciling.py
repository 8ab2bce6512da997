"""What a change of an endpoint's status means for what waits for it."""

from hookferry.clock import Clock
from hookferry.store.base import Store

# Publishing goes on between two of these commits: one takes a few milliseconds.
_CHUNK = 1_000


async def reconcile(store: Store, clock: Clock, endpoint: str) -> int:
    """Bring all that waits for an endpoint in line with its status: how many deliveries changed."""
    total = 0
    while changed := await store.reconcile(endpoint, clock.now(), _CHUNK):
        total += changed
    return total
