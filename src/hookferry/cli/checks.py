"""What `doctor` looks at: each check reads the machine and says what it found and what to do."""

import errno
import os
import resource
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

import httpx
import msgspec

from hookferry.config import SETTINGS, Settings

_SLOW_FSYNC = 0.02
_LITTLE_DISK = 1024**3
_NO_DISK = 100 * 1024**2
# Beside the deliveries' connections: the API's, the database's, the logs'.
_OTHER_DESCRIPTORS = 512
# A receiver refuses a signature that is 5 minutes old (Standard Webhooks): warn well before.
_CLOCK_OFF = 30.0
_BUILT = 1_735_689_600  # 2025-01-01: before there was any Hookferry
_SQLITE_HEADER = b"SQLite format 3\0"


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


def check_all(settings: Settings, file: Path, server: bool) -> Iterator[Finding]:
    """Every check in turn. `file` may hold settings; `server` says whether one was named to look at."""
    yield _settings_file(file)
    for check in (_keys, _database, _sync, _disk, _key_file, _descriptors, _port, _clock):
        yield check(settings)
    if server:
        yield from _server(settings)


def _keys(settings: Settings) -> Finding:
    if settings.dev or settings.admin_key:
        return Finding("first key", State.OK, "development" if settings.dev else "HOOKFERRY_ADMIN_KEY is set")
    return Finding(
        "first key",
        State.WARN,
        "none",
        "Set HOOKFERRY_ADMIN_KEY, unless the database has an admin key; `serve` needs one.",
    )


def _settings_file(path: Path) -> Finding:
    if not path.exists():
        return Finding("settings file", State.OK, "none")
    secrets = [name for name, setting in SETTINGS.items() if setting.about.secret]
    holds = any(name in path.read_text("utf-8", "replace") for name in secrets)
    return _private("settings file", path) if holds else Finding("settings file", State.OK, str(path))


def _private(check: str, path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(
            check, State.FAIL, f"{path} has mode {mode:o}", f"Others can read it: chmod 600 {path}"
        )
    return Finding(check, State.OK, f"{path}, mode {mode:o}")


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
        _private("secret key", path)
        if path.exists()
        else Finding("secret key", State.OK, f"{path} will be made")
    )


def _descriptors(settings: Settings) -> Finding:
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.concurrency + _OTHER_DESCRIPTORS
    if limit < needed:
        return Finding(
            "open files", State.WARN, f"{limit} allowed", f"ulimit -n {needed}, or less --concurrency."
        )
    return Finding("open files", State.OK, f"{limit} allowed, {most} at most")


def _port(settings: Settings) -> Finding:
    name = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and _answers(settings):
                return Finding("port", State.OK, f"a Hookferry serves at {name}")
            return Finding(
                "port", State.FAIL, f"{name}: {error.strerror}", "End what uses it, or give --port."
            )
    return Finding("port", State.OK, f"{name} is free")


def _answers(settings: Settings) -> bool:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        return httpx.get(f"http://{host}:{settings.port}/healthz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _clock(settings: Settings) -> Finding:
    now = datetime.now(UTC)
    if now.timestamp() < _BUILT:
        return Finding("clock", State.FAIL, f"{now:%Y-%m-%d}", "Set it: receivers refuse wrong timestamps.")
    return Finding("clock", State.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _server(settings: Settings) -> Iterator[Finding]:
    try:
        answer = httpx.get(f"{settings.url.rstrip('/')}/readyz", timeout=5)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield Finding("server", State.FAIL, f"{settings.url}: {error}", "Start it, or mend HOOKFERRY_URL.")
        return
    ready = State.OK if answer.is_success else State.FAIL
    yield Finding("server", ready, f"{settings.url} answers {answer.status_code} {answer.text[:200]}")
    off = abs(time.time() - _date_of(answer))
    slow = "Set the clocks: receivers refuse wrong timestamps." if off > _CLOCK_OFF else ""
    yield Finding("server's clock", State.WARN if slow else State.OK, f"{off:.0f} s from here", slow)


def _date_of(answer: httpx.Response) -> float:
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()
