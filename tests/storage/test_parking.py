"""Attempts are counted where a crash cannot forget them, what is parked is kept, and the operator sees both."""

from __future__ import annotations

from bot.core.addresses import LaneId, partition_of
from bot.ports import Commit, Lease, Parked, ParkedKind
from tests.storage.stores import LEASE, Store

A = LaneId("01aaaaaaaaaaaaaaaaaa")
B = LaneId("02aaaaaaaaaaaaaaaaaa")


async def take(store: Store, lane: LaneId = A) -> Lease:
    lease = await store.lanes.take(partition_of(lane))
    assert lease is not None and lease.lane == lane
    return lease


def parked(lane: LaneId = A, name: str = "1", at: float = 5.0) -> Parked:
    return Parked(lane, name, b"\n\xff{", ParkedKind.UNREADABLE, "CodecError", 5, at)


async def test_takes_are_counted_until_the_lane_is_given_back(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes.release(await take(store), 0.0, "KeyError at x.py:3")
    lease = await take(store)
    assert (lease.attempts, lease.failure) == (2, "KeyError at x.py:3")
    await store.advance(LEASE + 1)
    lease = await take(store)
    assert lease.attempts == 3, "an attempt that killed its worker counts"
    await store.lanes.commit(lease, Commit(b"s", (), None))
    lease = await take(store)
    assert (lease.attempts, lease.failure) == (1, None)


async def test_only_a_commit_that_gives_the_lane_back_ends_the_count(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store)
    await store.lanes.commit(lease, Commit(b"s", (), lease.now, release=False))
    await store.lanes.release(lease, 0.0, "ValueError")
    lease = await take(store)
    assert lease.attempts == 2
    await store.lanes.commit(lease, Commit(b"s", (), lease.now, release=False))
    await store.lanes.commit(lease, Commit(b"s", (), lease.now))
    assert (await take(store)).attempts == 1


async def test_who_gives_a_lane_back_without_a_failure_did_not_try(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    for _ in range(3):
        lease = await take(store)
        assert lease.attempts == 1
        await store.lanes.release(lease, 0.0)


async def test_what_comes_meanwhile_does_not_hurry_a_lane_that_fails(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store)
    await store.lanes.put(A, "2", b"2")
    await store.lanes.release(lease, 30.0, "ValueError")
    assert await store.lanes.take(partition_of(A)) is None
    await store.advance(31)
    assert (await take(store)).attempts == 2


async def test_parking_removes_from_the_inbox_in_the_same_step(store: Store) -> None:
    for name in ("1", "2"):
        await store.lanes.put(A, name, name.encode())
    lease = await take(store)
    await store.lanes.commit(lease, Commit(b"s", ("1",), None, parked=(parked(),)))
    assert await store.backlog.parked() == [parked()]
    assert [name for name, _ in (await take(store)).items] == ["2"]


async def test_parked_items_are_listed_by_age_and_dropped_once(store: Store) -> None:
    for lane, at in ((A, 7.0), (B, 3.0)):
        await store.lanes.put(lane, "1", b"1")
        await store.lanes.commit(await take(store, lane), Commit(b"s", ("1",), None, parked=(parked(lane, at=at),)))
    assert [each.lane for each in await store.backlog.parked()] == [B, A]
    assert (await store.backlog.totals()).parked == 2
    assert [await store.backlog.drop(parked(B)) for _ in range(2)] == [True, False]
    assert [each.lane for each in await store.backlog.parked()] == [A]


async def test_what_is_parked_of_one_lane_is_forgotten_with_its_shopper(store: Store) -> None:
    for lane in (A, B):
        await store.lanes.put(lane, "1", b"1")
        both = (parked(lane, "1"), parked(lane, "2"))
        await store.lanes.commit(await take(store, lane), Commit(b"s", ("1",), None, parked=both))
    for _ in range(2):
        await store.lanes.forget_parked(A)
    assert {each.lane for each in await store.backlog.parked()} == {B}


async def test_a_commit_done_twice_parks_once(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease, commit = await take(store), Commit(b"s", ("1",), None, parked=(parked(),))
    await store.lanes.commit(lease, commit)
    await store.backlog.drop(parked())
    await store.lanes.commit(lease, commit)
    assert await store.backlog.parked() == []


async def test_the_operator_sees_backlog_holder_and_failure(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes.put(A, "2", b"2")
    await store.advance(30)
    [view] = await store.backlog.lanes(10)
    assert (view.lane, view.waiting, view.holder, view.attempts, view.failure) == (A, 2, None, 0, None)
    assert view.oldest is not None and 29 < view.oldest < 130 and -130 < view.due_in < -29

    lease = await take(store)
    [view] = await store.backlog.lanes(10)
    assert view.holder is not None and 0 < view.lease_left <= LEASE and view.attempts == 1

    await store.lanes.release(lease, 60.0, "ValueError at x.py:3")
    await store.advance(61)
    await take(store)
    [view] = await store.backlog.lanes(10)
    assert (view.attempts, view.failure) == (2, "ValueError at x.py:3")
    totals = await store.backlog.totals()
    assert (totals.due, totals.failing) == (0, 1)


async def test_a_lane_that_only_waits_for_a_deadline_is_not_backlog(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store)
    await store.lanes.commit(lease, Commit(b"s", ("1",), lease.now + 600))
    assert await store.backlog.lanes(10) == []
    await store.advance(700)
    assert [view.lane for view in await store.backlog.lanes(10)] == [A]
    assert (await store.backlog.totals()).due == 1
    # Redis' own clock goes on while the test runs, however slowly.
    assert 99 < (await store.backlog.totals()).late < 200


async def test_a_lane_that_moved_takes_no_count_along(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes.release(await take(store), 0.0, "ValueError")
    await store.lanes.release(await take(store), 0.0, "ValueError")
    await store.lanes.forward(A, B)
    assert (await store.backlog.totals()).failing == 0
    assert (await take(store, B)).attempts == 1
