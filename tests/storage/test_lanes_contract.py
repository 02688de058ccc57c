"""What every store of lanes promises: on memory, on Redis, and on both at once with equal answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.addresses import LaneId, partition_of
from bot.ports import Commit, Lease, LostLease
from bot.storage.forwarding import ForwardLoop
from tests.storage.stores import LEASE, Store

A = LaneId("01aaaaaaaaaaaaaaaaaa")
A2 = LaneId("01bbbbbbbbbbbbbbbbbb")
B = LaneId("02aaaaaaaaaaaaaaaaaa")
C = LaneId("03aaaaaaaaaaaaaaaaaa")
DAY = 86400.0


async def take(store: Store, lane: LaneId) -> Lease:
    lease = await store.lanes.take(partition_of(lane))
    assert lease is not None and lease.lane == lane
    return lease


def ids(lease: Lease) -> list[str]:
    return [item_id for item_id, _ in lease.items]


def done(lease: Lease, state: bytes = b"s", due_at: float | None = None) -> Commit:
    return Commit(state=state, handled=tuple(ids(lease)), due_at=due_at)


async def test_what_was_put_is_taken_in_order(store: Store) -> None:
    for name in ("1", "2", "3"):
        assert (await store.lanes.put(A, name, name.encode())).fresh
    assert (await take(store, A)).items == (("1", b"1"), ("2", b"2"), ("3", b"3"))


async def test_a_repeat_is_dropped_also_after_it_was_handled(store: Store) -> None:
    await store.lanes.put(A, "1", b"first")
    assert not (await store.lanes.put(A, "1", b"again")).fresh
    lease = await take(store, A)
    await store.lanes.commit(lease, done(lease))
    assert not (await store.lanes.put(A, "1", b"later")).fresh
    assert await store.lanes.take(partition_of(A)) is None


async def test_an_empty_state_leaves_no_record_and_no_work(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.lanes.commit(lease, done(lease, state=b"known"))
    assert await store.lanes.peek(A) == b"known"
    await store.lanes.put(A, "2", b"2")
    lease = await take(store, A)
    await store.lanes.commit(lease, done(lease, state=b""))
    assert await store.lanes.peek(A) is None
    assert await store.lanes.take(partition_of(A)) is None
    assert not (await store.lanes.put(A, "2", b"again")).fresh
    await store.lanes.put(A, "3", b"3")
    assert (await take(store, A)).state is None


async def test_a_seen_id_is_forgotten_after_eight_days(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.lanes.commit(lease, done(lease))
    await store.advance(8 * DAY - 60)
    assert not (await store.lanes.put(A, "1", b"1")).fresh
    await store.advance(120)
    assert (await store.lanes.put(A, "1", b"1")).fresh


async def test_an_item_that_still_waits_is_not_put_twice_however_old(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.advance(9 * DAY)
    assert not (await store.lanes.put(A, "1", b"1")).fresh
    assert ids(await take(store, A)) == ["1"]


async def test_nobody_takes_a_lane_that_is_held(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await take(store, A)
    await store.advance(LEASE - 1)
    assert await store.lanes.take(partition_of(A)) is None


async def test_a_dead_workers_lane_comes_back_with_its_items(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await take(store, A)
    await store.advance(LEASE + 1)
    assert ids(await take(store, A)) == ["1"]


async def test_the_lane_due_longest_is_taken_first(store: Store) -> None:
    await store.lanes.put(A2, "1", b"1")
    await store.advance(1)
    await store.lanes.put(A, "1", b"1")
    assert (await take(store, A2)).lane == A2
    assert (await take(store, A)).lane == A


async def test_a_commit_writes_state_and_removes_what_was_handled(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    assert lease.state is None
    await store.lanes.commit(lease, done(lease, b"state"))
    assert await store.lanes.peek(A) == b"state"
    assert list(await store.lanes.due_partitions()) == []


async def test_items_left_over_make_a_lane_due_at_once(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes.put(A, "2", b"2")
    lease = await take(store, A)
    await store.lanes.commit(lease, Commit(b"s", ("1",), due_at=lease.now + 60))
    assert ids(await take(store, A)) == ["2"]


async def test_a_due_time_wakes_a_lane_without_items(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.lanes.commit(lease, done(lease, due_at=lease.now + 60))
    await store.advance(58)
    assert await store.lanes.take(partition_of(A)) is None
    await store.advance(4)
    assert ids(await take(store, A)) == []


async def test_a_put_brings_a_later_due_time_forward(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.lanes.commit(lease, done(lease, due_at=lease.now + 60))
    await store.lanes.put(A, "2", b"2")
    assert ids(await take(store, A)) == ["2"]


async def test_a_commit_can_keep_the_lease_for_the_next_step(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.advance(LEASE - 1)
    await store.lanes.commit(lease, replace(done(lease, b"half"), release=False))
    await store.advance(LEASE - 1)
    assert await store.lanes.take(partition_of(A)) is None
    await store.lanes.commit(lease, Commit(b"whole", (), None))
    assert await store.lanes.peek(A) == b"whole"


async def test_what_comes_while_a_lane_is_held_is_due_after_the_commit(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.lanes.put(A, "2", b"2")
    assert list(await store.lanes.due_partitions()) == []
    await store.lanes.commit(lease, done(lease, due_at=lease.now + 60))
    assert list(await store.lanes.due_partitions()) == [partition_of(A)]
    assert ids(await take(store, A)) == ["2"]


async def test_a_release_waits_unless_something_came(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes.release(await take(store, A), due_in=30)
    assert await store.lanes.take(partition_of(A)) is None
    await store.advance(31)
    lease = await take(store, A)
    await store.lanes.put(A, "2", b"2")
    await store.lanes.release(lease, due_in=30)
    assert ids(await take(store, A)) == ["1", "2"]


async def test_what_the_last_holder_missed_does_not_hurry_the_next_ones_release(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await take(store, A)
    await store.lanes.put(A, "2", b"2")
    await store.advance(LEASE + 1)
    await store.lanes.release(await take(store, A), due_in=30)
    assert await store.lanes.take(partition_of(A)) is None


async def test_a_stale_commit_is_refused_and_writes_nothing(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    stale = await take(store, A)
    await store.advance(LEASE + 1)
    present = await take(store, A)
    with pytest.raises(LostLease):
        await store.lanes.commit(stale, done(stale, b"stale"))
    with pytest.raises(LostLease):
        await store.lanes.renew(stale)
    await store.lanes.release(stale, due_in=0)
    assert await store.lanes.peek(A) is None
    assert await store.lanes.take(partition_of(A)) is None
    await store.lanes.commit(present, done(present, b"present"))
    assert await store.lanes.peek(A) == b"present"


async def test_a_token_from_before_an_empty_store_fits_nothing(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    old = await take(store, A)
    await store.flush()
    await store.lanes.put(A, "1", b"1")
    new = await take(store, A)
    assert new.token[1] == old.token[1]
    with pytest.raises(LostLease):
        await store.lanes.commit(old, done(old, b"old"))
    await store.lanes.commit(new, done(new, b"new"))


async def test_a_repeated_commit_is_done_once_and_no_error(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    commit = replace(done(lease, due_at=lease.now + 60), journal=b"entry")
    await store.lanes.commit(lease, commit)
    await store.lanes.commit(lease, commit)
    assert await store.entries(partition_of(A)) == [b"entry"]
    with pytest.raises(LostLease):
        await store.lanes.commit(lease, replace(commit, state=b"other"))


async def test_a_repeated_commit_does_not_touch_the_next_holders_lease(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.lanes.put(A, "2", b"2")
    await store.lanes.commit(lease, done(lease))
    following = await take(store, A)
    await store.lanes.commit(lease, done(lease))
    assert await store.lanes.take(partition_of(A)) is None
    await store.lanes.commit(following, done(following, b"next"))
    with pytest.raises(LostLease):
        await store.lanes.commit(lease, done(lease))
    assert await store.lanes.peek(A) == b"next"


async def test_a_renewed_lease_lasts_a_whole_lease_longer(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.advance(LEASE - 1)
    lease = await store.lanes.renew(lease)
    assert lease.until - lease.now == pytest.approx(LEASE)
    await store.advance(LEASE - 1)
    assert await store.lanes.take(partition_of(A)) is None


async def test_each_commit_adds_its_journal_entry_in_order(store: Store) -> None:
    for name in (b"1", b"2"):
        await store.lanes.put(A, name.decode(), name)
        lease = await take(store, A)
        await store.lanes.commit(lease, replace(done(lease), journal=name))
    assert await store.entries(partition_of(A)) == [b"1", b"2"]


async def test_a_forwarded_lane_sends_items_on_and_knows_what_was_seen(store: Store) -> None:
    await store.lanes.put(A, "handled", b"h")
    lease = await take(store, A)
    await store.lanes.commit(lease, done(lease))
    await store.lanes.put(A, "waiting", b"w")
    await store.lanes.forward(A, B)
    assert await store.lanes.resolve(A) == B
    assert (await store.lanes.put(A, "new", b"n")).lane == B
    for known in ("handled", "waiting", "new"):
        assert not (await store.lanes.put(A, known, b"")).fresh
        assert not (await store.lanes.put(B, known, b"")).fresh
    assert (await take(store, B)).items == (("waiting", b"w"), ("new", b"n"))
    assert await store.lanes.take(partition_of(A)) is None


async def test_a_forward_drops_what_the_target_has_seen(store: Store) -> None:
    await store.lanes.put(A, "both", b"a")
    await store.lanes.put(B, "both", b"b")
    await store.lanes.forward(A, B)
    assert (await take(store, B)).items == (("both", b"b"),)


async def test_a_forward_done_twice_is_the_same(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes.forward(A, B)
    await store.lanes.forward(A, B)
    assert ids(await take(store, B)) == ["1"]
    assert list(await store.lanes.due_partitions()) == []


async def test_a_forwarded_lane_follows_its_target_further(store: Store) -> None:
    await store.lanes.forward(A, B)
    await store.lanes.put(B, "1", b"1")
    await store.lanes.forward(B, C)
    assert (await store.lanes.put(A, "2", b"2")).lane == C
    assert ids(await take(store, C)) == ["1", "2"]


async def test_forwards_in_a_circle_are_refused(store: Store) -> None:
    await store.lanes.forward(A, B)
    with pytest.raises(ForwardLoop):
        await store.lanes.forward(B, A)
    with pytest.raises(ForwardLoop):
        await store.lanes.forward(C, C)
    assert (await store.lanes.put(A, "1", b"1")).lane == B


async def test_an_unforwarded_lane_stands_for_itself(store: Store) -> None:
    await store.lanes.forward(A, B)
    await store.lanes.unforward(A)
    await store.lanes.unforward(A)
    assert await store.lanes.resolve(A) == A
    assert (await store.lanes.put(A, "1", b"1")).lane == A
    assert ids(await take(store, A)) == ["1"]


async def test_a_held_lane_moves_when_it_is_let_go_and_nothing_is_handled_twice(store: Store) -> None:
    await store.lanes.put(A, "in hand", b"1")
    lease = await take(store, A)
    await store.lanes.forward(A, B)
    await store.lanes.put(A, "after", b"2")
    assert await store.lanes.take(partition_of(B)) is None
    await store.lanes.commit(lease, done(lease))
    assert await store.lanes.take(partition_of(A)) is None
    assert ids(await take(store, B)) == ["after"]
    assert not (await store.lanes.put(A, "in hand", b"1")).fresh


async def test_a_forwarded_lane_moves_on_when_its_holder_dies(store: Store) -> None:
    await store.lanes.put(A, "1", b"1")
    lease = await take(store, A)
    await store.lanes.forward(A, B)
    await store.advance(LEASE + 1)
    assert await store.lanes.take(partition_of(A)) is None
    assert ids(await take(store, B)) == ["1"]
    with pytest.raises(LostLease):
        await store.lanes.commit(lease, done(lease))


async def test_due_partitions_names_each_that_holds_work(store: Store) -> None:
    assert list(await store.lanes.due_partitions()) == []
    for lane in (A, C):
        await store.lanes.put(lane, "1", b"1")
    assert list(await store.lanes.due_partitions()) == [partition_of(A), partition_of(C)]


async def test_a_flood_is_handed_out_in_portions_and_in_order(store: Store) -> None:
    names = [str(number) for number in range(600)]
    for name in names:
        await store.lanes.put(A, name, b"")
    handled: list[str] = []
    for _ in range(3):
        lease = await take(store, A)
        handled += ids(lease)
        await store.lanes.commit(lease, done(lease))
    assert handled == names


async def test_a_long_lane_travels_whole(store: Store) -> None:
    names = [str(number) for number in range(1200)]
    for name in names[:600]:
        await store.lanes.put(A, name, b"")
    lease = await take(store, A)
    await store.lanes.commit(lease, done(lease))
    for name in names[600:]:
        await store.lanes.put(A, name, b"")
    await store.lanes.forward(A, B)
    travelled: list[str] = []
    while portion := await store.lanes.take(partition_of(B)):
        travelled += ids(portion)
        await store.lanes.commit(portion, done(portion))
    assert travelled == names[256:]
    assert not any([(await store.lanes.put(B, name, b"")).fresh for name in names])


async def test_what_is_remembered_counts_as_seen(store: Store) -> None:
    now = await store.now()
    await store.lanes.remember(A, [("old", now - 9 * DAY), ("1", now - DAY), ("2", now)])
    await store.lanes.remember(A, [("1", now - DAY)])
    assert list(await store.lanes.due_partitions()) == []
    puts = [await store.lanes.put(A, item_id, b"x") for item_id in ("1", "2", "3", "old")]
    assert [put.fresh for put in puts] == [False, False, True, True]
    await store.advance(7.5 * DAY)
    assert (await store.lanes.put(A, "1", b"x")).fresh
    assert not (await store.lanes.put(A, "2", b"x")).fresh


async def test_what_is_remembered_follows_a_forward(store: Store) -> None:
    await store.lanes.forward(A, B)
    await store.lanes.remember(A, [("1", await store.now())])
    assert not (await store.lanes.put(B, "1", b"x")).fresh


async def test_a_lease_says_whether_others_of_its_partition_are_due(store: Store) -> None:
    other = LaneId(f"{A[:2]}ffffffffffffffffff")
    assert partition_of(other) == partition_of(A)
    await store.lanes.put(A, "1", b"1")
    await store.lanes.put(other, "1", b"1")
    first, second = await store.lanes.take(partition_of(A)), await store.lanes.take(partition_of(A))
    assert first is not None and second is not None
    assert (first.others, second.others) == (True, False)
