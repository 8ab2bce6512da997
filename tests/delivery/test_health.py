"""Endpoint health in the engine: parked, probed, ramped up, throttled, disabled."""

import asyncio
from pathlib import Path

from hookferry.health import Breaker, Health
from hookferry.model import Endpoint, EndpointStatus
from hookferry.receiver import Answer
from tests.delivery.test_engine import Deaf, Gate
from tests.support.engine import Engine, engine

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FAILURES = 10


async def fail(running: Engine, endpoint: Endpoint, count: int = FAILURES) -> None:
    """Let so many events fail once each."""
    running.receiver.answer(endpoint.name, Answer(500))
    before = len(running.settled)
    for _ in range(count):
        await running.publish()
    await running.until_settled(before + count)


def health(running: Engine, endpoint: Endpoint) -> Health:
    return running.store.directory.health.get(endpoint.id, Health())


async def probe(running: Engine, wait: float = 400) -> None:
    """Let time pass until a probe was sent and settled."""
    before = len(running.settled)
    running.clock.advance(wait)
    await running.until_settled(before + 1)


async def test_an_endpoint_that_is_well_has_no_row(running: Engine) -> None:
    """A healthy endpoint costs nothing."""
    await running.add_endpoint()
    await running.publish()
    await running.until_settled(1)
    assert running.store.directory.health == {}


async def test_failures_in_a_row_open_the_breaker(running: Engine) -> None:
    """After ten of them."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    assert health(running, endpoint).breaker is Breaker.OPEN


async def test_a_parked_endpoint_is_sent_nothing(running: Engine) -> None:
    """Its deliveries wait in the database."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    for _ in range(20):
        await running.publish()
    running.clock.advance(2)
    await running.store.backlog()
    assert running.receiver.count == FAILURES


async def test_waiting_spends_no_attempts(running: Engine) -> None:
    """Waiting is not failing: in an hour of outage a dozen probes are sent, and nothing else."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    for _ in range(6):
        await probe(running, 10 * MINUTE)
    attempts = sum(delivery.attempts for delivery in await running.deliveries())
    assert attempts == FAILURES + 6


async def test_three_probes_close_the_breaker(running: Engine) -> None:
    """One may be luck; what waited goes out then."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    running.receiver.answer("/hooks", Answer(200))
    running.clock.advance(20)
    await running.until(lambda: health(running, endpoint).breaker is Breaker.CLOSED)
    for _ in range(3):
        running.clock.advance(MINUTE)
        await running.store.backlog()
    await running.until_settled(2 * FAILURES)
    assert await running.statuses() == ["succeeded"] * FAILURES


async def test_a_probe_that_fails_makes_the_next_wait_longer(running: Engine) -> None:
    """Twice as long each time."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    first = health(running, endpoint).probe_at - running.clock.now()
    await probe(running, 20)
    second = health(running, endpoint).probe_at - running.clock.now()
    assert second == 2 * first


async def test_a_probe_is_the_retry_that_was_tried_most(running: Engine) -> None:
    """Else an endpoint of much traffic would never lose a delivery, nor be disabled."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    await running.publish()
    await probe(running)
    await probe(running)
    assert max(delivery.attempts for delivery in await running.deliveries()) == 3


async def test_what_waits_in_a_lane_is_given_back(tmp_path: Path) -> None:
    """A parked endpoint holds no memory, and its deliveries are anybody's."""
    async with engine(tmp_path, lane_cap=1) as made:
        endpoint = await made.add_endpoint()
        made.receiver.answer("/hooks", Answer(500))
        await asyncio.gather(*[made.publish() for _ in range(50)])
        made.start()
        await made.until(lambda: len(made.settled) >= 50)
        backlog = await made.store.backlog()
        assert backlog.leased == 0
        assert health(made, endpoint).breaker is Breaker.OPEN


async def test_429_throttles_the_whole_endpoint(running: Engine) -> None:
    """FAULTS, 22: what comes next waits too."""
    await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(429, headers=(("Retry-After", "100"),)), Answer(200))
    await running.publish()
    await running.until_settled(1)
    await running.publish()
    running.clock.advance(50)
    await running.store.backlog()
    assert running.receiver.count == 1


async def test_a_throttled_endpoint_goes_on_by_itself(running: Engine) -> None:
    """FAULTS, 22: after the time that it asked for."""
    await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(429, headers=(("Retry-After", "100"),)), Answer(200))
    await running.publish()
    await running.until_settled(1)
    await running.publish()
    running.clock.advance(200)
    await running.until_settled(3)
    assert await running.statuses() == ["succeeded", "succeeded"]


async def test_fault_22_503_with_a_time_throttles(running: Engine) -> None:
    """`Retry-After` says that it lives."""
    endpoint = await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(503, headers=(("Retry-After", "60"),)))
    await running.publish()
    await running.until_settled(1)
    assert health(running, endpoint).throttled_until > running.clock.now()


async def test_fault_22_503_without_a_time_is_a_failure(running: Engine) -> None:
    """It may mean "broken"."""
    endpoint = await running.add_endpoint()
    running.receiver.answer("/hooks", Answer(503))
    await running.publish()
    await running.until_settled(1)
    assert (health(running, endpoint).throttled_until, health(running, endpoint).consecutive) == (0, 1)


async def test_fault_25_a_ramp_after_an_outage(tmp_path: Path) -> None:
    """FAULTS, 25: an endpoint that has recovered starts with one request in flight."""
    sender = Gate()
    async with engine(tmp_path, sender, lane_cap=32) as made:
        endpoint = await made.add_endpoint()
        await made.change(endpoint, status=EndpointStatus.PAUSED)
        for _ in range(100):
            await made.publish()
        await made.change(endpoint, status=EndpointStatus.ACTIVE)
        made.start()
        inside = []
        for seconds in range(4):
            await sender.entered(2**seconds)
            await made.store.backlog()
            inside.append(sender.inside)
            made.clock.advance(1)
        sender.open()
        assert inside == [1, 2, 4, 8]


async def test_fault_25_new_events_of_others_are_not_starved(tmp_path: Path) -> None:
    """FAULTS, 25: while thousands wait for one endpoint, another one's event goes out."""
    sender = Gate(only="/slow")
    async with engine(tmp_path, sender, lane_cap=8) as made:
        slow = await made.add_endpoint("/slow", url="http://127.0.0.1/slow")
        for _ in range(2000):
            await made.publish(hand_over=Deaf())
        await made.change(slow, status=EndpointStatus.ACTIVE)
        made.start()
        await sender.entered(1)
        await made.add_endpoint("/fast", url="http://127.0.0.1/fast")
        await made.publish()
        (settled,) = await made.until_settled(1)
        sender.open()
        assert settled.settlement.work.delivery.endpoint != slow.id


async def test_fault_26_no_flapping(running: Engine) -> None:
    """FAULTS, 26: a receiver that alternates between 200 and 500 is never parked."""
    endpoint = await running.add_endpoint()
    running.receiver.answer("/hooks", *[Answer(200 if turn % 2 else 500) for turn in range(200)])
    opened = 0
    for count in range(1, 101):
        await running.publish()
        await running.until_settled(count)
        opened += health(running, endpoint).breaker is not Breaker.CLOSED
    assert opened == 0


async def test_an_endpoint_that_is_dead_is_disabled(running: Engine) -> None:
    """After five days and ten lost deliveries."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint, 12)
    for _ in range(10 * 24):
        if running.store.directory.endpoint("demo", endpoint.id).status is EndpointStatus.DISABLED:
            break
        await running.publish()
        await probe(running, HOUR)
    assert running.store.directory.endpoint("demo", endpoint.id).status is EndpointStatus.DISABLED


async def test_resuming_holds_nothing_against_it(running: Engine) -> None:
    """The count begins anew."""
    endpoint = await running.add_endpoint()
    await fail(running, endpoint)
    await running.change(endpoint, status=EndpointStatus.PAUSED)
    await running.change(endpoint, status=EndpointStatus.ACTIVE)
    assert health(running, endpoint) == Health.enabled(running.clock.now())


async def test_health_outlives_a_restart(tmp_path: Path) -> None:
    """It is on disk with the attempts that it follows from."""
    async with engine(tmp_path) as made:
        made.start()
        endpoint = await made.add_endpoint()
        await fail(made, endpoint, 3)
        before = health(made, endpoint)
        await made.stop()
        await made.store.close()
        await made.store.open()
        assert health(made, endpoint) == before
