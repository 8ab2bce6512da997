"""`python -m tests.crash --kills 20 [--seed N]`: exit code 0 if nothing was lost."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.crash.loop import Loop, report


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the server at random and count what arrives.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        tally = asyncio.run(Loop(Path(folder), given.kills, given.seed).run())
    print(report(tally))
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main())
