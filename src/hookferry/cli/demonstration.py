"""What `hookferry demo` does: a whole server over real sockets, retries in fast motion."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import httpx
import msgspec

from hookferry import app
from hookferry.cli.output import print_table
from hookferry.config import Settings
from hookferry.errors import HookferryError
from hookferry.receiver import Answer, Receiver

# The second retry of `standard` comes 5 to 6 minutes after the first: here about a second.
_TIME_SCALE = 300.0
_PATIENCE = 60.0

_ENDPOINTS = {
    "Order desk": ["order.created", "order.paid", "order.shipped"],
    "Billing": ["invoice.sent"],
    "Audit log": [],
}
_EVENTS: list[tuple[str, Any]] = [
    ("order.created", {"order": 17, "total": 49.9}),
    ("order.paid", {"order": 17, "method": "card"}),
    ("invoice.sent", {"order": 17, "invoice": "INV-2041"}),
    ("order.shipped", {"order": 17, "carrier": "Kestrel Freight"}),
]
_FLAKY = "Billing"
_FAILS_TWICE = (Answer(500), Answer(500), Answer(200))


_DELIVERIES = sum(not types or type in types for type, _ in _EVENTS for types in _ENDPOINTS.values())


class Row(msgspec.Struct, frozen=True):
    """A delivery and how it went. `answers` are its attempts' statuses or failures, `latency` is the
    time from the API's acceptance to the last arrival, in milliseconds."""

    event: str
    endpoint: str
    answers: list[str]
    status: str
    latency: int | None
    verified: bool


async def demonstrate() -> list[Row]:
    """Publish, deliver, retry, and read back what happened. Raises HookferryError if it takes too long."""
    try:
        async with asyncio.timeout(_PATIENCE), Receiver() as receiver, _server() as api:
            return await _Demo(api, receiver).run()
    except TimeoutError:
        raise HookferryError(f"The demo was not done within {_PATIENCE:g} s; is this machine busy?") from None


@asynccontextmanager
async def _server() -> AsyncIterator[httpx.AsyncClient]:
    with TemporaryDirectory(prefix="hookferry-demo-") as folder:
        settings = Settings(
            port=0,
            database=f"sqlite:///{Path(folder) / 'demo.db'}",
            admin_key=secrets.token_hex(32),
            allow_net=(ip_network("127.0.0.0/8"),),
            time_scale=_TIME_SCALE,
            log_level="error",
        )
        async with (
            app.running(settings) as server,
            httpx.AsyncClient(
                base_url=f"{server.url}/v1/",
                headers={"Authorization": f"Bearer {settings.admin_key}"},
                trust_env=False,
            ) as api,
        ):
            click.echo(f"A server at {server.url}, with a database in {folder}", err=True)
            yield api


class _Demo:
    """One run. Its mutable state: the endpoints' names by id."""

    def __init__(self, api: httpx.AsyncClient, receiver: Receiver) -> None:
        self._api = api
        self._receiver = receiver
        self._names: dict[str, str] = {}

    async def run(self) -> list[Row]:
        await self._call("POST", "tenants", {"id": "demo", "name": "Demo"})
        for name, types in _ENDPOINTS.items():
            await self._register(name, types)
        click.echo(f"Three endpoints at {self._receiver.url}; {_FLAKY} fails twice at first", err=True)
        async with self._api.stream("GET", "tenants/demo/tail", timeout=_PATIENCE) as tail:
            events = [await self._publish(type, payload) for type, payload in _EVENTS]
            click.echo(f"{len(events)} events are published; delivering ...", err=True)
            await _until_final(tail, sum(event["deliveries"] for event in events))
        return [row for event in events for row in await self._rows(event["id"])]

    async def _register(self, name: str, types: list[str]) -> None:
        path = _path(name)
        wanted = {"url": self._receiver.url + path, "name": name, "event_types": types}
        endpoint = await self._call("POST", "tenants/demo/endpoints", wanted)
        self._names[endpoint["id"]] = name
        self._receiver.trust(path, endpoint["secret"])
        if name == _FLAKY:
            self._receiver.answer(path, *_FAILS_TWICE)

    async def _publish(self, type: str, payload: Any) -> Any:
        return await self._call("POST", "tenants/demo/events", {"type": type, "payload": payload})

    async def _rows(self, event: str) -> list[Row]:
        deliveries = await self._call("GET", f"tenants/demo/events/{event}/deliveries")
        return [await self._row(delivery) for delivery in reversed(deliveries["data"])]

    async def _row(self, delivery: dict[str, Any]) -> Row:
        attempts = await self._call("GET", f"tenants/demo/deliveries/{delivery['id']}/attempts")
        name = self._names[delivery["endpoint"]]
        key = (_path(name), delivery["event"])
        arrived = [each for each in self._receiver.arrivals if (each.target, each.id) == key]
        return Row(
            event=delivery["type"],
            endpoint=name,
            answers=[str(each["status_code"] or each["outcome"]) for each in reversed(attempts["data"])],
            status=delivery["status"],
            latency=arrived[-1].at - _millis(delivery["created_at"]) if arrived else None,
            verified=bool(arrived) and all(each.verified for each in arrived),
        )

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._api.request(method, path, json=body)
        if not answer.is_success:
            raise HookferryError(f"The demo's server answered {answer.status_code}: {answer.text}")
        return answer.json()


async def _until_final(tail: httpx.Response, deliveries: int) -> None:
    """Read the tail until so many deliveries are final."""
    async for line in tail.aiter_lines():
        if line.startswith("data:"):
            record = msgspec.json.decode(line.removeprefix("data:"))
            deliveries -= record.get("status") in ("succeeded", "failed", "cancelled")
            if not deliveries:
                return


def _path(name: str) -> str:
    return "/" + name.lower().replace(" ", "-")


def _millis(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def report(rows: list[Row]) -> bool:
    """Print what happened; True if every delivery arrived and verified."""
    heads = ("event", "endpoint", "attempts", "status", "latency", "signature")
    print_table(heads, [_shown(row) for row in rows])
    good = sum(row.status == "succeeded" and row.verified for row in rows)
    click.echo(f"\n{good} of {_DELIVERIES} deliveries arrived with a valid signature.", err=True)
    if good == _DELIVERIES:
        click.echo("Retries ran in fast motion. Go on with `hookferry serve --dev`.", err=True)
    return good == _DELIVERIES == len(rows)


def _shown(row: Row) -> tuple[str, ...]:
    return (
        row.event,
        row.endpoint,
        f"{len(row.answers)}  ({', '.join(row.answers)})",
        row.status,
        "" if row.latency is None else f"{row.latency:,} ms",
        "verified" if row.verified else "NOT VERIFIED",
    )
