"""Server processes on one PostgreSQL database, and the commands that open it."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import LOOPBACK
from tests.support.process import ADMIN_KEY, ServerProcess, server_environment

SECRET_KEY = "a secret key that all machines share, 40"


def environment(url: str) -> dict[str, str | None]:
    """The settings that all machines of a database have."""
    return {
        "HOOKFERRY_ADMIN_KEY": ADMIN_KEY,
        "HOOKFERRY_DATABASE": url,
        "HOOKFERRY_SECRET_KEY": SECRET_KEY,
    }


def spawn(folder: Path, *args: str, **env: str | None) -> "subprocess.Popen[str]":
    """Start a command as a process of its own; do not wait for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "hookferry", *args],
        cwd=folder,
        env=server_environment({"HOOKFERRY_ADMIN_KEY": ADMIN_KEY, **env}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def command(folder: Path, url: str, *args: str, **env: str | None) -> tuple[int, str]:
    """Run a command to its end; its exit code, and what it printed and said."""
    process = spawn(folder, *args, **{**environment(url), **env})
    printed, said = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, printed + said


def machine(folder: Path, url: str, *flags: str, **env: str | None) -> ServerProcess:
    """One of the machines on a database; `folder` is its own."""
    folder.mkdir(exist_ok=True)
    return ServerProcess(folder, *LOOPBACK, *flags, env={**environment(url), **env})


async def migrate(folder: Path, url: str, **env: str | None) -> None:
    """Bring the database to this version, as a deploy does."""
    code, said = await command(folder, url, "migrate", "up", **env)
    assert code == 0, said
