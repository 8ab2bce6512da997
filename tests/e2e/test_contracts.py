"""Contracts of a folder, by a real server: starts that cannot be, and pins that outlive changed files."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from hookferry.contracts.texts import builtin_text
from hookferry.receiver import Arrival, Receiver
from tests.e2e.customer import running
from tests.e2e.test_start import check, hookferry, serve
from tests.support.contracts import acme
from tests.support.process import ServerProcess, new_endpoint

FLAGS = ("--contracts-dir", "contracts", "--allow-net", "127.0.0.0/8")
EVENT = {"type": "order.created", "payload": {"order": 17}, "occurred_at": "2026-01-31T12:00:00Z"}


def write(text: str, name: str = "acme.toml") -> None:
    """A file of the folder of contracts."""
    Path("contracts").mkdir(exist_ok=True)
    Path("contracts", name).write_text(text)


def take_away() -> None:
    """The file is gone."""
    Path("contracts", "acme.toml").unlink()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class House:
    """One server after the other on one database, with a tenant of the contract `acme` and its receiver."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.server = ServerProcess(folder, *FLAGS)
        self._receiver = receiver

    @asynccontextmanager
    async def up(self) -> AsyncIterator[httpx.AsyncClient]:
        """A server that has started, and stops in order."""
        async with running(self.server), self.server.client() as client:
            yield client
            self.server.stop()

    async def new_customer(self, client: httpx.AsyncClient) -> Any:
        """The tenant, with an endpoint at the receiver."""
        made = await client.post("/v1/tenants", json={"id": "acme", "name": "A", "contract": "acme"})
        await new_endpoint(client, f"{self._receiver.url}/hooks")
        return made.json()["contract_version"]

    async def arrival(self, client: httpx.AsyncClient) -> Arrival:
        """What the receiver gets of an event."""
        count = self._receiver.count
        answer = await client.post("/v1/tenants/acme/events", json=EVENT)
        assert answer.json()["deliveries"] == 1, answer.text
        return (await self._receiver.wait_for(count + 1))[-1]


@pytest.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    async with Receiver() as receiver:
        yield House(folder, receiver)


def wire(arrival: Arrival) -> tuple[list[str], str | None, bytes]:
    """What does not change with id and time: header names, the contract's own header, the body."""
    headers = dict(arrival.headers)
    return list(headers), headers.get("x-acme"), arrival.body


async def test_a_changed_file_leaves_tenants_alone(house: House) -> None:
    """After a restart with another file a tenant's receivers get the same bytes, until it is moved."""
    write(acme("one"))
    async with house.up() as client:
        await house.new_customer(client)
        before = wire(await house.arrival(client))
    write(acme("two", header="X-Other").replace('data = "{payload}"', 'content = "{payload}"'))
    async with house.up() as client:
        after = wire(await house.arrival(client))
        await client.patch("/v1/tenants/acme", json={"contract_version": "latest"})
        moved = wire(await house.arrival(client))
    assert after == before
    assert (before[1], moved[1], json.loads(moved[2])["content"]) == ("one", None, {"order": 17})


async def test_a_file_that_was_taken_away(house: House) -> None:
    """Its tenants' receivers get the same bytes."""
    write(acme("one"))
    async with house.up() as client:
        await house.new_customer(client)
        before = wire(await house.arrival(client))
    take_away()
    async with house.up() as client:
        assert (await client.get("/v1/contracts/acme")).json()["source"] == "gone"
        assert wire(await house.arrival(client)) == before


async def test_an_uploaded_contract_survives_a_restart(house: House) -> None:
    """With its version."""
    write(acme("two").replace('"acme"', '"other"', 1), "other.toml")
    async with house.up() as client:
        await client.post("/v1/contracts", json={"text": acme("one")})
        version = await house.new_customer(client)
        before = wire(await house.arrival(client))
    async with house.up() as client:
        assert (await client.get("/v1/contracts/acme")).json()["version"] == version
        assert wire(await house.arrival(client)) == before


async def test_a_kept_text_that_no_longer_loads(house: House, folder: Path) -> None:
    """The start names the contract, the version and the tenant."""
    write(acme("one"))
    async with house.up() as client:
        version = await house.new_customer(client)
    with closing(sqlite3.connect(folder / "hookferry.db")) as database, database:
        database.execute("update contracts set text = 'name = 1' where name = 'acme'")
    take_away()
    check(serve(*FLAGS, HOOKFERRY_SECRET_KEY=None), 1, "acme", version, "tenant acme", ".toml:1: ")


def test_a_faulty_file() -> None:
    """File, line and what was probably meant; exit code 5."""
    write(acme("one").replace("[body]", "[boddy]"))
    check(hookferry("serve", "--port", "0", *FLAGS), 5, "contracts/acme.toml:1", "did you mean body?")


def test_faulty_vectors() -> None:
    """Vectors that do not hold stop the start as well."""
    write(acme("one"))
    write((builtin_text("standard").vectors or "").replace("12", "13"), "acme.vectors.toml")
    check(hookferry("serve", "--port", "0", *FLAGS), 5, "contracts/acme.vectors.toml:")


def test_a_name_that_is_taken() -> None:
    """A built-in contract cannot be replaced by a file."""
    write(builtin_text("standard").text, "standard.toml")
    check(hookferry("serve", "--port", "0", *FLAGS), 5, "contracts/standard.toml:", "built-in")


def test_a_folder_that_is_not_there() -> None:
    """The setting is named."""
    check(hookferry("serve", "--port", "0", *FLAGS), 5, "contracts_dir")


def test_a_contract_without_an_api_at_the_root() -> None:
    """There is nothing of it to serve there."""
    check(hookferry("serve", "--port", "0", "--contract", "stripe"), 1, "no API of its own")


def test_an_unknown_contract_at_the_root() -> None:
    """What was probably meant."""
    check(hookferry("serve", "--port", "0", "--contract", "tracktle"), 1, "did you mean tracktile?")


def test_two_contracts_at_the_root() -> None:
    """Only one company's API can be there."""
    ended = hookferry("serve", "--port", "0", "--contract", "standard", "--contract", "svix")
    check(ended, 2, "--contract", "one name alone")


def test_two_contracts_at_the_root_of_a_file(folder: Path) -> None:
    """In the settings file too."""
    (folder / "hookferry.toml").write_text('contract = ["standard", "svix"]\n')
    check(hookferry("serve", "--port", "0"), 2, "hookferry.toml", "one name alone")
