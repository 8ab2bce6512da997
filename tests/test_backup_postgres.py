"""docs/postgresql.md, "Backup": its commands, run beside a living server."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hookferry.receiver import Answer, Receiver
from tests.e2e.customer import Customer, customer, running
from tests.support.place import SECRET_KEY, Place
from tests.support.postgres import Databases
from tests.support.postgres_binaries import binaries

PAGE = Path(__file__).parents[1] / "docs" / "postgresql.md"
RESTORED = "hookferry_restored"


def tools() -> Path | None:
    """The folder of `pg_dump`."""
    try:
        folder = binaries()
    except LookupError:
        return None
    found = folder if (folder / "pg_dump").exists() else shutil.which("pg_dump")
    return found if isinstance(found, Path) else Path(found).parent if found else None


TOOLS = tools()
pytestmark = pytest.mark.skipif(TOOLS is None, reason="there is no pg_dump here")


def run(place: Place, number: int, name: str) -> None:
    """The commands of a block of the page's section, with another name for the new database."""
    section = PAGE.read_text("utf-8").partition("## Backup")[2].partition("\n## ")[0]
    block = re.findall(r"```\n(.*?)```", section, re.DOTALL)[number]
    parts = urlsplit(place.url or "")
    env = {
        **os.environ,
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path[1:],
    }
    for line in block.splitlines():
        if not line.startswith("umask"):
            command, *words = shlex.split(line.replace(RESTORED, name))
            subprocess.run([f"{TOOLS}/{command}", *words], cwd=place.folder, env=env, check=True, timeout=60)


async def test_a_backup_can_be_restored(on_postgres: Place, postgres_server: Databases) -> None:
    """What was there when it was made is there again, and what waited is delivered, signed as before."""
    server = on_postgres.server()
    restored = f"{urlsplit(on_postgres.url or '').path[1:]}_restored"
    async with Receiver(answers=[Answer(503)]) as receiver:
        async with running(server), customer(server) as one:
            endpoint = await one.register(receiver.url + "/hooks")
            receiver.trust("/hooks", endpoint["secret"])
            waiting = (await one.publish(type="before"))["id"]
            await receiver.wait_for(1)
            run(on_postgres, 0, restored)
            await one.publish(type="after")
            server.stop()
        run(on_postgres, 1, restored)
        receiver.answer("/hooks", Answer())
        again = on_postgres.server(url=postgres_server.url(restored))
        async with running(again), again.client() as client:
            same = Customer(client, one.id)
            types = [event["type"] for event in await same.events()]
            (delivery,) = await same.final()
        delivered = [(one.id, one.verified) for one in receiver.arrivals if one.status == 200]
    postgres_server.drop_database(restored)
    assert (types, delivery["status"], delivered) == (["before"], "succeeded", [(waiting, True)])


def test_a_backup_holds_no_secret_key(on_postgres: Place) -> None:
    """It is kept elsewhere."""
    run(on_postgres, 0, "")
    assert SECRET_KEY.encode() not in (on_postgres.folder / "hookferry.dump").read_bytes()
