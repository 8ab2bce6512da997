"""Events that a contract derives: the first to join a set and the last to leave it (OC-22, OC-23)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from hookferry.contracts import Contract, builtin
from hookferry.errors import Invalid
from hookferry.ids import IdMaker
from hookferry.model import ContractText, Derivation, Event, Tenant, Work
from hookferry.service.contracts import Contracts, Origin
from hookferry.service.forms import NewAlert, NewEndpoint
from hookferry.service.publish import Draft, Publisher
from hookferry.service.services import Services
from hookferry.store.base import Store
from hookferry.store.values import Ingested, Slice
from tests.support.clock import ManualClock
from tests.support.services import FullEngine

RULE = Derivation("Hold Applied", "Hold Lifted", "Cargo Held", "Cargo Released", "cargo_id", "hold_id")


class Counting(FullEngine):
    """An engine with room; it counts what it gave away and what came of it."""

    def __init__(self) -> None:
        super().__init__()
        self.room: Counter[str] = Counter()
        self.offered: list[Work] = []

    def reserve(self, endpoint: str, size: int) -> bool:
        self.room["taken"] += 1
        return True

    def release(self, endpoint: str, size: int) -> None:
        self.room["given back"] += 1

    def offer(self, work: Work) -> None:
        self.offered.append(work)


class Port:
    """A publisher for a tenant `demo` whose contract counts holds."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.engine = Counting()
        ids = IdMaker(clock.now, Random(9).getrandbits)
        contracts, text = Contracts(store, clock), ContractText("0123456789ab", "port", "")
        self.contracts = contracts
        contracts.add(Origin.FOLDER, text, msgspec.structs.replace(builtin("standard"), derivations=(RULE,)))
        self.publisher = Publisher(store, clock, ids, self.engine, contracts, 256 * 1024)
        self.tenant = Tenant("demo", "Demo", text.name, clock.now(), contract_version=text.version)

    async def publish(self, type: str, payload: bytes, **more: Any) -> Ingested:
        (answer,) = await self.publisher.publish(self.tenant, [Draft(type, Raw(payload), **more)])
        return answer

    async def apply(self, hold: str, cargo: str = "c") -> Ingested:
        return await self.publish("Hold Applied", _payload(cargo, hold))

    async def lift(self, hold: str, cargo: str = "c") -> Ingested:
        return await self.publish("Hold Lifted", _payload(cargo, hold))

    async def publish_all(self, steps: list[tuple[str, str, str]], size: int) -> None:
        """Publish types with cargoes and holds, in batches of a size."""
        drafts = [Draft(type, Raw(_payload(cargo, hold))) for type, cargo, hold in steps]
        for start in range(0, len(drafts), size):
            await self.publisher.publish(self.tenant, drafts[start : start + size])

    async def derived(self, run: str) -> list[tuple[str, str]]:
        """What was derived for cargoes that begin so, with the cargo."""
        page = await self.store.events("demo", Slice(limit=10_000))
        events = [await self.store.event("demo", event.id) for event in reversed(page.data)]
        found = [(event.type, msgspec.json.decode(event.payload or b"")["cargo_id"]) for event in events]
        return [(type, cargo) for type, cargo in found if type.startswith("Cargo") and cargo[:-1] == run]

    async def types(self) -> list[str]:
        """The types of the events on record, oldest first."""
        page = await self.store.events("demo", Slice(limit=10_000))
        return [event.type for event in reversed(page.data)]


def _payload(cargo: str, hold: str) -> bytes:
    return msgspec.json.encode({"cargo_id": cargo, "hold_id": hold})


class Strict(Contract, frozen=True, kw_only=True):
    """A contract that cannot carry what it derives."""

    def check(self, event: Event) -> None:
        if event.type == RULE.first:
            raise Invalid("There is no body for it.", field="payload")


@pytest.fixture
def port(services: Services, store: Store, clock: ManualClock) -> Port:
    return Port(store, clock)


async def test_the_first_hold_holds_the_cargo(port: Port) -> None:
    """Hold Applied, and Cargo Held after it."""  # OC-22
    await port.apply("h")
    assert await port.types() == ["Hold Applied", "Cargo Held"]


async def test_a_further_hold_does_not(port: Port) -> None:
    """Every hold is told, the cargo is held once."""  # OC-22
    await port.apply("h")
    await port.apply("i")
    assert await port.types() == ["Hold Applied", "Cargo Held", "Hold Applied"]


async def test_a_hold_applied_twice_counts_once(port: Port) -> None:
    """One lift releases it."""  # OC-22, OC-23
    await port.apply("h")
    await port.apply("h")
    await port.lift("h")
    assert (await port.types())[2:] == ["Hold Applied", "Hold Lifted", "Cargo Released"]


async def test_only_the_last_lift_releases_the_cargo(port: Port) -> None:
    """Hold Lifted each time, Cargo Released at the end."""  # OC-23
    await port.apply("h")
    await port.apply("i")
    await port.lift("h")
    await port.lift("i")
    assert (await port.types())[3:] == ["Hold Lifted", "Hold Lifted", "Cargo Released"]


async def test_a_lift_without_a_hold_releases_nothing(port: Port) -> None:
    """There was nothing to release."""  # OC-23
    await port.lift("h")
    assert await port.types() == ["Hold Lifted"]


async def test_a_cargo_can_be_held_again(port: Port) -> None:
    """After its release it begins anew."""  # OC-22
    for _ in range(2):
        await port.apply("h")
        await port.lift("h")
    assert (await port.types()).count("Cargo Held") == 2


async def test_cargoes_are_held_apart(port: Port) -> None:
    """Each has its first hold."""  # OC-22
    await port.apply("h", "one")
    await port.apply("h", "two")
    assert (await port.types()).count("Cargo Held") == 2


async def test_the_derived_event_is_like_its_cause(port: Port) -> None:
    """The same payload, byte for byte, the same scope and moment."""  # OC-22
    payload = b'{ "cargo_id": 7, "hold_id": 1, "rows": 1.50 }'
    await port.publish("Hold Applied", payload, scope={"terminal": "a"})
    derived, cause = (await port.store.events("demo", Slice())).data
    event = await port.store.event("demo", derived.id)
    assert event.payload == payload
    assert (event.scope, event.occurred_at) == (cause.scope, cause.occurred_at)


async def test_the_derived_event_goes_to_who_wants_it(port: Port, services: Services) -> None:
    """And to nobody else."""  # OC-22
    wanting = NewEndpoint(url="https://example.com/", event_types=["Cargo Held"])
    endpoint = await services.endpoints.create("demo", wanting)
    await port.apply("h")
    assert [(work.event.type, work.delivery.endpoint) for work in port.engine.offered] == [
        ("Cargo Held", endpoint.id)
    ]


async def test_the_answer_is_about_the_published_event(port: Port, services: Services) -> None:
    """Its id, and its own deliveries."""
    await services.endpoints.create(
        "demo", NewEndpoint(url="https://example.com/", event_types=["Cargo Held"])
    )
    answer = await port.apply("h")
    assert ((await port.store.event("demo", answer.event)).type, answer.deliveries) == ("Hold Applied", 0)


async def test_a_derived_event_that_is_not_due_gives_its_room_back(port: Port, services: Services) -> None:
    """Room is taken before the store decides."""
    await services.endpoints.create(
        "demo", NewEndpoint(url="https://example.com/", event_types=["Cargo Held"])
    )
    await port.apply("h")
    await port.apply("i")
    assert (port.engine.room, len(port.engine.offered)) == ({"taken": 2, "given back": 1}, 1)


async def test_a_repeat_gives_all_room_back(port: Port, services: Services) -> None:
    """Nothing of it is sent."""
    await services.endpoints.create("demo", NewEndpoint(url="https://example.com/"))
    for _ in range(2):
        await port.publish("Hold Applied", _payload("c", "h"), idempotency_key="k")
    assert (port.engine.room, len(port.engine.offered)) == ({"taken": 4, "given back": 2}, 2)


async def test_a_repeat_changes_nothing(port: Port) -> None:
    """A hold that was lifted stays lifted when its application comes again."""
    await port.publish("Hold Applied", _payload("c", "h"), idempotency_key="k")
    await port.lift("h")
    await port.publish("Hold Applied", _payload("c", "h"), idempotency_key="k")
    await port.apply("i")
    assert (await port.types()).count("Cargo Held") == 2


async def test_a_derived_event_sets_alerts_off(port: Port, services: Services) -> None:
    """It is an ordinary event."""
    endpoint = NewEndpoint(url="https://example.com/", event_types=["nothing"])
    await services.alerts.create(
        "demo", NewAlert(name="Held", event_types=["Cargo Held"], endpoints=[endpoint])
    )
    await port.apply("h")
    await port.apply("i")
    assert [work.event.type for work in port.engine.offered] == ["status.alert"]


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (b'{"hold_id": "h"}', "payload.cargo_id"),
        (b'{"cargo_id": "c"}', "payload.hold_id"),
        (b'{"cargo_id": null, "hold_id": "h"}', "payload.cargo_id"),
        (b'{"cargo_id": "", "hold_id": "h"}', "payload.cargo_id"),
        (b'{"cargo_id": true, "hold_id": "h"}', "payload.cargo_id"),
        (b'{"cargo_id": 1.5, "hold_id": "h"}', "payload.cargo_id"),
        (b'{"cargo_id": "c", "hold_id": {"id": 1}}', "payload.hold_id"),
        (b'{"cargo_id": "%b", "hold_id": "h"}' % (b"c" * 201), "payload.cargo_id"),
        (b'{"cargo_id": %b, "hold_id": "h"}' % (b"1" * 5000), "payload.cargo_id"),
        (b'["cargo_id"]', "payload"),
        (b"null", "payload"),
    ],
)
async def test_a_payload_without_the_fields_is_refused(port: Port, payload: bytes, field: str) -> None:
    """The field is named, and nothing is stored."""
    with pytest.raises(Invalid) as refused:
        await port.publish("Hold Applied", payload)
    assert (refused.value.field, await port.types()) == (field, [])


async def test_a_derived_event_that_cannot_be_carried_is_refused(port: Port) -> None:
    """Before anything is stored, as with what is published."""
    text = ContractText("ba9876543210", "strict", "")
    fields = {**msgspec.structs.asdict(builtin("standard")), "derivations": (RULE,)}
    port.contracts.add(Origin.FOLDER, text, Strict(**fields))
    port.tenant = msgspec.structs.replace(port.tenant, contract=text.name, contract_version=text.version)
    with pytest.raises(Invalid):
        await port.apply("h")
    assert await port.types() == []


async def test_other_types_need_no_fields(port: Port) -> None:
    """The rule is about two types."""
    await port.publish("Cargo Gated", b"1")
    assert await port.types() == ["Cargo Gated"]


async def test_a_batch_names_the_event_that_is_wrong(port: Port) -> None:
    """And stores none of it."""
    drafts = [Draft("Hold Applied", Raw(_payload("c", "h"))), Draft("Hold Applied", Raw(b"{}"))]
    with pytest.raises(Invalid) as refused:
        await port.publisher.publish(port.tenant, drafts)
    assert (refused.value.number, await port.types()) == (1, [])


async def test_numbers_and_texts_are_the_same_cargo(port: Port) -> None:
    """7 and "7"."""
    await port.publish("Hold Applied", b'{"cargo_id": 7, "hold_id": 1}')
    await port.publish("Hold Lifted", b'{"cargo_id": "7", "hold_id": "1"}')
    assert (await port.types())[2:] == ["Hold Lifted", "Cargo Released"]


async def _in_random_order(port: Port, change: Callable[[str], Any]) -> None:
    holds = [str(number) for number in range(300)]
    Random(4).shuffle(holds)
    await asyncio.gather(*(change(hold) for hold in holds))


async def test_of_many_at_once_one_is_first(port: Port) -> None:
    """Whichever it is."""  # OC-22
    await _in_random_order(port, port.apply)
    assert (await port.types()).count("Cargo Held") == 1


async def test_of_many_at_once_one_is_last(port: Port) -> None:
    """Whichever it is."""  # OC-23
    await _in_random_order(port, port.apply)
    await _in_random_order(port, port.lift)
    assert Counter(await port.types()) == {
        "Hold Applied": 300,
        "Cargo Held": 1,
        "Hold Lifted": 300,
        "Cargo Released": 1,
    }


async def test_held_and_released_take_turns(port: Port) -> None:
    """However holds come and go at once, the cargo is held, released, held, and so on."""  # OC-22, OC-23
    steps = [change for hold in "abc" for change in (port.apply, port.lift) for _ in range(60)]
    random = Random(5)
    random.shuffle(steps)
    await asyncio.gather(*(step(random.choice("abc")) for step in steps))
    turns = [type for type in await port.types() if type.startswith("Cargo")]
    assert turns == [("Cargo Held", "Cargo Released")[at % 2] for at in range(len(turns))]


STEPS = st.lists(
    st.tuples(st.sampled_from(["Hold Applied", "Hold Lifted"]), st.sampled_from("cd"), st.sampled_from("hij"))
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, size=st.integers(1, 9))
async def test_what_is_derived_is_what_sets_say(
    port: Port, steps: list[tuple[str, str, str]], size: int
) -> None:
    """In batches of any size, as one after the other."""  # OC-22, OC-23
    run = str(len(await port.types()))
    sets: dict[str, set[str]] = {"c": set(), "d": set()}
    expected = []
    for type, cargo, hold in steps:
        before = bool(sets[cargo])
        (sets[cargo].add if type == "Hold Applied" else sets[cargo].discard)(hold)
        if bool(sets[cargo]) is not before:
            expected.append(("Cargo Released" if before else "Cargo Held", run + cargo))
    await port.publish_all([(type, run + cargo, hold) for type, cargo, hold in steps], size)
    assert await port.derived(run) == expected
