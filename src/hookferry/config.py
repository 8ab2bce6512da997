"""Settings, each declared once with its type, default and help.

They come from flags, then `HOOKFERRY_*` variables, then `hookferry.toml`. What is unknown is refused.
"""

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec

from hookferry.errors import ConfigError
from hookferry.kinds import (
    ADDRESSES,
    DATABASE,
    DIRECT,
    DURATION,
    FLAG,
    NAME,
    NETWORKS,
    OUTBOX,
    POSTGRESQL,
    RANGES,
    SCALE,
    SECRET,
    SIZE,
    SQLITE,
    TEXT,
    Address,
    Kind,
    Network,
    whole,
    word,
)

FILE = "hookferry.toml"
PREFIX = "HOOKFERRY_"


class About(msgspec.Struct, frozen=True):
    """What is declared beside a setting. A secret is no flag: command lines are seen by everybody."""

    help: str
    kind: Kind
    secret: bool = False
    client: str = ""
    """The flag of a setting that is not the server's, but the commands' that reach it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. Durations are in seconds, sizes in bytes."""

    host: Annotated[str, About("The address to listen on.", TEXT)] = "127.0.0.1"
    port: Annotated[int, About("The port to listen on; 0 takes a free one.", whole(0, 65535))] = 8080
    database: Annotated[str, About("Where everything is stored.", DATABASE)] = "sqlite:///hookferry.db"
    direct_database: Annotated[
        str | None,
        About(
            "PostgreSQL's own address for notifications where `database` is a pooler's (pgbouncer).", DIRECT
        ),
    ] = None
    role: Annotated[
        str, About("What this process does. All but `all` need PostgreSQL.", word("all", "api", "worker"))
    ] = "all"
    processes: Annotated[
        int, About("Processes on this machine. More than one need PostgreSQL.", whole(1, 64))
    ] = 1
    operator_tenant: Annotated[
        str | None,
        About(
            "The tenant that gets a copy of each operational event of the others, with the scope"
            " `tenant` (docs/health.md).",
            NAME,
        ),
    ] = None
    admin_key: Annotated[
        str | None,
        About("The first key, which may do everything. There is no default.", SECRET, secret=True),
    ] = None
    secret_key: Annotated[
        str | None,
        About(
            "Encrypts the endpoints' secrets in the database. Without it a key file (mode 0600) is made"
            " beside the SQLite file.",
            SECRET,
            secret=True,
        ),
    ] = None
    allow_net: Annotated[
        tuple[Network, ...],
        About("Networks that deliveries may reach although they are not public.", NETWORKS),
    ] = ()
    bind_address: Annotated[
        tuple[Address, ...],
        About("The addresses of this machine that deliveries come from; else the system chooses.", ADDRESSES),
    ] = ()
    egress_addresses: Annotated[
        tuple[Network, ...],
        About("What the API says deliveries come from; by default `bind_address`.", RANGES),
    ] = ()
    contracts_dir: Annotated[
        str | None, About("A folder of your own contracts: NAME.toml, and NAME.vectors.toml beside it.", TEXT)
    ] = None
    contract: Annotated[
        str | None,
        About("The contract whose company's API is at the root; only one can be.", NAME),
    ] = None
    dev: Annotated[
        bool, About("Development: makes a key, a tenant and a receiver to try things with.", FLAG)
    ] = False
    time_scale: Annotated[
        float,
        About("Run retry times this many times faster. Development only.", SCALE),
    ] = 1.0
    concurrency: Annotated[int, About("Requests in flight in all.", whole(1, 100_000))] = 512
    # With 32 an endpoint that answers at once had none free at 5,000 events a second, for most of what is in
    # flight then waits for this process, not for the receiver: 3 to 7 % of the throughput.
    endpoint_concurrency: Annotated[int, About("Requests in flight for each endpoint.", whole(1, 10_000))] = (
        64
    )
    payload_limit: Annotated[int, About("The largest payload that an event may have.", SIZE)] = 256 * 1024
    response_limit: Annotated[int, About("How much of a receiver's answer is read and kept.", SIZE)] = (
        16 * 1024
    )
    lease: Annotated[float, About("How long a worker's claims outlive its last sign of life.", DURATION)] = (
        30.0
    )
    grace: Annotated[float, About("How long a stop waits for the requests in flight.", DURATION)] = 25.0
    retention: Annotated[float, About("How long finished work is kept.", DURATION)] = 30 * 86400.0
    body_retention: Annotated[
        float,
        About("How long payloads and answers are kept; never longer than `retention`.", DURATION),
    ] = 7 * 86400.0
    log_format: Annotated[
        str, About("How log lines look; `console` in development.", word("json", "console"))
    ] = "json"
    log_level: Annotated[
        str, About("The least severe log lines to write.", word("debug", "info", "warning", "error"))
    ] = "info"
    access_log: Annotated[bool, About("Write a log line for each request to the API.", FLAG)] = False
    url: Annotated[str, About("The server that the commands talk to.", TEXT, client="--server")] = (
        "http://127.0.0.1:8080"
    )
    key: Annotated[
        str | None,
        About("The key that the commands show to the server.", TEXT, secret=True, client="--key-file"),
    ] = None
    tenant: Annotated[
        str | None, About("The tenant that the commands are about.", TEXT, client="--tenant")
    ] = None
    outbox: Annotated[
        str | None,
        About("The application's database whose outbox is relayed.", OUTBOX, secret=True, client="--from"),
    ] = None

    def contracts_folder(self) -> Path | None:
        """The folder of contracts; a relative one counts from the working folder."""
        return None if self.contracts_dir is None else Path(self.contracts_dir)

    def egress(self) -> tuple[str, ...]:
        """Where deliveries come from, as far as is known, for receivers that allow by address (Y-15)."""
        told = SETTINGS["egress_addresses"].write(self.egress_addresses)
        bound = SETTINGS["bind_address"].write(self.bind_address)
        return tuple((told or bound).split(",")) if told or bound else ()

    @property
    def embedded(self) -> bool:
        """True if everything is in a SQLite file, which one process owns."""
        return not self.database.startswith(POSTGRESQL)

    def database_file(self) -> Path:
        """The SQLite file's path; a relative one counts from the working folder."""
        return Path(self.database.removeprefix(SQLITE))


class Setting(msgspec.Struct, frozen=True):
    """A setting as declared, for flags, pages and `config show`."""

    name: str
    about: About
    default: Any

    @property
    def flag(self) -> str:
        return self.about.client or "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    def write(self, value: Any) -> str:
        """The value as one would write it; empty for none, stars for a secret."""
        if value is None or value == ():
            return ""
        return "***" if self.about.secret else self.about.kind.write(value)


def _declared() -> Iterable[Setting]:
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        (about,) = hints[field.name].__metadata__
        yield Setting(field.name, about, field.default)


SETTINGS = {setting.name: setting for setting in _declared()}


class Found(msgspec.Struct, frozen=True):
    """A value that somebody gave, read, and where: the flag, the variable or the file."""

    value: Any
    origin: str


def find(
    flags: Mapping[str, object], environ: Mapping[str, str], folder: Path, file: Path | None = None
) -> dict[str, Found]:
    """What is given, by name: flags before variables before the file. None and () are flags not given.

    `file` must exist when it is named; else `hookferry.toml` in `folder` is read if it is there.
    Raises ConfigError for what is unknown or unreadable, with what was probably meant.
    """
    path = file or folder / FILE
    found: dict[str, Found] = {}
    for name, value in (_table(path) if file or path.exists() else {}).items():
        setting = _known(SETTINGS, name, str(path))
        found[name] = Found(_read(setting, value, f"{name} in {path}"), str(path))
    variables = {setting.variable: setting for setting in SETTINGS.values()}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        setting = _known(variables, variable, "the environment")
        found[setting.name] = Found(_read(setting, environ[variable], variable), variable)
    for name, value in flags.items():
        if value is not None and value != ():
            setting = SETTINGS[name]
            found[name] = Found(_read(setting, value, setting.flag), setting.flag)
    return found


def load(
    flags: Mapping[str, object], environ: Mapping[str, str], folder: Path, file: Path | None = None
) -> Settings:
    """The settings from every source. Raises ConfigError."""
    return build(find(flags, environ, folder, file))


def build(found: Mapping[str, Found]) -> Settings:
    """Settings from what was found, and defaults. Raises ConfigError where two do not go together."""
    values = {name: given.value for name, given in found.items()}
    if values.get("dev"):
        values.setdefault("log_format", "console")
    settings = Settings(**values)
    if "body_retention" not in values:
        kept = min(settings.body_retention, settings.retention)
        settings = msgspec.structs.replace(settings, body_retention=kept)
    if settings.body_retention > settings.retention:
        raise ConfigError("body_retention: must not be longer than retention", field="body_retention")
    if settings.time_scale != 1 and not settings.dev:
        raise ConfigError("time_scale: works in development only; add --dev", field="time_scale")
    if settings.embedded and (settings.processes > 1 or settings.role != "all"):
        name = "processes" if settings.processes > 1 else "role"
        raise ConfigError(f"{name}: one process owns a SQLite file; name a PostgreSQL database", field=name)
    if settings.dev and settings.processes > 1:
        raise ConfigError("processes: development is one process; leave out --dev", field="processes")
    return settings


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: {reason}") from None


def _known(settings: Mapping[str, Setting], name: str, place: str) -> Setting:
    if name not in settings:
        raise ConfigError(f"{name}: unknown setting in {place}{_meant(name, settings)}", field=name)
    return settings[name]


def _read(setting: Setting, value: object, origin: str) -> Any:
    try:
        return setting.about.kind.read(value)
    except ValueError as error:
        got = "" if setting.about.secret else f", got {value!r}"
        raise ConfigError(f"{origin}: expected {error}{got}", field=setting.name) from None


def _meant(name: str, known: Iterable[str]) -> str:
    # Without the prefix, which all variables share, and which would make all of them look alike.
    ends = {end.removeprefix(PREFIX): end for end in known}
    meant = get_close_matches(name.removeprefix(PREFIX), ends, n=1)
    return f"; did you mean {ends[meant[0]]}?" if meant else "; `hookferry serve --help` lists the server's"


def page() -> str:
    """The reference page of all settings, as Markdown: `python -m hookferry.config` prints it."""
    lines = [
        "# Configuration",
        "",
        f"Settings come from flags, then `{PREFIX}*` variables, then `{FILE}` in the",
        "working folder (or `--config FILE`), in this order. A name that is not below is an error.",
        "`hookferry config show` prints each value and where it comes from.",
        "",
        'Durations are written "500ms", "30s", "15m", "12h" or "7d", sizes "65536" or "64KiB", networks',
        '"10.1.0.0/16" (a list in the file, separated by commas elsewhere). A secret is never a flag:',
        "command lines are seen by everybody on the machine.",
        "",
        "| in the file | flag | variable | default | meaning |",
        "|---|---|---|---|---|",
    ]
    for setting in SETTINGS.values():
        about = setting.about
        flag = f"`{setting.flag}`" if about.client or not about.secret else ""
        default = setting.write(setting.default)
        lines.append(
            f"| `{setting.name}` | {flag} | `{setting.variable}` | {f'`{default}`' if default else ''}"
            f" | {about.help} ({about.kind.word.replace('|', ' or ')}) |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
