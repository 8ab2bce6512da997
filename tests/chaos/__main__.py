"""`python -m tests.chaos --seconds 600 [--seed N]`: exit code 0 if the promise held."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Run, report


def main() -> int:
    parser = argparse.ArgumentParser(description="Break processes and the database at random, then count.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--keep", type=Path, help="a new folder for the processes' logs")
    given = parser.parse_args()
    print(f"seed {given.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        if given.keep:
            given.keep.mkdir(parents=True)
        tally = asyncio.run(Run(given.keep or Path(folder), given.seconds, given.seed).run())
    print(report(tally))
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main())
