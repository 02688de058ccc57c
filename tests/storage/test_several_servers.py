"""Relais on a cluster and behind Sentinel: everything it keeps there works, and a master may die under load."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis.asyncio import RedisCluster

from bot.core.addresses import PARTITIONS, ChannelName, LaneId, ShopId, partition_of
from bot.core.health import Evidence, Kind
from bot.ports import Commit, LostLease, Unavailable
from bot.storage.redis import (
    Level,
    RedisHealthBoard,
    RedisJournal,
    RedisLanes,
    RedisLeases,
    RedisLimits,
    RedisLosses,
    RedisMeter,
    connect,
    durability,
)
from bot.storage.surprises import RedisSurprises
from tests.storage.servers import cluster, watched

SHOP = ShopId("awa")
FELT = (Unavailable, TypeError)
"""Python 3.12's own loop has a TypeError for who writes to a connection that was lost just now; uvloop, on which
gateway and worker run, has not."""
LANES = [LaneId(f"{partition:02x}{'a' * 18}") for partition in range(PARTITIONS)]


async def test_everything_is_kept_on_a_cluster(cluster_url: str) -> None:
    client = connect(cluster_url)
    await client.flushall()
    board, losses, leases = RedisHealthBoard(client), RedisLosses(client), RedisLeases(client)
    assert len(await losses.emptied()) == PARTITIONS
    await losses.whole(range(1, PARTITIONS))
    assert list(await losses.emptied()) == [0]
    await board.observe("account:1", Evidence(1000.0, Kind.FAULT, "someone", "63012"))
    await board.force(SHOP, ChannelName.SMS, "down", "test", 1000.0)
    assert set(await board.read(["account:1", "awa/sms"])) == {"account:1", "awa/sms"}
    token = await leases.acquire("projector", 5.0)
    assert token is not None
    assert await leases.renew("projector", token, 5.0)
    meter = RedisMeter(client)
    assert await meter.places("sms", 10.0, 2) == 2
    assert await meter.spend("sms", 35, 1000) == 0.0
    assert await RedisLimits(client).hit("key", 60) is not None
    await RedisSurprises(client).keep(SHOP, "whatsapp", b"?", "odd")
    journal = RedisJournal(client)
    await journal.begin_after(3, "5-0")
    assert await journal.read_all({}) == []
    await client.aclose()


async def test_a_wake_up_crosses_the_cluster(cluster_url: str) -> None:
    lanes = RedisLanes(cluster_url)
    heard: set[int] = set()

    async def listen() -> None:
        async for partition in lanes.wakeups():
            heard.add(partition)

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(20):
        number = 0
        while len(heard) < 16:
            number += 1
            for lane in LANES[::4]:
                await lanes.put(LaneId(f"{lane[:2]}{number:018x}"), "1", b"1")
            await asyncio.sleep(0.05)
    listening.cancel()
    await lanes.close()


async def test_the_weakest_master_says_how_durable_a_cluster_is(cluster_url: str) -> None:
    client = connect(cluster_url)
    assert isinstance(client, RedisCluster)
    assert (await durability(client)).level is Level.SECOND
    await client.initialize()
    weak = client.get_primaries()[1]
    await client.config_set("maxmemory-policy", "allkeys-lru", target_nodes=weak)
    try:
        assert "noeviction" in ((await durability(client)).complaint or "")
    finally:
        await client.config_set("maxmemory-policy", "noeviction", target_nodes=weak)
        await client.aclose()


@dataclass
class Load:
    """Puts into every partition and works them, as a gateway and a worker do. Each put is tried until acknowledged."""

    lanes: RedisLanes
    acknowledged: dict[str, float] = field(default_factory=dict)
    handled: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    async def put(self, number: int) -> None:
        item = f"item-{number}"
        while True:
            try:
                await self.lanes.put(LANES[number % PARTITIONS], item, b"x")
            except FELT:
                self.refused += 1
                await asyncio.sleep(0.05)
            else:
                self.acknowledged[item] = time.monotonic()
                return

    async def gateway(self, stop: asyncio.Event, first: int) -> None:
        number = first
        while not stop.is_set():
            await self.put(number)
            number += 4
            await asyncio.sleep(0.002)

    async def worker(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for partition in range(PARTITIONS):
                try:
                    await self._work(partition)
                except (*FELT, LostLease):
                    self.refused += 1
            await asyncio.sleep(0.01)

    async def _work(self, partition: int) -> None:
        lease = await self.lanes.take(partition)
        if lease is None:
            return
        ids = tuple(item_id for item_id, _ in lease.items)
        await self.lanes.commit(lease, Commit(b"state", ids, None, journal=b"entry"))
        self.handled.update(ids)


async def failover(
    url: str, kill: Callable[[], object], healed: Callable[[RedisLanes], Awaitable[bool]], what: str
) -> None:
    """Load, a death in the middle of it, load: what had been copied is handled, and all partitions go on."""
    load = Load(RedisLanes(connect(url)))
    stop = asyncio.Event()
    tasks = [asyncio.create_task(load.gateway(stop, first)) for first in range(4)]
    tasks += [asyncio.create_task(load.worker(stop)) for _ in range(2)]
    await asyncio.sleep(1.5)
    kill()
    killed = time.monotonic()
    async with asyncio.timeout(60):
        while not await healed(load.lanes):
            await asyncio.sleep(0.1)
        back = time.monotonic() - killed
    await asyncio.sleep(1.0)
    stop.set()
    await asyncio.gather(*tasks)
    end = asyncio.Event()
    rest = asyncio.create_task(load.worker(end))
    # Leases that died with their answers end after 10 s.
    lost: list[str] = []
    async with asyncio.timeout(30):
        while True:
            lost = [item for item in load.acknowledged if not load.handled[item]]
            if not lost or (not await _waiting(load.lanes) and time.monotonic() - killed > 14):
                break
            await asyncio.sleep(0.2)
    end.set()
    await rest
    await load.lanes.close()
    twice = sum(count > 1 for count in load.handled.values())
    print(
        f"\n{what}: back after {back:.1f} s; {len(load.acknowledged)} acknowledged, {len(lost)} of them lost, "
        f"{twice} handled twice, {load.refused} calls refused"
    )
    assert load.refused > 0, "the death was felt"
    copied = [item for item in lost if load.acknowledged[item] < killed - 1.0 or load.acknowledged[item] > killed + back]
    assert copied == []
    late = {partition_of(LANES[int(item[5:]) % PARTITIONS]) for item, at in load.acknowledged.items() if at > killed + back}
    assert len(late) == PARTITIONS


async def _waiting(lanes: RedisLanes) -> bool:
    return bool(await lanes.due_partitions())


async def _all_partitions_take(lanes: RedisLanes) -> bool:
    try:
        for lane in LANES:
            await lanes.put(lane, "probe", b"")
    except FELT:
        return False
    return True


@pytest.mark.timeout(120)
async def test_a_clusters_master_dies_under_load(tmp_path: Path) -> None:
    with cluster(tmp_path, replicas=1) as made:
        await failover(made.url, made.masters[1].kill, _all_partitions_take, "cluster")


# Seen with redis-py 8.1: some connections to a Sentinel outlive their client when a fail-over breaks in on them.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(120)
async def test_sentinel_puts_another_in_the_masters_place(tmp_path: Path) -> None:
    with watched(tmp_path) as made:
        await failover(made.url, made.master.kill, _all_partitions_take, "sentinel")
        gc.collect()
