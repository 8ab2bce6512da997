"""`hookferry config show` and `hookferry doctor`."""

import json
import os
import socket
from pathlib import Path

import pytest

from tests.cli.world import World, run

SECRET = "s" * 40


def shown(**environ: str) -> dict[str, tuple[str, str]]:
    rows = json.loads(run("config", "show", **environ).stdout)
    return {row["setting"]: (row["value"], row["from"]) for row in rows}


def test_show_where_values_come_from() -> None:
    """Each setting is shown with its value and its source."""
    Path("hookferry.toml").write_text('grace = "2m"\n')
    rows = shown(HOOKFERRY_PORT="0")
    assert (rows["port"], rows["grace"][0], rows["grace"][1][-14:], rows["lease"]) == (
        ("0", "HOOKFERRY_PORT"),
        "2m",
        "hookferry.toml",
        ("30s", "default"),
    )


def test_show_masks_secrets() -> None:
    """Secrets are shown as stars."""
    assert shown(HOOKFERRY_ADMIN_KEY=SECRET)["admin_key"] == ("***", "HOOKFERRY_ADMIN_KEY")


@pytest.mark.parametrize("setting", ["database", "direct_database"])
@pytest.mark.parametrize(
    ("url", "shown_as"),
    [
        ("postgresql://app:canary@db/x", "postgresql://app@db/x"),
        ("postgresql://app@db/x?password=canary", "postgresql://app@db/x"),
        ("postgresql://app:ca@nary@db/x?a=b@c", "postgresql://app@db/x"),
        ("postgresql://app:canary?@db/x", "postgresql://..."),
    ],
)
def test_show_masks_passwords(setting: str, url: str, shown_as: str) -> None:
    """A database's address is shown without its password, however that is written."""
    assert shown(**{f"HOOKFERRY_{setting.upper()}": url})[setting][0] == shown_as


def test_show_refuses_what_is_wrong() -> None:
    """Settings that cannot be used are exit code 2."""
    assert run("config", "show", HOOKFERRY_PORT="x").exit_code == 2


def findings(*args: str, **environ: str) -> dict[str, str]:
    out = run("doctor", "-o", "json", *args, **{"HOOKFERRY_PORT": "0", **environ}).stdout
    return {row["check"]: row["state"] for row in json.loads(out)}


def test_doctor_is_content() -> None:
    """On a machine that is ready nothing fails."""
    result = run("doctor", "-o", "json", HOOKFERRY_PORT="0", HOOKFERRY_ADMIN_KEY=SECRET)
    assert (result.exit_code, "fail" in result.stdout) == (0, False)


def test_doctor_says_what_to_do() -> None:
    """A failure comes with advice and exit code 1."""
    Path("hookferry.db").write_text("this is no database")
    result = run("doctor", "-o", "table", HOOKFERRY_PORT="0")
    assert (result.exit_code, "no SQLite file" in result.stdout, "--database" in result.stdout) == (
        1,
        True,
        True,
    )


def test_doctor_finds_wrong_settings() -> None:
    """Settings that cannot be used are a finding, not the end."""
    assert findings(HOOKFERRY_GRACE="x") == {"settings": "fail"}


def test_doctor_misses_a_key() -> None:
    """Without a first key it warns."""
    assert findings()["first key"] == "warn"


def test_doctor_finds_a_folder_that_is_not_there() -> None:
    """A database in a folder that is not there fails."""
    found = findings(HOOKFERRY_DATABASE="sqlite:///gone/x.db")
    assert (found["disk sync"], found["free disk"]) == ("fail", "fail")


def test_doctor_finds_an_open_key_file() -> None:
    """A key file that others can read fails."""
    Path("hookferry.db.key").write_text(SECRET)
    os.chmod("hookferry.db.key", 0o644)
    assert findings()["secret key"] == "fail"


def test_doctor_finds_an_open_settings_file() -> None:
    """A settings file with a secret that others can read fails."""
    Path("hookferry.toml").write_text(f'admin_key = "{SECRET}"\n')
    os.chmod("hookferry.toml", 0o644)
    assert findings()["settings file"] == "fail"


def test_doctor_finds_a_port_in_use() -> None:
    """A port that something else uses fails."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert findings(HOOKFERRY_PORT=str(taken.getsockname()[1]))["port"] == "fail"


def test_doctor_knows_a_running_server(world: World) -> None:
    """A port that a Hookferry uses is fine."""
    assert findings(HOOKFERRY_PORT=world.server.url.rpartition(":")[2])["port"] == "ok"


def test_doctor_asks_the_server(world: World) -> None:
    """A server that is named must be ready, with a clock like ours."""
    found = findings(HOOKFERRY_URL=world.server.url)
    assert (found["server"], found["server's clock"]) == ("ok", "ok")


def test_doctor_misses_the_server() -> None:
    """A server that is named and does not answer fails."""
    assert findings(HOOKFERRY_URL="http://127.0.0.1:1")["server"] == "fail"


def test_doctor_leaves_nothing_behind() -> None:
    """The folder is as it was."""
    findings()
    assert list(Path().iterdir()) == []
