"""Milliseconds since 1970 to ISO 8601 and back."""

from datetime import UTC, datetime
from functools import lru_cache


def iso(time: int) -> str:
    """`2026-01-31T12:00:00.123Z` for milliseconds since 1970 (RFC 3339)."""
    return f"{_second(time // 1000)}.{time % 1000:03d}Z"


# Times come in clusters: a log writes thousands of the same second.
@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
