"""Programs that refuse to run as root, run by root: as `nobody`, who is on every machine."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ROOT = os.getuid() == 0
_NOBODY = pwd.getpwnam("nobody")
_AS_NOBODY: dict[str, Any] = (
    {"user": _NOBODY.pw_uid, "group": _NOBODY.pw_gid, "extra_groups": ()} if _ROOT else {}
)


def own(folder: Path) -> None:
    """Make a folder, and all in it, the user's that `run` and `spawn` take."""
    for path in (folder, *folder.rglob("*")) if _ROOT else ():
        os.chown(path, _NOBODY.pw_uid, _NOBODY.pw_gid, follow_symlinks=False)


def run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, in a folder. Raises PermissionError if it is closed to the user."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, **_AS_NOBODY)


def spawn(command: Sequence[str | Path], folder: Path) -> subprocess.Popen[bytes]:
    """Start a program that Ctrl-C on us does not reach. We hold its input."""
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **_AS_NOBODY,
    )
