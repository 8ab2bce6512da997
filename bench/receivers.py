"""Receivers for a run: nginx where there is one and only a count is wanted, else our own sink."""

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from bench.processes import announced_port, python, running, wait_until
from bench.report import BenchError

# `return` discards the request's body. One process, because the machine's other core is the server's.
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; client_max_body_size 0;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{ return 200; }}
        location = /count {{ stub_status; }}
    }}
}}
"""


class Sink:
    """Our own receiver, which can also tell times and hang."""

    name = "bench.sink"

    def __init__(self, url: str) -> None:
        self.url = url

    def count(self) -> int:
        """How many POSTs have come."""
        return int(_get(f"{self.url}/count"))

    def times(self) -> dict[str, int]:
        """When each webhook-id came to `/timed`, in nanoseconds of the monotonic clock."""
        found: dict[str, int] = json.loads(_get(f"{self.url}/times"))
        return found


class Nginx:
    """nginx, which only counts, and our questions too: `_asked` of them. Only differences tell."""

    name = "nginx"

    def __init__(self, url: str) -> None:
        self.url = url
        self._asked = 0

    def count(self) -> int:
        """How many POSTs have come."""
        self._asked += 1
        handled = _get(f"{self.url}/count").splitlines()[2].split()[2]
        return int(handled) - self._asked


@contextmanager
def sink(folder: Path) -> Iterator[Sink]:
    """Our own receiver, for latency, hanging and where there is no nginx."""
    with running(python("bench.sink"), folder / "sink.log", speaks=True) as process:
        yield Sink(f"http://127.0.0.1:{announced_port(process)}")


@contextmanager
def counter(folder: Path) -> Iterator[Sink | Nginx]:
    """The fastest receiver that this machine has."""
    program = shutil.which("nginx")
    if program is None:
        with sink(folder) as ours:
            yield ours
        return
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, port=port))
    with running([program, "-p", str(folder), "-c", str(configuration)], folder / "nginx.log"):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), "the start of nginx", 5)
        yield Nginx(f"http://127.0.0.1:{port}")


def free_port() -> int:
    """A port that is free now, for programs that cannot choose their own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """True if a GET is answered with 2xx."""
    try:
        _get(url)
    except (OSError, HTTPException, BenchError):
        return False
    return True


def _get(url: str) -> bytes:
    # The standard library's client: it is asked every few milliseconds while something starts.
    address = urlsplit(url)
    with closing(HTTPConnection(address.netloc, timeout=5)) as connection:
        connection.request("GET", address.path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise BenchError(f"GET {url}: {answer.status}")
        return answer.read()


@contextmanager
def closed_port() -> Iterator[str]:
    """A URL that refuses connections for as long as the context lasts: bound, and not listening."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/dead"
