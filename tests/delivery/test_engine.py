"""The engine whole: published, sent, retried, stopped, over real sockets and a real database."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from hookferry.errors import Unavailable
from hookferry.exchange import Outcome, Request, Response, Result
from hookferry.model import DeliveryStatus, EndpointStatus, Secret, Work
from hookferry.receiver import Answer
from hookferry.store.values import Slice
from tests.support.engine import SECRET, Engine, engine

HOUR = 3600

T = TypeVar("T")


async def test_a_published_event_arrives(running: Engine) -> None:
    """The main job."""
    await running.add_endpoint()
    await running.publish(b'{"price": 1.0}')
    (arrival,) = await running.receiver.wait_for(1)
    assert b'{"price": 1.0}' in arrival.body


async def test_a_delivery_is_signed(running: Engine) -> None:
    """The receiver verifies it with the endpoint's secret."""
    await running.add_endpoint()
    await running.publish()
    (arrival,) = await running.receiver.wait_for(1)
    assert arrival.verified


async def test_a_success_is_final(running: Engine) -> None:
    """One attempt, one final state."""
    await running.add_endpoint()
    await running.publish()
    await running.until_settled(1)
    assert await running.statuses() == ["succeeded"]


async def test_an_event_goes_to_each_matching_endpoint(running: Engine) -> None:
    """One delivery for each."""
    for path in ("/a", "/b", "/c"):
        await running.add_endpoint(path)
    await running.publish()
    assert {arrival.target for arrival in await running.receiver.wait_for(3)} == {"/a", "/b", "/c"}


async def test_a_failure_is_retried_after_its_delay(running: Engine) -> None:
    """With the same id."""
    await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(500), Answer(200))
    await running.publish()
    await running.until_settled(1)
    running.clock.advance(60)
    first, second = await running.receiver.wait_for(2)
    assert first.id == second.id


async def test_a_retry_that_is_due_before_the_next_poll_is_sent_in_time(tmp_path: Path) -> None:
    """The dispatcher is told of it, and does not find it a second later."""
    async with engine(tmp_path, time_scale=100) as running:
        running.start()
        await running.add_endpoint()
        running.receiver.answer("/hooks", Answer(500), Answer(200))
        await running.publish()
        await running.until_settled(1)
        running.clock.advance(0.1)
        assert len(await running.receiver.wait_for(2)) == 2


async def test_a_retry_that_is_settled_while_a_claim_looks_is_sent_in_time(tmp_path: Path) -> None:
    """What the claim saw was before it."""
    settled = asyncio.Event()
    async with engine(tmp_path, time_scale=100) as running:
        look = running.store.next_due

        async def slow(skip: Collection[str]) -> int | None:
            found = await look(skip)
            await settled.wait()
            return found

        running.store.next_due = slow  # type: ignore[method-assign]
        running.start()
        await running.add_endpoint()
        running.receiver.answer("/hooks", Answer(500), Answer(200))
        await running.publish()
        await running.until_settled(1)
        settled.set()
        running.clock.advance(0.1)
        assert len(await running.receiver.wait_for(2)) == 2


async def test_a_retry_does_not_come_early(running: Engine) -> None:
    """The due time of the first retry lies in the future."""
    await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(500))
    await running.publish()
    (settled,) = await running.until_settled(1)
    assert (settled.settlement.due_at or 0) > running.clock.now()


async def test_a_delivery_fails_for_good_when_its_attempts_are_used_up(running: Engine) -> None:
    """As many as the contract says, then no more."""
    await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(500))
    await running.publish()
    while True:
        settled = await running.until_settled(
            len(running.settled) + (running.receiver.count == len(running.settled))
        )
        if settled[-1].settlement.status is DeliveryStatus.FAILED:
            break
        running.clock.advance(48 * HOUR)
    assert await running.statuses() == ["failed"]


async def test_410_disables_the_endpoint(running: Engine) -> None:
    """FAULTS, 22."""
    endpoint = await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(410))
    await running.publish()
    await running.until_settled(1)
    assert running.store.directory.endpoint("demo", endpoint.id).status is EndpointStatus.DISABLED


async def test_a_disabled_endpoint_gets_no_new_delivery(running: Engine) -> None:
    """It matches nothing any more."""
    await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(410))
    await running.publish()
    await running.until_settled(1)
    assert (await running.publish()).deliveries == 0


async def test_retry_after_moves_the_due_time(running: Engine) -> None:
    """FAULTS, 22: a later time that the receiver asks for is heeded."""
    await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(503, headers=(("Retry-After", "1800"),)))
    await running.publish()
    (settled,) = await running.until_settled(1)
    assert (settled.settlement.due_at or 0) - running.clock.now() >= 1_800_000


async def test_a_paused_endpoint_receives_nothing(running: Engine) -> None:
    """What is published meanwhile is held."""
    endpoint = await running.add_endpoint()
    await running.change(endpoint, status=EndpointStatus.PAUSED)
    await running.publish()
    assert await running.statuses() == ["held"]


async def test_a_resumed_endpoint_receives_what_was_held(running: Engine) -> None:
    """Nothing is lost over a pause."""
    endpoint = await running.add_endpoint()
    await running.change(endpoint, status=EndpointStatus.PAUSED)
    await running.publish()
    await running.change(endpoint, status=EndpointStatus.ACTIVE)
    running.dispatcher.wake()
    await running.until_settled(1)
    assert await running.statuses() == ["succeeded"]


async def test_an_endpoint_paused_between_attempts_gets_no_retry(running: Engine) -> None:
    """FAULTS, 16."""
    endpoint = await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(500))
    await running.publish()
    await running.until_settled(1)
    await running.change(endpoint, status=EndpointStatus.PAUSED)
    assert await running.statuses() == ["held"]


async def test_an_endpoint_deleted_between_attempts_has_its_retry_cancelled(running: Engine) -> None:
    """FAULTS, 16."""
    endpoint = await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(500))
    await running.publish()
    await running.until_settled(1)
    await running.change(endpoint, status=EndpointStatus.DELETED)
    assert await running.statuses() == ["cancelled"]


async def test_a_secret_rotated_between_attempts_signs_the_retry(running: Engine) -> None:
    """FAULTS, 16: the endpoint is looked at before each request."""
    endpoint = await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(500), Answer(200))
    await running.publish()
    await running.until_settled(1)
    new = "whsec_" + SECRET.removeprefix("whsec_")[::-1]
    await running.change(endpoint, secrets=(Secret(new),))
    running.receiver.trust("/hooks", new)
    running.clock.advance(60)
    _, second = await running.receiver.wait_for(2)
    assert second.verified


async def test_an_unreadable_secret_ends_the_delivery(running: Engine) -> None:
    """FAULTS, 13: a poison row reaches a final state."""
    endpoint = await running.add_endpoint()
    running.store.directory.put_endpoint(msgspec.structs.replace(endpoint, readable=False, secrets=()))
    await running.publish()
    (settled,) = await running.until_settled(1)
    assert settled.settlement.attempt is not None
    assert settled.settlement.attempt.result.outcome is Outcome.UNREADABLE_SECRET


async def test_the_queue_moves_on_after_a_poison_row(running: Engine) -> None:
    """FAULTS, 13: the next endpoint is served."""
    poisoned = await running.add_endpoint("/poisoned")
    await running.add_endpoint("/well")
    running.store.directory.put_endpoint(msgspec.structs.replace(poisoned, readable=False, secrets=()))
    await running.publish()
    await running.until_settled(2)
    assert sorted(await running.statuses()) == ["failed", "succeeded"]


async def test_what_was_stored_without_a_signal_is_found_by_polling(running: Engine) -> None:
    """FAULTS, 11: the wake-up is lost."""
    await running.add_endpoint()
    await running.publish(hand_over=Deaf())
    running.clock.advance(2)
    assert len(await running.receiver.wait_for(1)) == 1


async def test_a_clock_that_jumps_an_hour_ahead_only_brings_retries_early(running: Engine) -> None:
    """FAULTS, 12."""
    await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(500), Answer(200))
    await running.publish()
    await running.until_settled(1)
    running.clock.advance(HOUR)
    await running.until_settled(2)
    assert await running.statuses() == ["succeeded"]


async def test_a_clock_that_jumps_back_loses_nothing(running: Engine) -> None:
    """FAULTS, 12: new events go out all the same."""
    await running.add_endpoint()
    await running.publish()
    await running.until_settled(1)
    running.clock.advance(-HOUR)
    await running.publish()
    await running.until_settled(2)
    assert await running.statuses() == ["succeeded", "succeeded"]


async def test_no_more_requests_are_in_flight_than_the_cap_allows(tmp_path: Path) -> None:
    """For one endpoint."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=3) as made:
        await made.add_endpoint()
        made.start()
        for _ in range(10):
            await made.publish()
        await sender.entered(3)
        most = sender.inside
        sender.open()
        await made.until_settled(10)
    assert most == 3


async def test_what_one_commit_lets_in_starts_in_a_row(tmp_path: Path) -> None:
    """32 that are handed over are on their way at once."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=1000) as made:
        await made.add_endpoint()
        made.start()
        await made.publish_many(32)
        on_their_way = made.dispatcher.in_flight
        sender.open()
        await made.until_settled(32)
    assert on_their_way == 32


async def test_an_endpoint_that_hangs_does_not_slow_another(tmp_path: Path) -> None:
    """Invariant 5."""
    sender = Gate(only="/slow")
    async with engine(tmp_path, sender, lane_cap=3) as made:
        made.start()
        await made.add_endpoint("/slow", url="http://127.0.0.1/slow")
        for _ in range(50):
            await made.publish()
        await sender.entered(3)
        await made.add_endpoint("/fast", url="http://127.0.0.1/fast")
        await made.publish()
        (settled,) = await made.until_settled(1)
        sender.open()
    assert settled.settlement.attempt is not None


async def test_our_own_fault_spends_no_attempt(tmp_path: Path) -> None:
    """FAULTS, 29: no descriptors left is back-pressure, not the receiver's failure."""
    async with engine(tmp_path, Exhausted(times=1)) as made:
        made.start()
        await made.add_endpoint()
        await made.publish()
        await made.until_settled(1)
        made.clock.advance(10)
        await made.until_settled(2)
        (delivery,) = await made.deliveries()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.SUCCEEDED, 1)


async def test_many_endpoints_that_hang_leave_room_for_one_that_answers(tmp_path: Path) -> None:
    """Invariant 5, for more of them than the requests in flight allow in all."""
    sender = Gate(only="/slow")
    async with engine(tmp_path, sender, lane_cap=8) as made:
        made.start()
        for _ in range(20):
            await made.add_endpoint("/slow", url="http://127.0.0.1/slow")
        for _ in range(8):
            await made.publish()
        await sender.entered(20)
        await made.add_endpoint("/fast", url="http://127.0.0.1/fast")
        await made.publish()
        (settled,) = await made.until_settled(1)
        sender.open()
    assert settled.settlement.status is DeliveryStatus.SUCCEEDED


async def test_a_bug_in_sending_strands_nothing(tmp_path: Path) -> None:
    """The delivery is given back, and not at once: nobody is hammered."""
    async with engine(tmp_path, Broken()) as made:
        made.start()
        await made.add_endpoint()
        await made.publish()
        (settled,) = await made.until_settled(1)
        wait = (settled.settlement.due_at or 0) - made.clock.now()
    assert wait == 60_000


async def test_a_cancelled_delivery_that_waits_in_its_lane_is_not_sent(tmp_path: Path) -> None:
    """The engine drops what it still holds."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=1) as made:
        await made.add_endpoint()
        await made.publish()
        await made.publish()
        await sender.entered(1)
        _, second = await made.deliveries()
        made.dispatcher.drop(await made.store.cancel("demo", second.id, made.clock.now()))
        sender.open()
        await made.until_settled(1)
        assert sender.most == 1


async def test_a_stop_waits_for_what_is_in_flight(tmp_path: Path) -> None:
    """FAULTS, 5: within the grace time."""
    sender = Gate()
    async with engine(tmp_path, sender) as made:
        made.start()
        await made.add_endpoint()
        await made.publish()
        await sender.entered(1)
        stopping = asyncio.create_task(made.stop(grace=10))
        sender.open()
        await stopping
        await made.until_settled(1)
        assert await made.statuses() == ["succeeded"]


async def test_a_stop_gives_back_what_it_cuts_off(tmp_path: Path) -> None:
    """FAULTS, 5: no attempt is lost."""
    sender = Gate()
    async with engine(tmp_path, sender) as made:
        made.start()
        await made.add_endpoint()
        await made.publish()
        await sender.entered(1)
        await made.stop(grace=0)
        await made.until_settled(1)
        (delivery,) = await made.deliveries()
        assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 0)


async def test_a_stop_gives_back_what_waits_in_a_lane(tmp_path: Path) -> None:
    """FAULTS, 5: it is there for the next process."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=1) as made:
        made.start()
        await made.add_endpoint()
        for _ in range(5):
            await made.publish()
        await sender.entered(1)
        await made.stop(grace=0)
        await made.until_settled(5)
        assert await made.statuses() == ["pending"] * 5


async def test_more_than_there_is_room_for_waits_in_the_database(tmp_path: Path) -> None:
    """Rule 2: memory does not grow with the backlog."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=1) as made:
        await made.add_endpoint()
        for _ in range(1100):
            await made.publish()
        pending = (await made.store.backlog()).pending
        sender.open()
    assert pending == 1100 - 1024


async def test_a_backlog_is_worked_off(tmp_path: Path) -> None:
    """Rule 2: what had no room is claimed later, and nothing is left."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=8) as made:
        made.start()
        await made.add_endpoint()
        await asyncio.gather(*[made.publish() for _ in range(1500)])
        sender.open()
        await made.until_settled(1500)
        backlog = await made.store.backlog()
    assert (backlog.pending, backlog.leased) == (0, 0)


async def test_an_endpoint_that_fell_behind_is_handed_work_again(tmp_path: Path) -> None:
    """Rule 2: under steady load too, where something has always just been stored."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=8) as made:
        made.start()
        endpoint = await made.add_endpoint()
        await asyncio.gather(*[made.publish() for _ in range(1500)])
        sender.open()

        async def is_handed_over() -> bool:
            for _ in range(300):
                await made.publish()
                if made.dispatcher.reserve(endpoint.id, 1):
                    made.dispatcher.release(endpoint.id, 1)
                    return True
            return False

        assert any(await asyncio.gather(*[is_handed_over() for _ in range(8)]))


async def test_claims_stop_when_enough_is_in_memory(tmp_path: Path) -> None:
    """Rule 2: what waits for an endpoint that hangs stays in the database, however often it is looked for."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=1) as made:
        await made.add_endpoint()
        for _ in range(1000):
            await made.publish(hand_over=Deaf())
        made.start()
        async with asyncio.timeout(20):
            while (leased := (await made.store.backlog()).leased) <= 512:
                made.clock.advance(1)
        for _ in range(20):
            made.clock.advance(1)
            leased = (await made.store.backlog()).leased
        sender.open()
    assert 512 < leased <= 512 + 4 * 64  # a claim with nothing fresh beside it


async def test_a_bug_in_a_claim_ends_nothing(tmp_path: Path) -> None:
    """The dispatcher comes back to it: everybody's retries depend on that loop."""
    async with engine(tmp_path) as made:
        await made.add_endpoint()
        await made.publish(hand_over=Deaf())
        made.store.next_due = stumbling(made.store.next_due)  # type: ignore[method-assign, assignment]
        made.start()
        await made.store.backlog()
        made.clock.advance(31)
        await made.until_settled(1)
        assert await made.statuses() == ["succeeded"]


async def test_an_event_for_many_endpoints_reaches_all(running: Engine) -> None:
    """What is not handed over is claimed."""
    for number in range(100):
        await running.add_endpoint(f"/{number}")
    await running.publish()
    await running.until_settled(100)
    assert await running.statuses() == ["succeeded"] * 100


async def test_a_time_that_is_the_time_of_publishing_makes_no_conflict(running: Engine) -> None:
    """FAULTS, 14: the same body later is the same body, although its time was now at first."""
    at = datetime.fromtimestamp(running.clock.now() / 1000, UTC)
    first = await running.publish(key="k", occurred_at=at)
    running.clock.advance(60)
    assert (await running.publish(key="k", occurred_at=at)).event == first.event


async def test_repeated_publishes_take_no_room(tmp_path: Path) -> None:
    """A lane that has room for 1,024 still has it after as many idempotent repeats."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=1) as made:
        await made.add_endpoint()
        for _ in range(1100):
            await made.publish(key="k")
        await made.publish()
        backlog = await made.store.backlog()
        sender.open()
    assert (backlog.pending, backlog.leased) == (0, 2)


async def test_the_request_on_record_is_the_one_that_arrived(running: Engine) -> None:
    """Invariant 9: what was sent is what is logged, byte for byte."""
    endpoint = await running.add_endpoint()
    await running.publish(b'{"text":"caf\xc3\xa9"}')
    (arrival,) = await running.receiver.wait_for(1)
    await running.until_settled(1)
    (attempt,) = (await running.store.attempts("demo", Slice(), endpoint=endpoint.id)).data
    assert attempt.request is not None
    assert attempt.request.body == arrival.body


async def test_the_headers_on_record_are_those_that_arrived(running: Engine) -> None:
    """Invariant 9: the sender's own headers too, in their order and case."""
    endpoint = await running.add_endpoint()
    await running.publish()
    (arrival,) = await running.receiver.wait_for(1)
    await running.until_settled(1)
    (attempt,) = (await running.store.attempts("demo", Slice(), endpoint=endpoint.id)).data
    assert attempt.request is not None
    assert attempt.request.headers == arrival.headers


async def test_secret_headers_are_masked_on_record(running: Engine) -> None:
    """Invariant 9: secrets masked."""
    endpoint = await running.add_endpoint()
    await running.change(endpoint, headers=(("Authorization", "Bearer very-secret"), ("X-Plain", "seen")))
    await running.publish()
    await running.until_settled(1)
    (attempt,) = (await running.store.attempts("demo", Slice(), endpoint=endpoint.id)).data
    assert attempt.request is not None
    assert dict(attempt.request.headers)["Authorization"] == "***"


async def test_a_dead_workers_deliveries_are_rescued(running: Engine) -> None:
    """Rule 3: what it had leased goes out again once its lease has lapsed."""
    await running.add_endpoint()
    living, running.store.worker = running.store.worker, "wrk_dead"
    await running.store.heartbeat(running.clock.now(), running.clock.now() + 30_000)
    await running.publish(hand_over=Deaf(room=True))
    running.store.worker = living
    running.clock.advance(60)
    assert len(await running.receiver.wait_for(1)) == 1


def stumbling(verb: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """A verb of the store that meets a bug the first time."""
    calls = []

    async def stumble(*given: object) -> T:
        calls.append(given)
        if len(calls) == 1:
            raise KeyError("a bug")
        return await verb(*given)

    return stumble


class Deaf:
    """A hand-over that takes and tells nothing; with `room` it lets deliveries be born leased."""

    worker = "wrk_dead"

    def __init__(self, room: bool = False) -> None:
        self._room = room

    def reserve(self, endpoint: str, size: int) -> bool:
        return self._room

    def defer(self, endpoint: str) -> None:
        return

    def release(self, endpoint: str, size: int) -> None:
        return

    def offer(self, work: Work) -> None:
        return

    def wake(self) -> None:
        return


class Gate:
    """A sender whose requests wait until it is opened; `only` those whose URL ends so."""

    def __init__(self, only: str = "") -> None:
        self.inside = 0
        self.most = 0
        self._only = only
        self._open = asyncio.Event()
        self._moved = asyncio.Event()

    def open(self) -> None:
        self._open.set()

    async def entered(self, count: int) -> None:
        """Wait until so many requests wait inside."""
        async with asyncio.timeout(10):
            while self.inside < count:
                self._moved.clear()
                await self._moved.wait()

    def on_wire(self, request: Request) -> Request:
        return request

    async def send(self, request: Request, still: Callable[[], bool]) -> Result:
        if request.url.endswith(self._only):
            self.inside += 1
            self.most += 1
            self._moved.set()
            await self._open.wait()
            self.inside -= 1
        return _ok()


class Exhausted:
    """A sender that lacks descriptors a few times."""

    def __init__(self, times: int) -> None:
        self._times = times

    def on_wire(self, request: Request) -> Request:
        return request

    async def send(self, request: Request, still: Callable[[], bool]) -> Result:
        if self._times:
            self._times -= 1
            raise Unavailable("no descriptors")
        return _ok()


class Broken:
    """A sender with a bug."""

    def on_wire(self, request: Request) -> Request:
        return request

    async def send(self, request: Request, still: Callable[[], bool]) -> Result:
        raise KeyError("a bug")


def _ok() -> Result:
    return Result(Outcome.RESPONSE, 0.001, Response(200, (), b""))
