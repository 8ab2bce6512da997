"""Settings: where they come from, what is refused, and the page about them."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from hookferry.config import SETTINGS, Settings, find, load, page
from hookferry.errors import ConfigError

KEY = "k" * 32


def load_from(
    folder: Path, toml: str = "", environ: Mapping[str, str] | None = None, **flags: object
) -> Settings:
    if toml:
        (folder / "hookferry.toml").write_text(toml)
    return load(flags, environ or {}, folder)


def test_defaults(tmp_path: Path) -> None:
    """With nothing given every setting has its default."""
    assert load_from(tmp_path) == Settings()


def test_a_flag_beats_a_variable(tmp_path: Path) -> None:
    """Flags come before the environment."""
    assert load_from(tmp_path, environ={"HOOKFERRY_PORT": "2"}, port="3").port == 3


def test_a_variable_beats_the_file(tmp_path: Path) -> None:
    """The environment comes before the file."""
    assert load_from(tmp_path, "port = 1", {"HOOKFERRY_PORT": "2"}).port == 2


def test_the_file_beats_the_default(tmp_path: Path) -> None:
    """The file comes before the default."""
    assert load_from(tmp_path, "port = 1").port == 1


def test_a_named_file_is_read_instead(tmp_path: Path) -> None:
    """A file that is named replaces the one of the folder."""
    (tmp_path / "hookferry.toml").write_text("port = 1")
    (tmp_path / "other.toml").write_text("host = '::1'")
    settings = load({}, {}, tmp_path, tmp_path / "other.toml")
    assert (settings.host, settings.port) == ("::1", 8080)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A file that is named and absent is an error that names it."""
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file"):
        load({}, {}, tmp_path, tmp_path / "gone.toml")


def test_origins_are_known(tmp_path: Path) -> None:
    """What is found says which flag, variable or file it came from."""
    (tmp_path / "hookferry.toml").write_text("host = 'h'")
    found = find({"port": "3"}, {"HOOKFERRY_DEV": "1"}, tmp_path)
    assert {name: given.origin for name, given in found.items()} == {
        "host": str(tmp_path / "hookferry.toml"),
        "dev": "HOOKFERRY_DEV",
        "port": "--port",
    }


def test_an_unknown_variable_is_refused(tmp_path: Path) -> None:
    """A variable with our prefix that is no setting is an error that says what was meant."""
    with pytest.raises(ConfigError, match=r"HOOKFERRY_PROT: unknown .* did you mean HOOKFERRY_PORT\?"):
        load_from(tmp_path, environ={"HOOKFERRY_PROT": "1"})


def test_a_far_off_variable_gets_no_suggestion(tmp_path: Path) -> None:
    """The prefix that all variables share makes none of them a suggestion."""
    with pytest.raises(ConfigError, match="serve --help"):
        load_from(tmp_path, environ={"HOOKFERRY_FOO": "1"})


def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path) -> None:
    """A key of the file that is no setting is an error that says what was meant."""
    with pytest.raises(ConfigError, match=r"allow-net: unknown .* did you mean allow_net\?"):
        load_from(tmp_path, "allow-net = []")


def test_other_variables_are_nobodys_business(tmp_path: Path) -> None:
    """Variables without the prefix are left alone."""
    assert load_from(tmp_path, environ={"PATH": "/bin", "_HOOKFERRY_COMPLETE": "x"}) == Settings()


@pytest.mark.parametrize("toml", ["port = ", "port = 1\nport = 2", "\ufeff = 1"])
def test_a_broken_file_is_refused(tmp_path: Path, toml: str) -> None:
    """A file that is not TOML is an error with the file's name and the place in it."""
    with pytest.raises(ConfigError, match=r"hookferry\.toml: .*\(at "):
        load_from(tmp_path, toml)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is an error, not a traceback."""
    (tmp_path / "hookferry.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="utf-8"):
        load({}, {}, tmp_path)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("PORT", "80", 80),
        ("DEV", "yes", True),
        ("GRACE", "2m", 120.0),
        ("PAYLOAD_LIMIT", "1MiB", 1024**2),
        ("ALLOW_NET", "10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
        ("ALLOW_NET", "", ()),
        ("BIND_ADDRESS", "127.0.0.2, ::1", (ip_address("127.0.0.2"), ip_address("::1"))),
        ("EGRESS_ADDRESSES", "192.0.2.1", (ip_network("192.0.2.1/32"),)),
        ("LOG_LEVEL", "debug", "debug"),
        ("DATABASE", "sqlite:////var/x.db", "sqlite:////var/x.db"),
    ],
)
def test_texts_are_read(tmp_path: Path, variable: str, value: str, expected: object) -> None:
    """Each kind of setting is read from the text of a variable."""
    settings = load_from(tmp_path, environ={f"HOOKFERRY_{variable}": value})
    assert getattr(settings, variable.lower()) == expected


@pytest.mark.parametrize(
    ("variable", "value", "expectation"),
    [
        ("PORT", "65536", "a whole number from 0 to 65535, got '65536'"),
        ("PORT", "9" * 5000, "a whole number"),
        ("PORT", "-1", "a whole number"),
        ("DEV", "perhaps", "true or false"),
        ("GRACE", "30", "a duration such as"),
        ("GRACE", "0s", "a duration above zero"),
        ("PAYLOAD_LIMIT", "lots", "a size such as"),
        ("ALLOW_NET", "10.0.0.1/8", "host bits zero"),
        ("BIND_ADDRESS", "127.0.0.2,127.0.0.3", "one IPv4 address, one IPv6 address, or one of each"),
        ("BIND_ADDRESS", "localhost", "one IPv4 address"),
        ("BIND_ADDRESS", "0.0.0.0", "one IPv4 address"),
        ("EGRESS_ADDRESSES", "192.0.2.1/24", "addresses or networks such as"),
        ("LOG_FORMAT", "xml", "one of json, console"),
        ("DATABASE", "hookferry.db", "sqlite:///FILE"),
        ("HOST", " ", "a text that is not empty"),
        ("TIME_SCALE", "0.5", "a number from 1"),
        ("TIME_SCALE", "nan", "a number from 1"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, variable: str, value: str, expectation: str) -> None:
    """A value of the wrong kind is an error that says what is expected."""
    with pytest.raises(ConfigError, match=expectation):
        load_from(tmp_path, environ={f"HOOKFERRY_{variable}": value})


@pytest.mark.parametrize(
    "toml", ["port = true", "port = []", "allow_net = 5", "allow_net = [1]", "bind_address = 1", "host = 1"]
)
def test_wrong_types_in_the_file_are_refused(tmp_path: Path, toml: str) -> None:
    """A value of a type that the setting cannot take is an error."""
    with pytest.raises(ConfigError, match="expected"):
        load_from(tmp_path, toml)


@pytest.mark.parametrize("name", ["admin_key", "secret_key"])
def test_short_secrets_are_refused_and_not_shown(tmp_path: Path, name: str) -> None:
    """A secret of under 32 characters is refused by a message that does not repeat it."""
    with pytest.raises(ConfigError) as caught:
        load_from(tmp_path, environ={f"HOOKFERRY_{name.upper()}": "short-and-sweet"})
    assert "short-and-sweet" not in caught.value.message


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    """A secret of 32 characters is taken."""
    assert load_from(tmp_path, environ={"HOOKFERRY_ADMIN_KEY": KEY}).admin_key == KEY


def test_secrets_are_masked() -> None:
    """A secret setting is written as stars."""
    assert SETTINGS["admin_key"].write(KEY) == "***"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ()),
        ({"bind_address": "127.0.0.2,::1"}, ("127.0.0.2", "::1")),
        ({"egress_addresses": "192.0.2.8/29,192.0.2.1"}, ("192.0.2.8/29", "192.0.2.1")),
        ({"egress_addresses": "192.0.2.1", "bind_address": "10.0.0.1"}, ("192.0.2.1",)),
    ],
)
def test_where_deliveries_come_from(tmp_path: Path, given: dict[str, Any], told: tuple[str, ...]) -> None:
    """What is published is what the operator says, or else what is bound."""  # Y-15
    assert load_from(tmp_path, **given).egress() == told


def test_bodies_go_with_the_rest(tmp_path: Path) -> None:
    """A retention shorter than that of bodies, which was not given, shortens it."""
    assert load_from(tmp_path, retention="1d").body_retention == 86400.0


def test_bodies_cannot_outlive_the_rest(tmp_path: Path) -> None:
    """A retention of bodies longer than that of the rest is an error."""
    with pytest.raises(ConfigError, match="longer than retention"):
        load_from(tmp_path, retention="1d", body_retention="2d")


def test_fast_motion_needs_development(tmp_path: Path) -> None:
    """A time scale is refused outside development."""
    with pytest.raises(ConfigError, match="add --dev"):
        load_from(tmp_path, time_scale="60")


def test_development_logs_for_people(tmp_path: Path) -> None:
    """Development mode writes console logs unless told otherwise."""
    assert load_from(tmp_path, dev=True).log_format == "console"


def test_every_default_can_be_written_and_read() -> None:
    """What `write` makes of a default, `read` takes back."""
    for setting in SETTINGS.values():
        if setting.default is not None:
            assert setting.about.kind.read(setting.about.kind.write(setting.default)) == setting.default


def test_the_page_is_up_to_date() -> None:
    """docs/configuration.md is what `python -m hookferry.config` prints."""
    assert Path(__file__).parents[1].joinpath("docs/configuration.md").read_text() == page()
