"""What `doctor` looks at where everything is in a SQLite file."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator

from hookferry.cli.finding import Finding, State, private
from hookferry.config import Settings

_SLOW_FSYNC = 0.02
_LITTLE_DISK = 1024**3
_NO_DISK = 100 * 1024**2
_SQLITE_HEADER = b"SQLite format 3\0"


def check_all(settings: Settings) -> Iterator[Finding]:
    """Every check in turn."""
    for check in (_database, _sync, _disk, _key_file):
        yield check(settings)


def _database(settings: Settings) -> Finding:
    path = settings.database_file()
    if not path.exists():
        return Finding("database", State.OK, f"{path} will be made")
    try:
        with path.open("r+b") as file:
            head = file.read(len(_SQLITE_HEADER))
    except OSError as error:
        return Finding("database", State.FAIL, f"{path}: {error.strerror}", "Run as its owner, or chown it.")
    if head not in (_SQLITE_HEADER, b""):
        return Finding("database", State.FAIL, f"{path} is no SQLite file", "Name another with --database.")
    return Finding("database", State.OK, f"{path}, {path.stat().st_size:,} bytes")


def _sync(settings: Settings) -> Finding:
    folder = settings.database_file().absolute().parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".hookferry-doctor-") as file:
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            took = time.perf_counter() - start
    except OSError as error:
        return Finding("disk sync", State.FAIL, f"{folder}: {error.strerror}", "Make the folder writable.")
    if took > _SLOW_FSYNC:
        return Finding("disk sync", State.WARN, f"{took * 1000:.1f} ms", "A faster disk publishes faster.")
    return Finding("disk sync", State.OK, f"{took * 1000:.1f} ms")


def _disk(settings: Settings) -> Finding:
    folder = settings.database_file().absolute().parent
    if not folder.exists():
        return Finding("free disk", State.FAIL, f"there is no folder {folder}", f"mkdir -p {folder}")
    free = shutil.disk_usage(folder).free
    state = State.FAIL if free < _NO_DISK else State.WARN if free < _LITTLE_DISK else State.OK
    return Finding("free disk", state, f"{free / 1024**3:.1f} GiB", "" if state == State.OK else "Make room.")


def _key_file(settings: Settings) -> Finding:
    path = settings.database_file()
    path = path.with_name(path.name + ".key")
    if settings.secret_key is not None:
        return Finding("secret key", State.OK, "HOOKFERRY_SECRET_KEY is set")
    return (
        private("secret key", path)
        if path.exists()
        else Finding("secret key", State.OK, f"{path} will be made")
    )
