"""docs/operations.md, "Backup": its commands, run beside a living server."""

import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.process import ServerProcess

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"


def commands(number: int) -> list[str]:
    """The commands of a block of the page's section, without `umask`, which is the shell's own."""
    section = PAGE.read_text("utf-8").partition("## Backup")[2].partition("## ")[0]
    block = re.findall(r"```\n(.*?)```", section, re.DOTALL)[number]
    return [line for line in block.splitlines() if not line.startswith("umask")]


def run(folder: Path, number: int) -> None:
    for line in commands(number):
        words = [sys.executable if word == "python3" else word for word in shlex.split(line)]
        subprocess.run(words, cwd=folder, check=True, timeout=30)


async def publish(server: ServerProcess, type: str) -> None:
    async with server.client() as client:
        answer = await client.post("/v1/tenants/acme/events", json={"type": type, "payload": 1})
        assert answer.status_code == 202


async def types(server: ServerProcess) -> list[str]:
    """The types of all events, newest first."""
    async with server.client() as client:
        page = (await client.get("/v1/tenants/acme/events")).json()
        return [event["type"] for event in page["data"]]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server with a tenant `acme`, one event in it, and a backup of that."""
    server = ServerProcess(tmp_path)
    await server.start()
    async with server.client() as client:
        await client.post("/v1/tenants", json={"id": "acme", "name": "Acme"})
    await publish(server, "before")
    run(tmp_path, 0)
    yield server
    server.kill()


async def test_what_is_published_after_a_backup_survives_a_crash(server: ServerProcess) -> None:
    """Another program that reads the database and leaves takes nothing of it along."""
    await publish(server, "after")
    server.kill()
    await server.start()
    assert await types(server) == ["after", "before"]


async def test_a_backup_can_be_restored(server: ServerProcess) -> None:
    """What was there when it was made is there again."""
    await publish(server, "after")
    server.stop()
    run(server.folder, 1)
    await server.start()
    assert await types(server) == ["before"]
