"""Whatever fits our own document, or nearly fits it, never gives a 5xx, and answers are as documented."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hookferry.service.forms import NewTenant
from tests.api.conftest import whole_app
from tests.store.world import sqlite_store
from tests.support.clock import ManualClock
from tests.support.server import served
from tests.support.services import ADMIN_KEY, House

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
SETTINGS = settings(max_examples=20, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
HEADERS = {"Authorization": f"Bearer {ADMIN_KEY}"}


class Served(threading.Thread):
    """The whole API on a socket, with an event loop of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.up = threading.Event()
        self._path = path

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        clock = ManualClock()
        store = sqlite_store(self._path, clock)
        await store.open()
        house = House(store, clock)
        await house.services.tenants.create(NewTenant(id="demo", name="Demo"))
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with served(whole_app(house)) as self.url:
            self.up.set()
            await self._end.wait()
        await store.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self.join(10)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    api = Served(tmp_path_factory.mktemp("api") / "test.db")
    api.start()
    assert api.up.wait(10)
    yield api.url
    api.stop()


@pytest.fixture(scope="module")
def ids(url: str) -> dict[str, str]:
    """An object of each kind, so that not every answer is a 404."""
    with httpx.Client(base_url=f"{url}/v1/tenants/demo", headers=HEADERS) as client:
        endpoint = client.post("/endpoints", json={"url": "https://example.com/"}).json()["id"]
        event = client.post("/events", json={"type": "a", "payload": {"a": 1}}).json()["id"]
        role = client.post("/roles", json={"name": "R", "permissions": []}).json()["id"]
        member = client.post("/members", json={"name": "M", "role": role}).json()["id"]
        alert = client.post("/alerts", json={"name": "A", "endpoints": [endpoint]}).json()["id"]
        delivery = client.get("/deliveries").json()["data"][0]["id"]
        past = {"since": "2000-01-01T00:00:00Z"}
        job = client.post(f"/endpoints/{endpoint}/replay", json=past).json()["id"]
    return {
        "endpoints": endpoint,
        "events": event,
        "roles": role,
        "members": member,
        "alerts": alert,
        "deliveries": delivery,
        "jobs": job,
    }


@pytest.fixture(scope="module")
def api(url: str) -> BaseSchema:
    # The tail goes on for ever; it has its own test.
    return schemathesis.openapi.from_url(f"{url}/openapi.json").exclude(path_regex="/tail$")


def aim(path: str, method: str, ids: dict[str, str]) -> dict[str, str]:
    """Path parameters that lead to something, but for what would delete it."""
    if method == "delete" or "{" not in path:
        return {}
    if path.startswith("/v1/contracts"):
        return {"name": "standard"}
    if "{tenant}" not in path:
        return {}
    if "{id}" not in path:
        return {"tenant": "demo"}
    return {"tenant": "demo", "id": ids.get(path.split("/")[4], "none")}


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_server_error(api: BaseSchema, ids: dict[str, str], mode: GenerationMode) -> None:
    """Every request gets an answer that the document knows, and none is a server error."""
    for found in api.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue  # there is nothing that it could get wrong
        target = aim(operation.path, operation.method, ids)

        @SETTINGS
        @given(operation.as_strategy(mode, path_parameters=target))
        def ask(case: Case[Any]) -> None:
            case.call_and_validate(headers=HEADERS, checks=CHECKS)

        ask()
