"""`hookferry serve` as a process of its own, and its API as a client sees it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support.ports import reserved_port

ADMIN_KEY = "test-admin-key-of-forty-characters-long!"


def server_environment(given: Mapping[str, str | None]) -> dict[str, str]:
    """This process's environment with these settings and no others. None takes a variable away."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOOKFERRY_")}
    return {**clean, **{name: value for name, value in given.items() if value is not None}}


class ServerProcess:
    """One server after the other on one database. Its mutable state is the process that runs now.

    In `env`, None takes a variable away. `program` are arguments of Python that run instead of `hookferry`.
    """

    def __init__(
        self,
        folder: Path,
        *flags: str,
        env: Mapping[str, str | None] | None = None,
        program: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.port = reserved_port(self)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self._flags = flags
        self._env = env or {}
        self._program = program or ("-m", "hookferry")
        self.process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        """Start a process; do not wait for anything."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._program, "serve", "--port", str(self.port), *self._flags],
                cwd=self.folder,
                env=server_environment({"HOOKFERRY_ADMIN_KEY": ADMIN_KEY, **self._env}),
                stdout=log,
                stderr=log,
            )

    async def start(self) -> None:
        """Start a process and wait until it is ready. Raises RuntimeError if it ends instead."""
        self.spawn()
        async with asyncio.timeout(30), self.client() as client:
            while True:
                if self.process is None or self.process.poll() is not None:
                    raise RuntimeError(self.log.read_text()[-2000:])
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.02)  # until the port is open; there is no other signal

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, timeout: float = 30) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def client(self, key: str = ADMIN_KEY) -> httpx.AsyncClient:
        """A client with a key."""
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=10,
            trust_env=False,
            verify=False,  # there is no TLS here, and reading all authorities takes 30 ms
        )


async def new_endpoint(
    client: httpx.AsyncClient, url: str, tenant: str = "acme", **fields: Any
) -> dict[str, Any]:
    """Register an endpoint, and its tenant if it is not there yet."""
    await client.post("/v1/tenants", json={"id": tenant, "name": tenant})
    answer = await client.post(f"/v1/tenants/{tenant}/endpoints", json={"url": url, **fields})
    answer.raise_for_status()
    made: dict[str, Any] = answer.json()
    return made
