"""`hookferry contracts`: files checked and previewed without a server, uploads, a company's own command."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.world import Tenant, World, run
from tests.support.contracts import acme

TIME = ("--time", "1700000000")
EVENT = {"type": "order.created", "payload": {"order": 17}, "changes": {"s": {"previous": 1, "current": 2}}}
WITH_COMMAND = acme().replace('title = "one"', 'title = "One Ltd"\ncommand = "ac"')


def written(text: str = WITH_COMMAND, name: str = "acme.toml") -> str:
    """A file in the working folder; its name."""
    Path(name).write_text(text)
    return name


def head_and_body(output: bytes) -> tuple[list[str], bytes]:
    head, _, body = output.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def test_check() -> None:
    """A valid file: its name, its version and how many vectors hold."""
    result = run("contracts", "check", written())
    assert (result.exit_code, "the contract acme" in result.stdout, "no vectors" in result.stdout) == (
        0,
        True,
        True,
    )


def test_check_a_built_in() -> None:
    """All vectors of a built-in contract hold."""
    count = next(
        part for part in run("contracts", "check", "standard").stdout.split(", ") if "vectors" in part
    )
    held, of = count.split(":")[-1].split()[0], count.split()[-2]
    assert (held, int(held) > 0) == (of, True)


def test_check_a_faulty_file() -> None:
    """Exit code 5, the file, the line and what was probably meant."""
    result = run("contracts", "check", written(acme().replace("[body]", "[boddy]")))
    assert (result.exit_code, "acme.toml:1" in result.stderr, "did you mean body" in result.stderr) == (
        5,
        True,
        True,
    )


def test_check_faulty_vectors() -> None:
    """The vectors beside a file are checked as well."""
    written("x = 1\n", "acme.vectors.toml")
    result = run("contracts", "check", written())
    assert (result.exit_code, "acme.vectors.toml:1:" in result.stderr) == (5, True)


def test_check_no_file() -> None:
    """A file that is not there is named."""
    result = run("contracts", "check", "none.toml")
    assert (result.exit_code, "none.toml: No such file" in result.stderr) == (5, True)


def test_check_an_unknown_name() -> None:
    """A name is a built-in contract's."""
    result = run("contracts", "check", "standrad")
    assert (result.exit_code, "did you mean standard" in result.stderr) == (5, True)


def test_preview() -> None:
    """The whole request, byte for byte: its line, its headers, a blank line, its body."""
    Path("sample.json").write_text(json.dumps(EVENT))
    result = run("contracts", "preview", written(), "--event", "sample.json", *TIME)
    head, body = head_and_body(result.stdout_bytes)
    assert (head[0], head[3], json.loads(body)["data"]) == (
        "POST /webhooks HTTP/1.1",
        "x-acme: one",
        {"order": 17},
    )


def test_preview_verifies() -> None:
    """It is signed with the secret that was given."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    head, body = head_and_body(
        run("contracts", "preview", "standard", *TIME, "--secret", secret).stdout_bytes
    )
    Path("headers").write_text("\n".join(head[1:]))
    Path("body").write_bytes(body)
    assert run("verify", "@body", "-H", "@headers", "--secret", secret, *TIME).exit_code == 0


def test_preview_is_the_same_again() -> None:
    """The ids are examples, made of the time alone."""
    first, second = (run("contracts", "preview", "standard", *TIME).stdout_bytes for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("event", "options"),
    [("{", ()), ('{"type": "a"}', ()), ('{"type": "a", "payload": 1}', ("--attempt", "11"))],
)
def test_preview_of_what_cannot_be(event: str, options: tuple[str, ...]) -> None:
    """Exit code 5 for an event that is none, and for an attempt that never comes."""
    assert run("contracts", "preview", "standard", "--event", "-", *options, input=event).exit_code == 5


def test_sign_and_verify_with_a_file() -> None:
    """A file's contract signs and verifies; header names may have any case."""
    contract, secret = ("--contract", written()), ("--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = run("sign", "{}", *contract, *secret).stdout
    Path("headers").write_text(
        "\n".join(
            line.partition(":")[0].upper() + ":" + line.partition(":")[2] for line in headers.splitlines()
        )
    )
    assert run("verify", "{}", "-H", "@headers", *contract, *secret).exit_code == 0


def test_event_types_of_a_file() -> None:
    """The catalogue of a contract, without a server."""
    file = written(WITH_COMMAND + '\n[[event-type]]\nname = "a.b"\ntitle = "A and B"\n')
    types = json.loads(run("event-types", "--contract", file).stdout)["data"]
    assert [(type["name"], type["title"]) for type in types] == [("a.b", "A and B")]


def test_event_types_of_nothing() -> None:
    """It says what to name."""
    assert run("event-types").exit_code == 2


def test_upload(world: World) -> None:
    """An uploaded contract is listed, shown, and deleted."""
    file = written(acme().replace('"acme"', '"uploaded"', 1))
    version = world.json("contracts", "upload", file)["version"]
    listed = {row["name"]: row["version"] for row in world.json("contracts", "list")["data"]}
    shown = world.hookferry("contracts", "show", "uploaded", "--text").stdout
    deleted = world.hookferry("contracts", "delete", "uploaded").exit_code
    assert (listed["uploaded"], shown, deleted) == (version, Path(file).read_text(), 0)


def test_move(world: World) -> None:
    """A tenant is moved with a command."""
    file = written(acme().replace('"acme"', '"moving"', 1))
    world.json("contracts", "upload", file)
    world.json("tenants", "create", "M", "--id", "moved", "--contract", "moving")
    version = world.json("contracts", "upload", written(Path(file).read_text() + "\n"))["version"]
    moved = world.json("tenants", "update", "moved", "--contract-version", "latest")
    assert moved["contract_version"] == version


class Installed:
    """The company's command, installed into a folder with a blank in its name."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "my tools" / "ac"
        self.result = run("contracts", "command", written(), "--install", str(self.path.parent))

    def __call__(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HOOKFERRY_")}
        return subprocess.run(
            [self.path, *args], env={**clean, **env}, capture_output=True, text=True, timeout=30
        )


@pytest.fixture
def ac(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


def test_command_help(ac: Installed) -> None:
    """It says whose it is."""  # TT-16
    assert ac("--help").stdout.splitlines()[:3] == [
        "Usage: ac [OPTIONS] COMMAND [ARGS]...",
        "",
        "  Webhooks of One Ltd.",
    ]


def test_command_registers(ac: Installed, world: World, tenant: Tenant) -> None:
    """The line of the document works as written, with a customer's key."""  # TT-16
    permissions = [word for one in ("webhooks:write", "webhooks:read") for word in ("--permission", one)]
    key = world.json("keys", "create", "--tenant", tenant.id, *permissions)["key"]
    done = ac(
        "webhooks",
        "register",
        "--name=My Webhook",
        "--on=order.status.changed",
        "--url=https://your-server.com/webhook",
        HOOKFERRY_URL=world.server.url,
        HOOKFERRY_KEY=key,
    )
    made: Any = json.loads(done.stdout)
    assert (made["name"], made["event_types"]) == ("My Webhook", ["order.status.changed"])


def test_command_has_its_contract(ac: Installed) -> None:
    """`verify` and others take its contract where none is named."""
    signed = ac("sign", "{}", "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").stdout
    assert signed.startswith("x-acme: one\n")


def test_command_again(ac: Installed) -> None:
    """It can be installed anew over itself."""
    assert run("contracts", "command", written(), "--install", str(ac.path.parent)).exit_code == 0


def test_command_over_another_program(ac: Installed) -> None:
    """Another program of that name is left alone."""
    ac.path.write_text("#!/bin/sh\n")
    result = run("contracts", "command", written(), "--install", str(ac.path.parent))
    assert (result.exit_code, ac.path.read_text()) == (5, "#!/bin/sh\n")


def test_command_of_no_name() -> None:
    """A contract without a command has none to install."""
    assert run("contracts", "command", "standard", "--install", ".").exit_code == 5


def test_command_whose_file_is_gone(ac: Installed) -> None:
    """One line, no traceback."""
    Path("acme.toml").unlink()
    done = ac("webhooks", "list")
    assert (done.returncode, done.stderr.count("\n"), "acme.toml" in done.stderr) == (1, 1, True)


def test_guide() -> None:
    """The page of a file, printed."""
    assert run("contracts", "guide", written()).stdout.startswith("# One Ltd: what receivers get\n")


def test_guide_in_a_file() -> None:
    """Written to a file, it is the same."""
    run("contracts", "guide", "standard", "-o", "guide.md")
    assert Path("guide.md").read_text("utf-8") == run("contracts", "guide", "standard").stdout


def test_guide_in_a_language() -> None:
    """The code of one language alone."""
    assert run("contracts", "guide", "standard", "--language", "go").stdout.startswith("package webhook\n")


@pytest.mark.parametrize(("name", "language", "code"), [("standard", "cobol", 2), ("foxtrot", "go", 5)])
def test_guide_without_code(name: str, language: str, code: int) -> None:
    """A language that is not known, a contract that signs nothing."""
    assert run("contracts", "guide", name, "--language", language).exit_code == code
