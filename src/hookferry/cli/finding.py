"""What a check of `doctor` found."""

import stat
from enum import StrEnum
from pathlib import Path

import msgspec


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """What a check found. `advice` says what to do, where there is something to do."""

    check: str
    state: State
    found: str
    advice: str = ""


def warned(check: str, found: str, advice: str) -> Finding:
    """All is well without an advice, and not quite with one."""
    return Finding(check, State.WARN if advice else State.OK, found, advice)


def private(check: str, path: Path) -> Finding:
    """Whether a file is its owner's alone."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(
            check, State.FAIL, f"{path} has mode {mode:o}", f"Others can read it: chmod 600 {path}"
        )
    return Finding(check, State.OK, f"{path}, mode {mode:o}")
