"""A file of events through the command, the server and the wire, byte for byte."""

import asyncio
import gzip
import os
import sys
from pathlib import Path
from random import Random

from hookferry.receiver import Receiver
from tests.e2e.conftest import LOOPBACK
from tests.e2e.customer import customer, running
from tests.support.process import ADMIN_KEY, ServerProcess

LINES = 300
# JSON as nobody's encoder would write it again.
ODD = [
    b'{"total": 1.0, "tax":-0, "exact":1e-7, "big":12345678901234567890123}',
    '{"name":"é ☃ 😀 \u2028","escaped":"\\u00e9\\ud83d\\ude00\\/\\u0000"}'.encode(),
    b'{"b":1,"a":2,"b":3,"10":0,"9":0}',
    b'[ 1 ,\t[ ] , { } , "  " , null ]',
    b'"only a text"',
    b"1E400",
    b"null",
]


def payloads() -> list[bytes]:
    """As many as there are lines, small and large, each with its number."""
    random = Random(7)
    filler = [b"x" * random.choice([0, 1, 100, 5_000]) for _ in range(LINES)]
    return [
        b'{"n":%d, "odd": %b,"filler":"%b" }' % (number, ODD[number % len(ODD)], filler[number])
        for number in range(LINES)
    ]


async def test_a_file(tmp_path: Path) -> None:
    """300 odd payloads of a gzipped file arrive verified, their bytes unchanged."""
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress(b"".join(b'{"type":"a","payload":%b}\n' % one for one in payloads())))
    server = ServerProcess(tmp_path, *LOOPBACK)
    async with Receiver() as receiver, running(server), customer(server) as tenant:
        receiver.trust("/", (await tenant.register(receiver.url))["secret"])
        environ = {"HOOKFERRY_URL": server.url, "HOOKFERRY_KEY": ADMIN_KEY, "HOOKFERRY_TENANT": tenant.id}
        command = [sys.executable, "-m", "hookferry", "send", "--file", str(file)]
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environ}, stdout=asyncio.subprocess.DEVNULL
        )
        code = await process.wait()
        arrivals = await receiver.wait_for(LINES)
    arrived = {one.body.partition(b',"data":')[2][:-1] for one in arrivals if one.verified}
    assert (code, arrived) == (0, set(payloads()))
