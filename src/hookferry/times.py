"""Milliseconds since 1970 to ISO 8601 and back."""

from datetime import UTC, datetime


def iso(time: int) -> str:
    """`2026-01-31T12:00:00.123Z` for milliseconds since 1970 (RFC 3339)."""
    seconds, millis = divmod(time, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"
