"""Durations and sizes as people write them: "30s", "15m", "7d"; "64KiB"."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_QUANTITY = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s?([A-Za-z]*)", re.ASCII)


def read_duration(text: str) -> float:
    """Seconds from a number with one of the units ms, s, m, h, d. Raises ValueError."""
    number, unit = _split(text)
    if unit not in _SECONDS:
        raise ValueError('a duration such as "30s", "15m" or "7d"')
    return number * _SECONDS[unit]


def write_duration(seconds: float) -> str:
    """The shortest text that `read_duration` turns into these seconds."""
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms"


def read_size(text: str) -> int:
    """Bytes from a number, alone or with one of the units B, KiB, MiB, GiB. Raises ValueError."""
    number, unit = _split(text)
    if unit not in _BYTES or (size := number * _BYTES[unit]) % 1:
        raise ValueError('a size such as "65536" or "64KiB"')
    return int(size)


def write_size(size: int) -> str:
    """The shortest text that `read_size` turns into these bytes."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return str(size)


def _split(text: str) -> tuple[float, str]:
    found = _QUANTITY.fullmatch(text.strip())
    return (float(found[1]), found[2]) if found else (0.0, "?")
