"""Followers: events that are stored with another one, always or when a set begins or ends (OC-22, 23)."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookferry.errors import Conflict
from hookferry.model import DeliveryStatus
from hookferry.store.values import Ingest, Ingested, Membership, Slice
from tests.store.world import World


def _follower(world: World, on: Membership | None = None, *followers: Ingest) -> Ingest:
    plain = world.ingest_of(world.event(type="first" if on is None or on.joins else "last"))
    return Ingest(plain.event, plain.deliveries, None, followers, on)


def _change(member: str, joins: bool, subject: str = "cargo") -> Membership:
    return Membership("held", subject, member, joins)


def _with(world: World, *followers: Ingest, key: str | None = None) -> Ingest:
    plain = world.ingest_of(world.event(type="hold", key=key))
    return Ingest(plain.event, plain.deliveries, None if key is None else b"f" * 32, followers)


async def _publish(world: World, member: str, joins: bool, subject: str = "cargo") -> Ingested:
    (answer,) = await world.store.ingest([_with(world, _follower(world, _change(member, joins, subject)))])
    return answer


async def _types(world: World) -> list[str]:
    """The types of the events that are stored, oldest first."""
    return [event.type for event in reversed((await world.store.events("demo", Slice(limit=200))).data)]


async def test_a_follower_is_stored_with_its_event(world: World) -> None:
    """And its deliveries with it."""
    follower = _follower(world)
    await world.store.ingest([_with(world, follower)])
    assert (await world.store.delivery("demo", follower.deliveries[0].id)).status is DeliveryStatus.PENDING


async def test_the_answer_names_the_followers(world: World) -> None:
    """Those of followers too, so that the caller knows what to send."""
    inner = _follower(world)
    outer = _follower(world, None, inner)
    (answer,) = await world.store.ingest([_with(world, outer)])
    assert answer.followers == {outer.event.id, inner.event.id}


async def test_the_answer_counts_the_events_own_deliveries(world: World) -> None:
    """Followers are events of their own."""
    (answer,) = await world.store.ingest([_with(world, _follower(world))])
    assert answer.deliveries == 1


async def test_a_repeat_stores_no_follower(world: World) -> None:
    """The first answer comes again, and nothing with it."""
    await world.store.ingest([_with(world, _follower(world), key="k")])
    (answer,) = await world.store.ingest([_with(world, _follower(world), key="k")])
    assert (answer.repeated, answer.followers, await _types(world)) == (True, frozenset(), ["first", "hold"])


async def test_a_repeat_changes_no_set(world: World) -> None:
    """A hold that was lifted stays lifted when its application is sent again."""
    await world.store.ingest([_with(world, _follower(world, _change("h", True)), key="k")])
    await _publish(world, "h", False)
    await world.store.ingest([_with(world, _follower(world, _change("h", True)), key="k")])
    assert (await _publish(world, "i", True)).followers


async def test_a_conflict_changes_no_set(world: World) -> None:
    """Nor does what stood before it in the same batch."""
    await world.publish_keyed("k", b"x")
    refused = _with(world, _follower(world, _change("h", True)), key="k")
    with pytest.raises(Conflict):
        await world.store.ingest([_with(world, _follower(world, _change("g", True))), refused])
    assert (await _publish(world, "i", True)).followers


async def test_the_first_member_brings_its_follower(world: World) -> None:
    """The set was empty."""
    assert (await _publish(world, "h", True)).followers


async def test_a_second_member_brings_none(world: World) -> None:
    """The set has begun."""
    await _publish(world, "h", True)
    assert not (await _publish(world, "i", True)).followers


async def test_the_same_member_again_brings_none(world: World) -> None:
    """It is there."""
    await _publish(world, "h", True)
    assert not (await _publish(world, "h", True)).followers


async def test_the_last_to_leave_brings_its_follower(world: World) -> None:
    """However often it joined."""
    await _publish(world, "h", True)
    await _publish(world, "h", True)
    assert (await _publish(world, "h", False)).followers


async def test_one_that_is_not_the_last_brings_none(world: World) -> None:
    """The set goes on."""
    await _publish(world, "h", True)
    await _publish(world, "i", True)
    assert not (await _publish(world, "h", False)).followers


async def test_one_that_is_not_there_cannot_leave(world: World) -> None:
    """Neither an empty set nor one with others."""
    assert not (await _publish(world, "h", False)).followers


async def test_a_stranger_does_not_end_a_set(world: World) -> None:
    """Only its last member does."""
    await _publish(world, "h", True)
    assert not (await _publish(world, "i", False)).followers


async def test_subjects_have_sets_of_their_own(world: World) -> None:
    """Each has its first."""
    await _publish(world, "h", True, "one")
    assert (await _publish(world, "h", True, "two")).followers


async def test_a_follower_that_is_not_due_is_not_stored(world: World) -> None:
    """Nor are its own followers."""
    await _publish(world, "h", True)
    inner = _follower(world)
    await world.store.ingest([_with(world, _follower(world, _change("i", True), inner))])
    assert await _types(world) == ["first", "hold", "hold"]


async def test_a_large_ingest_decides_too(world: World) -> None:
    """It runs in the writer's thread."""
    joined = [_with(world, _follower(world, _change(str(number), True))) for number in range(100)]
    answers = await world.store.ingest(joined)
    assert [len(answer.followers) for answer in answers] == [1] + [0] * 99


async def test_of_many_at_once_one_is_first(world: World) -> None:
    """Whoever's commit it is."""
    answers = await asyncio.gather(*(_publish(world, str(number), True) for number in range(200)))
    assert sum(len(answer.followers) for answer in answers) == 1


async def test_a_tenants_sets_go_with_it(world: World) -> None:
    """Nobody who gets its id gets them."""
    await _publish(world, "h", True)
    await world.store.delete_tenant("demo", 1)
    await world.add_tenant("demo")
    assert (await _publish(world, "i", True)).followers


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.booleans()), max_size=12))
async def test_sets_behave_as_sets(world: World, steps: list[tuple[str, str, bool]]) -> None:
    """What begins and what ends is what Python's own sets say, all in one batch."""
    model: dict[str, set[str]] = {"a": set(), "b": set()}
    expected = []
    run = world.ids.new("run")
    for subject, member, joins in steps:
        before = bool(model[subject])
        (model[subject].add if joins else model[subject].discard)(member)
        expected.append(bool(model[subject]) is not before)
    changes = [_change(member, joins, run + subject) for subject, member, joins in steps]
    answers = await world.store.ingest([_with(world, _follower(world, change)) for change in changes])
    assert [bool(answer.followers) for answer in answers] == expected
