"""Where servers keep what they have: a SQLite file, or a database of PostgreSQL that has its tables."""

import subprocess
import sys
from pathlib import Path

from tests.support.process import ServerProcess, server_environment

SECRET_KEY = "5e" * 32
LOOPBACK = ("--allow-net", "127.0.0.0/8")


class Place:
    """A folder for logs, and the database: of SQLite a file in it, where `url` is None.

    Its mutable state is how many servers it has had.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.url = url
        self._servers = 0

    @property
    def embedded(self) -> bool:
        return self.url is None

    def server(self, *flags: str, url: str | None = None, program: tuple[str, ...] = ()) -> ServerProcess:
        """A server that is not started; with PostgreSQL one of many.

        `url` is another way to the database, `program` what runs instead of `hookferry`.
        """
        self._servers += 1
        environ: dict[str, str | None] = {}
        folder = self.folder
        if self.url is not None:
            environ = {"HOOKFERRY_DATABASE": url or self.url, "HOOKFERRY_SECRET_KEY": SECRET_KEY}
            folder = self.folder / str(self._servers)
            folder.mkdir()
        return ServerProcess(folder, *LOOPBACK, *flags, env=environ, program=program)


def make_tables(url: str) -> None:
    """Apply all migrations."""
    given = {"HOOKFERRY_DATABASE": url, "HOOKFERRY_SECRET_KEY": SECRET_KEY}
    command = [sys.executable, "-m", "hookferry", "migrate", "up"]
    subprocess.run(command, env=server_environment(given), check=True, capture_output=True)
