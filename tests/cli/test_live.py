"""The commands that do not end by themselves, as real processes: `serve`, `tail`, `listen`; and `demo`."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import httpx

from tests.cli.world import ADMIN_KEY, Tenant, World, run

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# A shell that runs the tests in the background has them, and all that they start, ignore Ctrl-C.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from hookferry.cli.main import main
main()
"""


@contextmanager
def process(*args: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A command of its own, killed at the end if it still runs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOOKFERRY_")}
    program = [sys.executable, "-c", PROGRAM, *args]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**clean, **environ}
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def read_until(stream: IO[str] | None, pattern: str) -> re.Match[str]:
    """Read lines until one matches."""
    assert stream is not None
    for line in stream:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"the process ended without {pattern!r}")


def interrupted(started: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code after Ctrl-C, and what it still wrote on standard error."""
    started.send_signal(signal.SIGINT)
    _, stderr = started.communicate(timeout=20)
    return started.returncode, stderr


def test_tail(tenant: Tenant) -> None:
    """Attempts are printed as they happen."""
    endpoint = tenant.register()
    environ = {
        "HOOKFERRY_URL": tenant.world.server.url,
        "HOOKFERRY_KEY": ADMIN_KEY,
        "HOOKFERRY_TENANT": tenant.id,
    }
    with process("tail", "-o", "json", **environ) as tail:
        read_until(tail.stderr, "Watching")
        sent = tenant.json("send", "a", "--data", "1")
        record = json.loads(read_until(tail.stdout, ".+")[0])
    assert (record["event"], record["endpoint"], record["status"]) == (
        sent["id"],
        endpoint["id"],
        "succeeded",
    )


def test_tail_in_words(tenant: Tenant) -> None:
    """For people an attempt is a line: type, answer, what follows."""
    tenant.register()
    environ = {
        "HOOKFERRY_URL": tenant.world.server.url,
        "HOOKFERRY_KEY": ADMIN_KEY,
        "HOOKFERRY_TENANT": tenant.id,
    }
    with process("tail", "-o", "table", **environ) as tail:
        read_until(tail.stderr, "Watching")
        tenant.json("send", "order.created", "--data", "1")
        line = read_until(tail.stdout, ".+")[0]
    assert re.search(r"order\.created .* attempt 1  200 in \S+ ms  succeeded", line)


def test_tail_ends_quietly(tenant: Tenant) -> None:
    """Ctrl-C ends it with exit code 130 and no word."""
    environ = {"HOOKFERRY_URL": tenant.world.server.url, "HOOKFERRY_KEY": ADMIN_KEY}
    with process("tail", "--tenant", tenant.id, **environ) as tail:
        read_until(tail.stderr, "Watching")
        assert interrupted(tail) == (130, "")


def test_tail_of_nobody(world: World) -> None:
    """A tenant that there is not is exit code 4."""
    assert world.hookferry("tail", "--tenant", "nobody").exit_code == 4


def posted(url: str, headers: list[str], body: str) -> int:
    given = dict(header.split(": ", 1) for header in headers)
    return httpx.post(url, content=body, headers=given, trust_env=False).status_code


def test_listen() -> None:
    """What arrives is verified, answered as told, and printed."""
    headers = run("sign", "{}", "--secret", SECRET, "--id", "evt_1").stdout.splitlines()
    args = ("listen", "--port", "0", "--secret", SECRET, "--status", "503,200", "--count", "2", "-o", "jsonl")
    with process(*args) as listen:
        url = read_until(listen.stderr, r"http://127\.0\.0\.1:\d+")[0]
        statuses = [posted(f"{url}/x", headers, "{}") for _ in range(2)]
        out, _ = listen.communicate(timeout=20)
    rows = [json.loads(line) for line in out.splitlines()]
    told = [(row["id"], row["attempt"], row["verified"], row["status"], row["body"]) for row in rows]
    assert (listen.returncode, statuses, told) == (
        0,
        [503, 200],
        [("evt_1", 1, True, 503, "{}"), ("evt_1", 2, True, 200, "{}")],
    )


def test_listen_finds_a_wrong_signature() -> None:
    """With --count a request that does not verify is exit code 5, and is said."""
    with process("listen", "--port", "0", "--secret", SECRET, "--count", "1", "-o", "table") as listen:
        url = read_until(listen.stderr, r"http://127\.0\.0\.1:\d+")[0]
        posted(url, [], "\x1b[2J")
        out, _ = listen.communicate(timeout=20)
    assert (listen.returncode, "NOT VERIFIED" in out, "\x1b" in out) == (5, True, False)


def test_listen_answers_the_last_one() -> None:
    """With --count and --delay the last request is answered too."""
    with process("listen", "--port", "0", "--count", "1", "--delay", "100ms", "--status", "202") as listen:
        url = read_until(listen.stderr, r"http://127\.0\.0\.1:\d+")[0]
        assert posted(url, [], "{}") == 202


def test_listen_ends_quietly() -> None:
    """Ctrl-C ends it with exit code 130, and nothing but what it says at the start."""
    with process("listen", "--port", "0") as listen:
        read_until(listen.stderr, "--allow-net")
        assert interrupted(listen) == (130, "")


def test_listen_on_a_port_in_use(world: World) -> None:
    """A port that is taken is exit code 1 with a sentence."""
    result = run("listen", "--port", world.receiver.url.rpartition(":")[2])
    assert (result.exit_code, "choose another port" in result.stderr) == (1, True)


def test_serve_needs_a_key() -> None:
    """Without a key the server does not start, and says what to do."""
    result = run("serve", "--port", "0")
    assert (result.exit_code, "HOOKFERRY_ADMIN_KEY" in result.stderr, "--dev" in result.stderr) == (
        1,
        True,
        True,
    )


def test_serve_on_a_port_in_use(world: World) -> None:
    """A port that is taken is exit code 1 with a sentence."""
    result = run("serve", "--dev", "--port", world.server.url.rpartition(":")[2])
    assert (result.exit_code, "--port" in result.stderr) == (1, True)


def test_serve_for_development() -> None:
    """`--dev` shows a key that works at once, and SIGTERM ends it in order."""
    with process("serve", "--dev", "--port", "0", "--log-level", "error") as serve:
        line = read_until(serve.stderr, "export HOOKFERRY_URL=(.+) HOOKFERRY_KEY=(.+) HOOKFERRY_TENANT=")
        result = run("send", "a", "--data", "1", HOOKFERRY_URL=line[1], HOOKFERRY_KEY=line[2])
        serve.terminate()
        serve.communicate(timeout=20)
    assert (json.loads(result.stdout)["deliveries"], serve.returncode) == (1, 0)


def test_one_process_owns_the_database() -> None:
    """While a server runs, `prune` says that the file has an owner."""
    with process("serve", "--dev", "--port", "0", "--log-level", "error") as serve:
        read_until(serve.stderr, "export")
        result = run("prune")
    assert (result.exit_code, "owned by another" in result.stderr) == (1, True)


def test_prune_and_migrate() -> None:
    """Once the server has stopped, the database can be migrated and pruned."""
    with process("serve", "--dev", "--port", "0", "--log-level", "error") as serve:
        read_until(serve.stderr, "export")
        serve.terminate()
        serve.communicate(timeout=20)
    pruned = json.loads(run("prune", "--retention", "1d").stdout)
    assert (run("migrate").exit_code, pruned["events"]) == (0, 0)


def test_prune_without_a_database() -> None:
    """A database that there is not is exit code 1, and none is made."""
    assert (run("prune").exit_code, os.listdir()) == (1, [])


def test_demo() -> None:
    """The demo shows eight deliveries, one of them after two failures, all verified, and exit code 0."""
    result = run("demo")
    lines = result.stdout.splitlines()
    assert (result.exit_code, len(lines), sum("verified" in line for line in lines)) == (0, 9, 8)
    assert "3  (500, 500, 200)" in result.stdout
