"""Rates of endpoints: what may be sent now, and when it goes on, in time that tests move."""

import heapq
from collections.abc import Callable
from pathlib import Path

import pytest

from hookferry.delivery.rates import Rates
from hookferry.model import EndpointStatus
from hookferry.store.directory import Directory
from tests.support.engine import Engine, engine
from tests.support.services import FullEngine


class _Time:
    """Milliseconds, and what is to be called later. Its mutable state is both."""

    def __init__(self) -> None:
        self._now = 1_000_000
        self._calls: list[tuple[int, str, Callable[[str], None]]] = []

    def seconds(self) -> float:
        return self._now / 1000

    def later(self, delay: float, call: Callable[[str], None], endpoint: str) -> None:
        heapq.heappush(self._calls, (self._now + round(delay * 1000), endpoint, call))

    def pass_by(self, seconds: float) -> None:
        end = self._now + round(seconds * 1000)
        while self._calls and self._calls[0][0] <= end:
            self._now, endpoint, call = heapq.heappop(self._calls)
            call(endpoint)
        self._now = end


class _Sent:
    """An endpoint `ep` that has always something to be sent. `live` machines share its rate."""

    def __init__(self, limit: float | None, live: int = 1) -> None:
        self.count = 0
        self.live = live
        self.time = _Time()
        self.directory = Directory()
        self.limit(limit)
        self.rates = Rates(self.directory, lambda: self.live, self.time.seconds, self.time.later, self.send)

    def limit(self, limit: float | None) -> None:
        self.directory.rate_limits = {} if limit is None else {"ep": limit}

    def send(self, endpoint: str = "ep", most: int = 1000) -> None:
        """Send what may be sent now."""
        for _ in range(most):
            if endpoint in self.rates.waiting:
                return
            self.rates.take(endpoint)
            self.count += 1

    def within(self, seconds: float) -> int:
        """How many are sent from now on."""
        before = self.count
        self.send()
        self.time.pass_by(seconds)
        return self.count - before


def test_one_without_a_rate_never_waits() -> None:
    """However much it is sent."""
    assert _Sent(None).within(0) == 1000


def test_at_most_a_seconds_worth_at_once() -> None:
    """What has saved up while nothing was sent."""
    assert _Sent(10).within(0) == 10


def test_then_the_rate_is_kept() -> None:
    """A token is used when it is there: ten at once and ten a second."""
    assert _Sent(10).within(5) == 60


def test_a_slow_rate() -> None:
    """One every ten seconds is less than a token a look."""
    assert _Sent(0.1).within(60) == 7


def test_a_fast_rate() -> None:
    """Several tokens in a millisecond."""
    sent = _Sent(10_000)
    sent.within(0)
    for _ in range(10):
        sent.send(most=10_000)
    assert 9_990 <= sent.within(1) <= 10_010


def test_it_is_shared_over_the_machines_that_live() -> None:
    """Each takes its part."""
    assert _Sent(10, live=5).within(5) == 12


def test_a_machine_that_is_gone_leaves_its_share() -> None:
    """To those that are left, within a second."""
    sent = _Sent(10, live=5)
    sent.within(5)
    sent.live = 1
    sent.within(1)
    assert sent.within(5) == 50


def test_a_rate_that_is_raised_holds_within_a_second() -> None:
    """Though the next token of the old one would take an hour."""
    sent = _Sent(1 / 3600)
    sent.within(1)
    sent.limit(100)
    sent.time.pass_by(1)
    assert sent.within(5) == 500


def test_a_rate_that_is_taken_away_holds_within_a_second() -> None:
    """What waited goes out at once."""
    sent = _Sent(1 / 3600)
    sent.within(1)
    sent.limit(None)
    sent.time.pass_by(1)
    assert "ep" not in sent.rates.waiting


def test_full_buckets_are_forgotten() -> None:
    """Memory does not grow with the endpoints that there have been."""
    time, directory = _Time(), Directory()
    rates = Rates(directory, lambda: 1, time.seconds, time.later, lambda endpoint: None)
    for number in range(10_000):
        directory.rate_limits[str(number)] = 1.0
        rates.take(str(number))
        time.pass_by(0.01)
    assert len(rates._full_at) < 2_000


def test_room_is_for_what_is_sent_in_a_second() -> None:
    """By this machine; one without a rate has all there is."""
    assert (_Sent(10, live=4).rates.room("ep", 1024), _Sent(None).rates.room("ep", 1024)) == (3, 1024)


async def _limited(made: Engine, limit: float, events: int, path: str = "/hooks") -> None:
    """An endpoint with a rate, and events for it."""
    endpoint = await made.add_endpoint(path)
    await made.change(endpoint, rate_limit=limit)
    for _ in range(events):
        await made.publish()


async def test_waiting_for_the_rate_spends_no_attempt(running: Engine) -> None:
    """FAULTS: waiting is not failing."""
    await _limited(running, 20, 30)
    await running.until_settled(30)
    assert {(one.status, one.attempts) for one in await running.deliveries()} == {("succeeded", 1)}


async def test_what_waits_for_the_rate_stays_in_the_database(tmp_path: Path) -> None:
    """Beyond what is sent in a second: memory does not grow with it."""
    async with engine(tmp_path) as made:
        await _limited(made, 2, 10)
        # Two were sent, two are here, and as many may be on their way into the database.
        assert (await made.store.backlog()).pending >= 4


async def test_what_is_claimed_is_a_seconds_worth(tmp_path: Path) -> None:
    """An endpoint that is slow by its own rate takes up no memory that all share."""
    async with engine(tmp_path) as made:
        await _limited(made, 0.001, 80, "/slow")
        await made.add_endpoint("/fast")
        await made.publish(hand_over=FullEngine())
        made.start()
        await made.until_settled(2)
        assert (await made.store.backlog()).leased <= 3


@pytest.mark.parametrize(("status", "counts"), [("paused", (0, 19)), ("disabled", (0, 0))])
async def test_what_waits_for_the_rate_stands_aside_without_a_token(
    running: Engine, status: str, counts: tuple[int, int]
) -> None:
    """Paused is held, whatever its rate: nothing is sent that would need one."""
    await _limited(running, 0.001, 20)
    await running.until_settled(1)
    (endpoint,) = running.store.directory.endpoints("demo")
    await running.change(endpoint, status=EndpointStatus(status))
    await running.until(lambda: not running.dispatcher._in_hand.count)
    backlog = await running.store.backlog()
    assert (backlog.pending + backlog.leased, backlog.held) == counts


async def test_a_stop_gives_back_what_waits_for_the_rate(running: Engine) -> None:
    """No attempt is spent, and others can send it at once."""
    await _limited(running, 0.01, 20)
    await running.until_settled(1)
    await running.stop()
    await running.until(lambda: running.store.unsettled == 0)
    waiting = [one for one in await running.deliveries() if one.attempts == 0]
    assert ((await running.store.backlog()).leased, len(waiting)) == (0, 19)


async def test_an_endpoint_that_waits_slows_no_other(running: Engine) -> None:
    """Invariant 5: they are of one tenant."""
    await _limited(running, 0.01, 5, "/slow")
    await running.add_endpoint("/fast")
    for _ in range(20):
        await running.publish()
    await running.until(lambda: sum(one.settlement.attempt is not None for one in running.settled) >= 21)
    assert [one.target for one in running.receiver.arrivals].count("/slow") == 1


async def test_a_rate_that_is_taken_away_lets_go_what_waits(running: Engine) -> None:
    """Here and in the database."""
    await _limited(running, 0.01, 100)
    await running.until_settled(1)
    (endpoint,) = running.store.directory.endpoints("demo")
    await running.change(endpoint, rate_limit=None)
    await running.until_settled(100)
    assert set(await running.statuses()) == {"succeeded"}
