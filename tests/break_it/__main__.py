"""`python -m tests.break_it [WORD]`: exit code 0 if every break (named with the word) turns a test red."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.break_it.breaks import BREAKS, Break

ROOT = Path(__file__).parents[2]
_NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*", "node_modules", "dist", "build")
_RED = 1


def broken(one: Break) -> int:
    """The exit code of a break's tests in a copy of the repository."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(ROOT, copy, ignore=_NOT_COPIED)
        for patch in one.patches:
            file = copy / "src/hookferry" / patch.file
            file.write_text(file.read_text("utf-8").replace(patch.old, patch.new), "utf-8")
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "--timeout=60",
                "--no-header",
                "--tb=no",
                *one.tests,
            ],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy / "src")},
        ).returncode


def main() -> int:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    unseen = []
    for one in BREAKS:
        if word in one.name:
            print(f"\n{one.name}", flush=True)
            if broken(one) != _RED:
                unseen.append(one.name)
    print("\nEvery break was seen." if not unseen else "\nNOT SEEN: " + "; ".join(unseen))
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
