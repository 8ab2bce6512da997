"""Whatever fits our own document, or nearly fits it, never gives a 5xx, and answers are as documented."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import Phase, given, settings
from schemathesis.checks import not_a_server_error
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
from tests.support.services import ADMIN_KEY, House

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 20
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
        config = uvicorn.Config(whole_app(house), port=0, lifespan="off", log_config=None)
        self.server = uvicorn.Server(config)
        serving = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"
        self.up.set()
        await serving
        await store.close()

    def stop(self) -> None:
        self.server.should_exit = True
        self.join(10)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("api") / "test.db")
    served.start()
    assert served.up.wait(10)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def ids(served: Served) -> dict[str, str]:
    """An object of each kind, so that not every answer is a 404."""
    with httpx.Client(base_url=f"{served.url}/v1/tenants/demo", headers=HEADERS) as client:
        endpoint = client.post("/endpoints", json={"url": "https://example.com/"}).json()["id"]
        event = client.post("/events", json={"type": "a", "payload": {"a": 1}}).json()["id"]
        delivery = client.get("/deliveries").json()["data"][0]["id"]
    return {"endpoints": endpoint, "events": event, "deliveries": delivery}


@pytest.fixture(scope="module")
def api(served: Served) -> BaseSchema:
    # The tail goes on for ever; it has its own test.
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json").exclude(path_regex="/tail$")


def aim(path: str, method: str, ids: dict[str, str]) -> dict[str, str]:
    """Path parameters that lead to something, but for what would delete it."""
    if method == "delete" or "{tenant}" not in path:
        return {}
    if "{id}" not in path:
        return {"tenant": "demo"}
    return {"tenant": "demo", "id": ids[path.split("/")[4]]}


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_server_error(api: BaseSchema, ids: dict[str, str], mode: GenerationMode) -> None:
    """Every request gets an answer that the document knows, and none is a server error."""
    for operation in (found.ok() for found in api.get_all_operations()):
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue  # there is nothing that it could get wrong
        target = aim(operation.path, operation.method, ids)

        @settings(
            max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate]
        )
        @given(operation.as_strategy(mode, path_parameters=target))
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=HEADERS, checks=CHECKS)

        ask()
