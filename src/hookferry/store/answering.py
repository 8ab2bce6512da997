"""Telling those who wait for a commit what became of what they asked for."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

Done = Callable[[list[tuple[Any, Any]]], None]
"""Told, on the event loop, the members of one commit with their results, which may be exceptions."""

Waits = asyncio.Future[Any] | Done


def answer(results: Iterable[tuple[Waits, Any, Any]]) -> None:
    """Who waits, a member and its result: a future gets its own, a function all of its own at once."""
    posted: dict[Done, list[tuple[Any, Any]]] = {}
    for waits, member, result in results:
        if not isinstance(waits, asyncio.Future):
            posted.setdefault(waits, []).append((member, result))
        elif waits.cancelled():
            continue
        elif isinstance(result, BaseException):
            waits.set_exception(result)
        else:
            waits.set_result(result)
    for done, members in posted.items():
        done(members)
