"""An event as a row of the application's table."""

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def new_row(
    tenant: str,
    type: str,
    payload: Any,
    occurred_at: datetime | None,
    changes: Mapping[str, Any] | None,
    scope: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The row's columns. Raises TypeError or ValueError for what is no event."""
    return {
        "id": new_id(time.time_ns()),
        "tenant": _text("tenant", tenant),
        "type": _text("type", type),
        "payload": _json("payload", payload),
        "occurred_at": _time(occurred_at),
        "changes": None if changes is None else _json("changes", changes),
        "scope": None if scope is None else _json("scope", scope),
    }


def new_id(now: int) -> str:
    """An id as `hookferry.ids` has them, for nanoseconds since 1970.

    It counts nothing up, so that threads and forked processes need no lock: what follows the milliseconds are
    the nanoseconds within them, which keep one process's rows in order, and 44 random bits.
    """
    milliseconds, rest = divmod(now, 1_000_000)
    return f"out_{milliseconds:012x}{rest:05x}{os.urandom(6).hex()[:11]}"


def _text(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"`{name}` is a str, not {value!r}")
    if not value or "\0" in value:
        raise ValueError(f"`{name}` is a text that is not empty and has no NUL, not {value!r}")
    return value


def _json(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        json.loads(value)
        return value.decode()
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"`{name}` has half of a surrogate pair, which is no text: {error}") from None
    return text


def _time(occurred_at: datetime | None) -> str:
    if occurred_at is None:
        occurred_at = datetime.now(UTC)
    elif occurred_at.tzinfo is None:
        raise ValueError("`occurred_at` needs a time zone, such as datetime.now(UTC)")
    return occurred_at.isoformat()
