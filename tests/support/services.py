"""Everything above the store, put together as the app does it, but for the engine."""

from pathlib import Path
from random import Random

import msgspec

from hookferry.contracts import Contract, builtin
from hookferry.ids import IdMaker
from hookferry.model import ContractText, Work
from hookferry.service.alerts import Alerts
from hookferry.service.catalogue import Catalogue
from hookferry.service.contracts import Contracts, Origin
from hookferry.service.endpoints import Endpoints
from hookferry.service.explanations import Explanations
from hookferry.service.history import History
from hookferry.service.keys import Keys
from hookferry.service.members import Members
from hookferry.service.previews import Previews
from hookferry.service.publish import Publisher
from hookferry.service.replays import Replays
from hookferry.service.roles import Roles
from hookferry.service.secrets import Secrets
from hookferry.service.services import Services
from hookferry.service.tail import Tail
from hookferry.service.tenants import Tenants
from hookferry.store.base import Store
from tests.support.clock import ManualClock

ADMIN_KEY = "an admin key of forty characters, or more"


class FullEngine:
    """An engine without room: whatever is published waits in the database. `woken` counts its wake-ups."""

    worker = "wrk_none"

    def __init__(self) -> None:
        self.woken = 0

    def reserve(self, endpoint: str, size: int) -> bool:
        return False

    def defer(self, endpoint: str) -> None:
        """There is no room for newcomers anyway."""

    def release(self, endpoint: str, size: int) -> None:
        raise AssertionError("no room was given")

    def offer(self, work: Work) -> None:
        raise AssertionError("no room was given")

    def wake(self) -> None:
        self.woken += 1


def gated(contract: Contract) -> Contract:
    """The same with a feature that switches it on, and one that opens its documents."""
    access = msgspec.structs.replace(contract.access, feature="webhooks", docs_feature="developer-docs")
    return msgspec.structs.replace(contract, name="gated", version="0123456789ab", access=access)


class House:
    """The services over a store, with the contracts `standard` and `gated`."""

    def __init__(self, store: Store, clock: ManualClock, folder: Path | None = None) -> None:
        ids = IdMaker(clock.now, Random(2).getrandbits)
        random = Random(3).randbytes
        contracts = Contracts(store, clock, folder)
        made_up = gated(builtin("standard"))
        contracts.add(Origin.FOLDER, ContractText(made_up.version, made_up.name, ""), made_up)
        self.store = store
        self.engine = FullEngine()
        self.publisher = Publisher(store, clock, ids, self.engine, contracts, 256 * 1024)
        endpoints = Endpoints(store, clock, ids, contracts, random, self.publisher, self.engine.wake)
        self.services = Services(
            contracts=contracts,
            previews=Previews(contracts, clock, lambda request: request, 256 * 1024),
            tenants=Tenants(store, clock, ids, contracts),
            roles=Roles(store, clock, ids),
            members=Members(store, clock, ids),
            keys=Keys(store, clock, ids, contracts, random, ADMIN_KEY),
            endpoints=endpoints,
            alerts=Alerts(store, clock, ids, contracts, endpoints),
            secrets=Secrets(store, clock, contracts, random),
            catalogue=Catalogue(store),
            history=History(store, clock, ids, self.engine.wake, lambda delivery: None),
            replays=Replays(store, clock, ids, contracts, endpoints, self.engine.wake),
            explanations=Explanations(store, contracts),
            tail=Tail(),
        )
        store.listen(self.services.tail.on_settled)
