"""/v1/tenants/{tenant}/tail"""

from collections.abc import AsyncGenerator

import msgspec
from litestar import get
from litestar.response import Stream

from hookferry.api.attempts import TailRecord
from hookferry.api.parameters import Id, Services, Who
from hookferry.model import Permission
from hookferry.store.values import Watched

# Seconds. Proxies cut what is silent for longer than 30 to 60.
_HEARTBEAT = 15.0


@get("/tenants/{tenant:str}/tail", needs=Permission.EVENTS_READ, sync_to_thread=False, tags=["Deliveries"])
def tail(services: Services, principal: Who, tenant: Id) -> Stream:
    """Watch attempts.

    Server-sent events, as attempts are settled by whichever process, until the caller goes. Each `attempt`
    has one wide record; `dropped` says how many a slow reader has missed.
    """
    services.tenants.get(tenant)
    return Stream(
        stream(services, principal, tenant),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def stream(
    services: Services, principal: Who, tenant: str, heartbeat: float = _HEARTBEAT
) -> AsyncGenerator[bytes, None]:
    """Settled attempts until the key ends or the process stops; a comment when nothing happens."""
    reader = services.tail.open(tenant)
    try:
        await reader.begun.wait()
        yield b": connected\n\n"
        while not reader.closed and services.keys.lives(principal):
            taken, dropped = await reader.take(heartbeat)
            if dropped:
                yield b'event: dropped\ndata: {"count":%d}\n\n' % dropped
            yield b"".join(map(_event, taken)) or b": nothing\n\n"
    finally:
        services.tail.leave(reader)


def _event(watched: Watched) -> bytes:
    record = msgspec.json.encode(TailRecord.of(watched))
    return b"event: attempt\nid: %b\ndata: %b\n\n" % (watched.attempt.id.encode(), record)
