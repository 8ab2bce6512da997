"""Real payloads through OpenTrack's contract and its document's code, run by hand.

    python -m tests.companies.opentrack_corpus FILE.jsonl.gz

Each line of the file is a JSON object with a `payload`. The exit code is 1 if a receiver refuses one.
"""

import asyncio
import gzip
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from hookferry.receiver import Receiver
from tests.companies.company import tenant_of
from tests.companies.opentrack import SECRET, Webhooks, receivers_say, signatures
from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import running
from tests.support.process import ServerProcess


class Line(msgspec.Struct):
    payload: msgspec.Raw


async def verified(payloads: list[str]) -> int:
    """How many of them a receiver takes, whichever way it hashes."""
    with TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder), *LOOPBACK)
        async with running(server), tenant_of(server, "opentrack") as company, Receiver() as receiver:
            await company.register(receiver.url, secret=SECRET)
            async with company.caller({}) as client:
                for payload in payloads:
                    (await Webhooks(client, company).publish_text(payload)).raise_for_status()
            arrivals = await receiver.wait_for(len(payloads))
    both = zip(receivers_say(arrivals, SECRET), signatures(arrivals), strict=True)
    return sum(said == [given, given] for said, given in both)


def main(file: str) -> int:
    with gzip.open(file) as lines:
        payloads = [bytes(msgspec.json.decode(line, type=Line).payload).decode() for line in lines]
    good = asyncio.run(verified(payloads))
    print(f"{good} of {len(payloads)} verify both ways")
    return good < len(payloads)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
