"""The machine's clock, which may be set while somebody waits (FAULTS, 12)."""

import asyncio

from hookferry.clock import SystemClock


class SetBack(SystemClock):
    """Was set back by an hour after it was first read."""

    def __init__(self) -> None:
        self._set_back = 0

    def now(self) -> int:
        now = super().now() - self._set_back
        self._set_back = 3_600_000
        return now


async def test_a_wait_ends_at_its_time() -> None:
    """Although nobody signals."""
    clock = SystemClock()
    until = clock.now() + 20
    await clock.wait(asyncio.Event(), until)
    assert clock.now() >= until


async def test_a_wait_ends_with_its_signal() -> None:
    """Long before its time."""
    signal = asyncio.Event()
    asyncio.get_running_loop().call_soon(signal.set)
    async with asyncio.timeout(10):
        await SystemClock().wait(signal, SystemClock().now() + 3_600_000)
    assert signal.is_set()


async def test_a_clock_that_is_set_back_makes_no_wait_longer() -> None:
    """It takes as long as it seemed at first, and not an hour more."""
    clock = SetBack()
    async with asyncio.timeout(10):
        await clock.wait(asyncio.Event(), SystemClock().now() + 20)
