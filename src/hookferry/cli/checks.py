"""What `doctor` looks at: each check reads the machine and says what it found and what to do."""

import errno
import resource
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from hookferry.cli import postgres_checks, sqlite_checks
from hookferry.cli.finding import Finding, State, private
from hookferry.config import SETTINGS, Settings

# Beside the deliveries' connections: the API's, the database's, the logs'.
_OTHER_DESCRIPTORS = 512
# A receiver refuses a signature that is 5 minutes old (Standard Webhooks): warn well before.
_CLOCK_OFF = 30.0
_BUILT = 1_735_689_600  # 2025-01-01: before there was any Hookferry


def check_all(settings: Settings, file: Path, server: bool) -> Iterator[Finding]:
    """Every check in turn. `file` may hold settings; `server` says whether one was named to look at."""
    yield _settings_file(file)
    yield _keys(settings)
    yield from sqlite_checks.check_all(settings) if settings.embedded else postgres_checks.check_all(settings)
    for check in (_descriptors, _port, _clock):
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
    return private("settings file", path) if holds else Finding("settings file", State.OK, str(path))


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
