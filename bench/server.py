"""What is measured: `hookferry serve` as a user starts it, and the forward-only process beside it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.load import Plan, run
from bench.processes import announced_port, python, resident_megabytes, running, wait_until
from bench.receivers import answers, free_port
from bench.report import BenchError

_ADMIN_KEY = "hf_bench_0123456789abcdef0123456789abcdef"
_COMMAND = [str(Path(sys.executable).with_name("hookferry"))]
_BACKLOG = re.compile(r"^hookferry_backlog\{.*\} (\S+)$", re.MULTILINE)

# How long a backlog may take to drain, in seconds.
_DRAIN = 300.0


class Tenant:
    """A tenant of a running server, with a key that may publish and nothing else."""

    def __init__(self, client: httpx.Client, id: str) -> None:
        self._client = client
        self._url = f"{_url(client)}/v1/tenants/{id}"
        key = _created(client.post("/v1/keys", json={"tenant": id, "permissions": ["events:write"]}))
        self._key: str = key["key"]

    def add_endpoint(self, url: str, *types: str) -> str:
        """Register an endpoint and give its id."""
        body = {"url": url, "event_types": types}
        return _created(self._client.post(f"{self._url}/endpoints", json=body))["id"]

    def add_endpoints(self, endpoints: Sequence[Mapping[str, object]]) -> None:
        """Register many at once. Raises BenchError if one is refused."""
        bodies = [json.dumps(endpoint) for endpoint in endpoints]
        run(Plan(f"{self._url}/endpoints", _ADMIN_KEY, bodies, 300, connections=8, limit=len(bodies)))

    def rotate(self, endpoint: str) -> None:
        """Issue a new secret."""
        _created(self._client.post(f"{self._url}/endpoints/{endpoint}/rotate"))

    def publish(self, body: str, route: str = "events") -> float:
        """Publish one body and give the seconds until its 202."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        started = time.monotonic()
        _created(self._client.post(f"{self._url}/{route}", content=body, headers=headers))
        return time.monotonic() - started

    def plan(
        self,
        bodies: list[str],
        seconds: float,
        *,
        route: str = "events",
        connections: int = 64,
        rate: float | None = None,
        limit: int | None = None,
    ) -> Plan:
        """A load on this tenant."""
        return Plan(f"{self._url}/{route}", self._key, bodies, seconds, connections, rate, limit)

    def attempts(self, endpoint: str) -> int:
        """How many attempts an endpoint has had: one page of them."""
        return len(self._client.get(f"{self._url}/endpoints/{endpoint}/attempts").json()["data"])


class Server:
    """A process that takes events and tells its backlog at /metrics."""

    def __init__(self, client: httpx.Client, pid: int) -> None:
        self._client = client
        self._pid = pid
        self.url = _url(client)

    def new_tenant(self, id: str = "bench", **fields: object) -> Tenant:
        """A tenant that is not there yet; `fields` such as `contract` are its own."""
        _created(self._client.post("/v1/tenants", json={"id": id, "name": id, **fields}))
        return self.tenant(id)

    def tenant(self, id: str = "bench") -> Tenant:
        """A tenant that is there, with a new key."""
        return Tenant(self._client, id)

    def backlog(self) -> int:
        """How many deliveries are not final, whatever they wait for."""
        found = _BACKLOG.findall(self._client.get("/metrics").text)
        if not found:
            raise BenchError("/metrics tells no hookferry_backlog")
        return int(sum(map(float, found)))

    def drain(self, rest: int = 0) -> None:
        """Wait until the backlog is at most `rest`: all else is settled, that is committed."""
        wait_until(lambda: self.backlog() <= rest, f"a backlog of {rest}", _DRAIN)

    def resident(self) -> float:
        """Resident memory in MB."""
        return resident_megabytes(self._pid)


def _url(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")


def _created(answer: httpx.Response) -> dict[str, str]:
    if not answer.is_success:
        raise BenchError(
            f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}"
        )
    found: dict[str, str] = answer.json()
    return found


@contextmanager
def _server(url: str, pid: int) -> Iterator[Server]:
    headers = {"Authorization": f"Bearer {_ADMIN_KEY}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield Server(client, pid)


@contextmanager
def hookferry(
    folder: Path, database: str = "bench.db", *flags: str, port: int | None = None
) -> Iterator[Server]:
    """`hookferry serve` on a SQLite file in `folder` or on a database's URL, its default logs in a file."""
    with _serving(folder, database, *flags, port=port) as (url, pid), _server(url, pid) as server:
        yield server


def start_to_ready(folder: Path) -> float:
    """Start Hookferry on a new database, end it, and give the seconds from the start to /readyz."""
    started = time.monotonic()
    with _serving(folder, "start.db"):
        return time.monotonic() - started


@contextmanager
def _serving(folder: Path, database: str, *flags: str, port: int | None = None) -> Iterator[tuple[str, int]]:
    """A process that is ready: its URL and number."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / "hookferry.log"
    where = database if "://" in database else f"sqlite:///{folder / database}"
    command = [*_COMMAND, "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--allow-net", "127.0.0.0/8", *flags]

    with running(command, log, _environment(where), cwd=folder) as process:

        def ready() -> bool:
            if process.poll() is not None:
                said = log.read_text().strip().splitlines()
                raise BenchError(
                    f"hookferry ended with {process.returncode}: {said[-1] if said else 'in silence'}"
                )
            return answers(f"{url}/readyz")

        wait_until(ready, "/readyz", 60, pause=0.005)
        yield url, process.pid


def migrate(database: str, folder: Path) -> None:
    """Bring a PostgreSQL database to this version."""
    with (folder / "migrate.log").open("w") as log:
        subprocess.run([*_COMMAND, "migrate"], check=True, env=_environment(database), stderr=log, cwd=folder)


def _environment(database: str) -> dict[str, str]:
    """The caller's, without settings of Hookferry that would change what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOOKFERRY_")}
    secret = {} if database.startswith("sqlite:") else {"HOOKFERRY_SECRET_KEY": "b3" * 32}
    return {**kept, **secret, "HOOKFERRY_ADMIN_KEY": _ADMIN_KEY, "HOOKFERRY_DATABASE": database}


@contextmanager
def forward(folder: Path, receiver: str, processes: int = 1) -> Iterator[Server]:
    """The forward-only process: what it takes it sends to `receiver`. Several share a port."""
    port = free_port()
    command = python("bench.forward", receiver, str(port))
    with ExitStack() as stack:
        for _ in range(processes):
            process = stack.enter_context(running(command, folder / "forward.log", speaks=True))
            announced_port(process)
        yield stack.enter_context(_server(f"http://127.0.0.1:{port}", process.pid))
