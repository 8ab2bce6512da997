"""The official verifiers of receivers, which run in processes of their own."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-verifiers" / "bin" / "python"
NODE_FOLDER = ROOT / "tests" / "node"

python_is_there = pytest.mark.skipif(
    not (PYTHON.parent.parent / "ready").exists(), reason="not installed: make verifiers"
)
node_is_there = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_FOLDER / "node_modules" / "@shopify").is_dir(),
    reason="Node is not installed, or not: make node",
)


class Captured(msgspec.Struct, frozen=True):
    """A request as a receiver got it; `url` is the one that was called. Header names are in lower case."""

    url: str
    headers: dict[str, str]
    body: bytes


class Verifiers:
    """A process that answers one question a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def accept(self, verifier: str, secret: str, request: Captured) -> bool:
        """What a verifier says of a request."""
        asked = {
            "verifier": verifier,
            "secret": secret,
            "url": request.url,
            "headers": request.headers,
            "body": request.body.decode(),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        said = json.loads(self._process.stdout.readline())
        assert isinstance(said, bool)
        return said


@contextmanager
def running(command: Sequence[str | Path]) -> Iterator[Verifiers]:
    """The verifiers of a language, until the end."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=NODE_FOLDER) as process:
        yield Verifiers(process)
        assert process.stdin is not None
        process.stdin.close()
