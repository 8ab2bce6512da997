"""Processes of one port ask each other for their metrics; here over the same sockets, within one."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import chain

import pytest

from hookferry import siblings
from hookferry.siblings import Inbox, Siblings, inboxes


@pytest.fixture
def boxes() -> Iterator[list[Inbox]]:
    made = inboxes(3)
    yield made
    for end in chain.from_iterable(made):
        end.close()


async def _ask(boxes: list[Inbox], times: int = 1, **told: bytes) -> list[bytes]:
    """What the first is told, the last time; the others tell this, by number."""
    async with AsyncExitStack() as stack:
        for number, text in told.items():
            sibling = Siblings(boxes, int(number.strip("_")))
            await stack.enter_async_context(sibling.answering(lambda text=text: text))  # type: ignore[misc]
        for _ in range(times):
            answers = await Siblings(boxes, 0).ask()
        return answers


async def test_each_other_one_is_asked(boxes: list[Inbox]) -> None:
    """Not itself."""
    assert await _ask(boxes, _0=b"mine", _1=b"one", _2=b"two") == [b"one", b"two"]


async def test_a_long_answer_comes_whole(boxes: list[Inbox]) -> None:
    """Longer than what a socket holds."""
    assert await _ask(boxes, _1=b"x" * 5_000_000, _2=b"two") == [b"x" * 5_000_000, b"two"]


async def test_what_a_late_one_told_last_is_told_again(
    boxes: list[Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it each sum would fall, which is taken for a counter that began anew."""
    asking = Siblings(boxes, 0)
    async with Siblings(boxes, 1).answering(lambda: b"one"):
        async with Siblings(boxes, 2).answering(lambda: b"two"):
            await asking.ask()
        monkeypatch.setattr(siblings, "_PATIENCE", 0.05)
        assert await asking.ask() == [b"one", b"two"]


async def test_a_replaced_ones_last_answer_is_forgotten(boxes: list[Inbox]) -> None:
    """It counts from zero again."""
    asking = Siblings(boxes, 0)
    for told in (b"old", b"new"):
        async with (
            Siblings(boxes, 1).answering(lambda told=told: told),  # type: ignore[misc]
            Siblings(boxes, 2).answering(bytes),
        ):
            answers = await asking.ask()
    assert answers == [b"new", b""]


async def test_one_that_has_never_answered_is_left_out(
    boxes: list[Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops or starts."""
    monkeypatch.setattr(siblings, "_PATIENCE", 0.05)
    assert await _ask(boxes, _2=b"two") == [b"two"]


async def test_one_that_never_answers_keeps_nobody(
    boxes: list[Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked: what its inbox has no room for is not waited for."""
    monkeypatch.setattr(siblings, "_PATIENCE", 0.001)
    await _ask(boxes, times=1_000)
    monkeypatch.undo()
    assert await _ask(boxes, times=2, _1=b"one", _2=b"two") == [b"one", b"two"]


async def test_one_that_is_back_answers_again(boxes: list[Inbox], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom it finds waiting has gone."""
    monkeypatch.setattr(siblings, "_PATIENCE", 0.05)
    await _ask(boxes)
    monkeypatch.undo()
    assert await _ask(boxes, _1=b"one", _2=b"two") == [b"one", b"two"]


async def test_an_answer_that_breaks_off_is_left_out(boxes: list[Inbox]) -> None:
    """Who told it was killed."""

    async def break_off() -> None:
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        loop.add_reader(boxes[1].ours, asked.set)
        await asked.wait()
        loop.remove_reader(boxes[1].ours)
        _, (descriptor,), _, _ = socket.recv_fds(boxes[1].ours, 1, 1)
        with socket.socket(fileno=descriptor) as asker:
            asker.sendall(b"hookferry_delivered_total 1")

    breaking = asyncio.create_task(break_off())
    assert await _ask(boxes, _2=b"two") == [b"two"]
    await breaking
