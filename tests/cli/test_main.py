"""The command line as a whole: help, suggestions, exit codes, one sentence for each failure."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hookferry import errors
from hookferry.cli.main import exit_code, main
from hookferry.receiver import Answer
from tests.cli.world import World, run

HEAVY = ("rich", "httpx", "litestar", "uvicorn", "cryptography", "aiodns", "hookferry.app")


def every_command() -> list[list[str]]:
    """The words of each command and group."""
    found: list[list[str]] = [[]]

    def walk(command: click.Command, words: list[str]) -> None:
        if isinstance(command, click.Group):
            with click.Context(command) as ctx:
                for name in command.list_commands(ctx):
                    inner = command.get_command(ctx, name)
                    assert inner is not None
                    found.append([*words, name])
                    walk(inner, [*words, name])

    walk(main, [])
    return found


COMMANDS = every_command()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help(words: list[str]) -> None:
    """Each command explains itself."""
    result = run(*words, "--help")
    assert (result.exit_code, result.stdout.startswith("Usage: ")) == (0, True)


def test_help_is_light() -> None:
    """No help imports what is slow to import: this is what keeps it under 150 ms."""
    program = f"""
import json, sys
from hookferry.cli.main import main
for words in {COMMANDS!r}:
    main([*words, "--help"], standalone_mode=False)
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert json.loads(out.splitlines()[-1]) == []


def test_the_first_help_is_lighter() -> None:
    """The list of all commands does without the settings and without an event loop."""
    program = """
import sys
from hookferry.cli.main import main
main(["--help"], standalone_mode=False)
print([name for name in ("msgspec", "asyncio", "hookferry.config") if name in sys.modules])
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_page_has_every_command(words: list[str]) -> None:
    """docs/cli.md names each command."""
    page = Path(__file__).parents[2].joinpath("docs/cli.md").read_text()
    assert f"`{' '.join(['hookferry', *words])}" in page


def test_version() -> None:
    """`--version` says which one this is."""
    assert run("--version").stdout.startswith("hookferry ")


def test_an_unknown_command_is_corrected() -> None:
    """A misspelt command is a usage error that says what was meant."""
    result = run("sevre")
    assert (result.exit_code, "Did you mean 'serve'?" in result.stderr) == (2, True)


def test_an_unknown_option_is_corrected() -> None:
    """A misspelt option is a usage error that says what was meant."""
    result = run("serve", "--prot", "1")
    assert (result.exit_code, "--port" in result.stderr) == (2, True)


def test_a_far_off_command_gets_no_suggestion() -> None:
    """A command that is like none gets no suggestion."""
    assert "mean" not in run("xyzzy").stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.HookferryError, 1),
        (errors.StartError, 1),
        (errors.Unavailable, 1),
        (errors.ConfigError, 2),
        (errors.Unauthenticated, 3),
        (errors.Forbidden, 3),
        (errors.NotFound, 4),
        (errors.Invalid, 5),
        (errors.Malformed, 5),
        (errors.TooLarge, 5),
        (errors.Conflict, 5),
        (errors.ContractError, 5),
        (errors.Unreachable, 6),
    ],
)
def test_exit_codes(error: type[errors.HookferryError], code: int) -> None:
    """Each kind of error has its exit code."""
    assert exit_code(error("it")) == code


def check(result: object, code: int, *words: str) -> None:
    """A failure is an exit code and one line on standard error, with these words in it."""
    stderr = result.stderr  # type: ignore[attr-defined]
    assert result.exit_code == code, stderr  # type: ignore[attr-defined]
    assert stderr.startswith("Error: ")
    assert stderr.count("\n") == 1
    assert not result.stdout  # type: ignore[attr-defined]
    assert all(word in stderr for word in words), stderr


def test_no_key() -> None:
    """Without a key the command says how to give one."""
    check(run("events", "list"), 3, "HOOKFERRY_KEY", "--key-file")


def test_a_wrong_key(world: World) -> None:
    """A key that the server does not know is exit code 3."""
    check(world.hookferry("events", "list", "--tenant", "x", HOOKFERRY_KEY="hf_nobody"), 3, "unknown")


@pytest.mark.parametrize("key", ["hf_é", "hf_a\nX-Other: b"])
def test_a_key_that_cannot_be_sent(world: World, key: str) -> None:
    """A key with characters that a header cannot carry is refused before anything is sent."""
    check(world.hookferry("events", "list", HOOKFERRY_KEY=key), 3, "characters")


def test_a_key_from_a_file(world: World) -> None:
    """A key can be read from a file, so that it is in no environment."""
    Path("key").write_text("the admin key of the commands' tests\n")
    assert world.hookferry("tenants", "list", "--key-file", "key", HOOKFERRY_KEY=None).exit_code == 0


def test_an_unknown_object(world: World) -> None:
    """What is not there is exit code 4."""
    check(world.hookferry("tenants", "show", "nobody"), 4, "nobody")


def test_hostile_ids_stay_ids(world: World) -> None:
    """What is typed as an id is one segment of the path, whatever it holds."""
    check(world.hookferry("tenants", "show", "../keys?x=1"), 4)


def test_invalid(world: World) -> None:
    """What the server refuses is exit code 5."""
    check(world.hookferry("tenants", "create", "T", "--contract", "nobodys"), 5, "nobodys")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid"])
def test_no_server(url: str) -> None:
    """A server that cannot be reached is exit code 6, with its URL."""
    check(run("tenants", "list", HOOKFERRY_KEY="k", HOOKFERRY_URL=url), 6, url, "hookferry serve")


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:80", "http://[", "http://a:b/", "http://\0/"])
def test_no_url(url: str) -> None:
    """A URL that is none is a usage error."""
    check(run("tenants", "list", "--server", url, HOOKFERRY_KEY="k"), 2, "URL")


@pytest.mark.parametrize("answer", ["200", "404", "500", "302"])
@pytest.mark.parametrize("args", [["tenants", "list"], ["tenants", "show", "x"], ["tail", "--tenant", "x"]])
def test_not_hookferry(world: World, answer: str, args: list[str]) -> None:
    """An answer that is not Hookferry's is exit code 6, not a traceback."""
    url = f"{world.receiver.url}/page?status={answer}&x="
    check(run(*args, HOOKFERRY_KEY="k", HOOKFERRY_URL=url), 6, "no Hookferry")


@pytest.mark.parametrize("body", [b"[1]", b"{", b"\xff", b'{"data": 1}'])
def test_other_json(world: World, body: bytes) -> None:
    """JSON that is not Hookferry's is exit code 6, not a traceback."""
    world.receiver.answer("/other/v1/tenants?limit=50", Answer(body=body))
    check(run("tenants", "list", HOOKFERRY_KEY="k", HOOKFERRY_URL=f"{world.receiver.url}/other"), 6)


def test_unknown_settings() -> None:
    """An unknown variable is a usage error that says what was meant."""
    check(run("tenants", "list", HOOKFERRY_TENNANT="x"), 2, "HOOKFERRY_TENANT?")


def test_a_missing_settings_file() -> None:
    """A settings file that is not there is a usage error."""
    check(run("tenants", "list", "--config", "gone.toml"), 2, "gone.toml")
