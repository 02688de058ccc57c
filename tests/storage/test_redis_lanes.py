"""What only a real server can show: lost answers, lost wake-ups, a crash between two steps, a server that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.core.addresses import LaneId, partition_of
from bot.ports import Commit, Lease, LostLease, Parked, ParkedKind, Unavailable
from bot.storage.forwarding import ForwardLoop
from bot.storage.redis import RedisLanes, connect
from tests.storage.proxies import Proxy
from tests.storage.stores import RedisStore

A = LaneId("01aaaaaaaaaaaaaaaaaa")
B = LaneId("02aaaaaaaaaaaaaaaaaa")
DAY = 86400.0


@pytest.fixture
def store(client: Redis) -> RedisStore:
    return RedisStore(client)


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(redis_url) as proxy:
        yield proxy


async def take(lanes: RedisLanes, lane: LaneId) -> Lease:
    lease = await lanes.take(partition_of(lane))
    assert lease is not None and lease.lane == lane
    return lease


async def test_a_commit_whose_answer_was_lost_is_known_to_be_done(store: RedisStore, proxy: Proxy) -> None:
    client = connect(proxy.url)
    lanes = RedisLanes(client)
    await lanes.put(A, "1", b"1")
    lease = await take(lanes, A)
    proxy.swallow = 1
    await lanes.commit(lease, Commit(b"s", ("1",), None, journal=b"entry"))
    assert await store.entries(partition_of(A)) == [b"entry"]
    await client.aclose()


async def test_a_commit_that_stays_unknown_can_be_repeated(store: RedisStore, proxy: Proxy) -> None:
    client = connect(proxy.url)
    lanes = RedisLanes(client)
    await lanes.put(A, "1", b"1")
    lease = await take(lanes, A)
    commit = Commit(b"s", ("1",), None, journal=b"entry")
    proxy.swallow = 2
    with pytest.raises(Unavailable):
        await lanes.commit(lease, commit)
    await lanes.commit(lease, commit)
    assert await store.entries(partition_of(A)) == [b"entry"]
    await client.aclose()


async def test_a_put_whose_answer_was_lost_is_not_repeated_by_the_client(
    store: RedisStore, proxy: Proxy
) -> None:
    client = connect(proxy.url)
    lanes = RedisLanes(client)
    assert (await lanes.put(A, "0", b"0")).fresh
    proxy.swallow = 1
    with pytest.raises(Unavailable):
        await lanes.put(A, "1", b"1")
    assert proxy.swallow == 0
    assert not (await lanes.put(A, "1", b"1")).fresh
    assert [name for name, _ in (await take(lanes, A)).items] == ["0", "1"]
    await client.aclose()


async def test_everything_says_unavailable_when_redis_is_gone() -> None:
    lanes = RedisLanes("redis://127.0.0.1:1/0")
    lease = Lease(A, ("g", 1), 0.0, 0.0, None, ())
    calls = [
        lanes.put(A, "1", b"1"),
        lanes.take(1),
        lanes.renew(lease),
        lanes.commit(lease, Commit(b"", (), None)),
        lanes.release(lease, 0.0),
        lanes.forward(A, B),
        lanes.unforward(A),
        lanes.resolve(A),
        lanes.peek(A),
        lanes.due_partitions(),
        lanes.forget_parked(A),
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(calls)
    await lanes.close()


async def test_a_server_that_forgot_the_scripts_gets_them_again(store: RedisStore) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.client.script_flush()
    assert (await store.lanes.put(A, "2", b"2")).fresh
    assert len((await take(store.lanes, A)).items) == 2


async def test_every_key_of_a_lane_lies_in_its_partition(store: RedisStore) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes.put(A, "2", b"2")
    lease = await take(store.lanes, A)
    parked = Parked(A, "1", b"1", ParkedKind.ITEM, "x", 5, 0.0)
    await store.lanes.commit(lease, Commit(b"s", ("1",), None, journal=b"entry", parked=(parked,)))
    await take(store.lanes, A)
    names = [str(name, "ascii").split(":") for name in await store.client.keys("*")]  # type: ignore[arg-type]
    kinds = sorted({kind for _, _, kind, *_ in names})
    assert kinds == ["due", "fence", "generation", "inbox", "items", "journal", "lane", "park", "seen", "tries"]
    assert {tag for _, tag, *_ in names} == {"{p01}"}


async def test_another_prefix_sees_nothing(store: RedisStore) -> None:
    await store.lanes.put(A, "1", b"1")
    drill = RedisLanes(store.client, prefix="drill:")
    assert await drill.take(partition_of(A)) is None
    assert (await drill.put(A, "1", b"1")).fresh


async def test_a_short_lease_ends_by_the_servers_clock(client: Redis) -> None:
    lanes = RedisLanes(client, lease_seconds=0.05)
    await lanes.put(A, "1", b"1")
    first = await take(lanes, A)
    assert first.until - first.now == pytest.approx(0.05, abs=0.001)
    await asyncio.sleep(0.06)
    second = await take(lanes, A)
    assert second.token[1] == first.token[1] + 1
    with pytest.raises(LostLease):
        await lanes.commit(first, Commit(b"", (), None))


async def test_rival_workers_never_hold_one_lane_together(client: Redis) -> None:
    lanes = RedisLanes(client)
    names = [LaneId(f"01{number:018x}") for number in range(20)]
    for lane in names:
        await lanes.put(lane, "1", b"1")
    leases = await asyncio.gather(*(lanes.take(1) for _ in range(40)))
    held = [lease.lane for lease in leases if lease is not None]
    assert len(held) == len(set(held)) > 0
    while (lease := await lanes.take(1)) is not None:
        held.append(lease.lane)
    assert sorted(held) == names


async def test_put_and_commit_wake_who_listens(store: RedisStore) -> None:
    heard: asyncio.Queue[int] = asyncio.Queue()
    listening = asyncio.create_task(listen(store.lanes, heard))
    await listeners(store.client, 1)
    await store.lanes.put(A, "1", b"1")
    assert await asyncio.wait_for(heard.get(), 5) == partition_of(A)
    lease = await take(store.lanes, A)
    await store.lanes.put(A, "2", b"2")
    await store.lanes.commit(lease, Commit(b"s", ("1",), None))
    assert await asyncio.wait_for(heard.get(), 5) == partition_of(A)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_listening_goes_on_after_the_connection_broke(store: RedisStore, proxy: Proxy) -> None:
    client = connect(proxy.url)
    heard: asyncio.Queue[int] = asyncio.Queue()
    listening = asyncio.create_task(listen(RedisLanes(client), heard))
    await listeners(store.client, 1)
    proxy.cut()
    await listeners(store.client, 0)
    await store.lanes.put(A, "lost", b"")
    await listeners(store.client, 1)
    await store.lanes.put(B, "heard", b"")
    assert await asyncio.wait_for(heard.get(), 5) == partition_of(B)
    assert list(await store.lanes.due_partitions()) == [partition_of(A), partition_of(B)]
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await client.aclose()


async def listen(lanes: RedisLanes, heard: asyncio.Queue[int]) -> None:
    async for partition in lanes.wakeups():
        heard.put_nowait(partition)


async def listeners(client: Redis, count: int) -> None:
    """Wait until so many subscribe."""
    async with asyncio.timeout(5):
        while (await client.pubsub_numsub("relais:wake"))[0][1] != count:
            await asyncio.sleep(0.005)


async def test_a_forward_cut_short_before_anything_travelled_is_finished_by_any_worker(
    store: RedisStore,
) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes._announce(A, B)
    assert (await store.lanes.put(A, "2", b"2")).lane == A
    assert await store.lanes.take(partition_of(A)) is None
    assert [name for name, _ in (await take(store.lanes, B)).items] == ["1", "2"]
    assert (await store.lanes.put(A, "3", b"3")).lane == B


async def test_a_forward_cut_short_between_its_steps_doubles_nothing(store: RedisStore) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes._announce(A, B)
    await store.lanes._carry(B, [b"1"], [b"1"], [])
    lease = await take(store.lanes, B)
    await store.lanes.commit(lease, Commit(b"s", ("1",), None))
    await store.lanes.put(A, "2", b"2")
    assert await store.lanes.take(partition_of(A)) is None
    assert [name for name, _ in (await take(store.lanes, B)).items] == ["2"]


async def test_a_forward_is_not_finished_over_what_came_between_its_steps(store: RedisStore) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.lanes._announce(A, B)
    await store.lanes._carry(B, [b"1"], [b"1"], [])
    await store.lanes.put(A, "2", b"2")
    assert not await store.lanes._settle(A, B.encode(), [b"1"])
    assert await store.lanes.take(partition_of(A)) is None
    assert [name for name, _ in (await take(store.lanes, B)).items] == ["1", "2"]


@pytest.mark.parametrize("used", [True, False])
async def test_two_lanes_linked_to_each_other_at_once_do_not_stop_the_partition(store: RedisStore, used: bool) -> None:
    for lane in (A, B):
        if used:
            await store.lanes.put(lane, "0", b"0")
            lease = await take(store.lanes, lane)
            await store.lanes.commit(lease, Commit(b"state", ("0",), due_at=None))
    await store.lanes._announce(A, B)
    await store.lanes._announce(B, A)
    with pytest.raises(ForwardLoop):
        await store.lanes.resolve(A)
    for lane in (A, B):
        if lease := await store.lanes.take(partition_of(lane)):
            await store.lanes.release(lease, due_in=0)
    landed = await store.lanes.put(B, "1", b"1")
    assert (await take(store.lanes, landed.lane)).items == (("1", b"1"),)
    assert await store.lanes.resolve(B) == landed.lane


async def test_a_lane_never_used_moves_at_once_and_wakes_nobody(store: RedisStore) -> None:
    assert not await store.lanes._announce(A, B)
    assert await store.lanes.due_partitions() == []
    assert (await store.lanes.put(A, "1", b"1")).lane == B


async def test_old_seen_ids_go_out_in_bounded_portions(store: RedisStore) -> None:
    for number in range(100):
        await store.lanes.put(A, f"old-{number}", b"")
    await store.advance(9 * DAY)
    seen = f"relais:{{p01}}:seen:{A}"
    await store.lanes.put(A, "new-1", b"")
    assert await store.client.zcard(seen) == 100 - 64 + 1
    await store.lanes.put(A, "new-2", b"")
    assert await store.client.zcard(seen) == 2
    assert 0 < await store.client.pttl(seen) <= 8 * DAY * 1000


async def test_a_full_redis_is_unavailable_and_writes_nothing(store: RedisStore) -> None:
    await store.lanes.put(A, "1", b"1")
    await store.client.config_set("maxmemory", "1")
    try:
        with pytest.raises(Unavailable):
            await store.lanes.put(A, "2", b"2")
    finally:
        await store.client.config_set("maxmemory", "0")
    assert [name for name, _ in (await take(store.lanes, A)).items] == ["1"]
