"""Stores the contract is proved on: memory, a real Redis, and both driven as one. Time moves only when told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from redis.asyncio import Redis, RedisCluster

from bot.core.addresses import LaneId
from bot.ports import Commit, Lease, LostLease, Parked, Put
from bot.storage.backlog import Backlog, LaneView, Totals
from bot.storage.journal import RedisJournal
from bot.storage.memory import MemoryBacklog, MemoryJournal, MemoryLanes
from bot.storage.redis import RedisBacklog, RedisLanes

LEASE = 10.0
START = 1_700_000_000.0


@dataclass
class ManualClock:
    """A clock that stands still."""

    time: float = START

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class MemoryStore:
    """Memory lanes with their clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.lanes = MemoryLanes(self.clock, LEASE)
        self.journal = MemoryJournal(self.lanes)
        self.backlog: Backlog = MemoryBacklog(self.lanes)

    async def now(self) -> float:
        return self.clock.now()

    async def advance(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def flush(self) -> None:
        self.lanes.flush()

    async def entries(self, partition: int) -> list[bytes]:
        return [stored.entry for stored in await self.journal.read(partition, "0-0", 10_000)]


class RedisStore:
    """Redis lanes; time is advanced by moving every stored time into the past."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.lanes = RedisLanes(client, lease_seconds=LEASE, holder="memory")
        self.journal = RedisJournal(client)
        self.backlog: Backlog = RedisBacklog(client)

    async def now(self) -> float:
        seconds, microseconds = await self.client.time()
        return float(seconds) + float(microseconds) / 1e6

    async def advance(self, seconds: float) -> None:
        shift = -round(seconds * 1000)
        for key in await self._all_keys():
            kind = await self.client.type(key)
            if kind == b"zset":
                members: Any = await self.client.zrange(key, 0, -1)
                for member in members:
                    await self.client.zincrby(key, shift, member)
            elif kind == b"hash" and await self.client.hexists(key, "until"):
                await self.client.hincrby(key, "until", shift)

    async def _all_keys(self) -> list[bytes]:
        if not isinstance(self.client, RedisCluster):
            return list(await self.client.keys("relais:*"))
        found = [await self.client.keys("relais:*", target_nodes=node) for node in self.client.get_primaries()]
        return [key for keys in found for key in keys]

    async def flush(self) -> None:
        await self.client.flushall()

    async def entries(self, partition: int) -> list[bytes]:
        return [stored.entry for stored in await self.journal.read(partition, "0-0", 10_000)]


class PairLanes:
    """Does everything in memory and on Redis, and insists on equal answers. Times differ and are not compared."""

    def __init__(self, memory: MemoryStore, redis: RedisStore) -> None:
        self._memory, self._redis = memory, redis
        self._twins: dict[tuple[LaneId, tuple[str, int]], Lease] = {}
        self._commits: dict[tuple[LaneId, tuple[str, int], Commit], Commit] = {}

    async def put(self, lane: LaneId, item_id: str, item: bytes) -> Put:
        mine = await self._memory.lanes.put(lane, item_id, item)
        assert await self._redis.lanes.put(lane, item_id, item) == mine
        return mine

    async def take(self, partition: int) -> Lease | None:
        mine = await self._memory.lanes.take(partition)
        theirs = await self._redis.lanes.take(partition)
        assert _shown(theirs) == _shown(mine)
        if mine is not None and theirs is not None:
            self._twins[mine.lane, mine.token] = theirs
        return mine

    async def renew(self, lease: Lease) -> Lease:
        twin = self._twins[lease.lane, lease.token]
        try:
            mine = await self._memory.lanes.renew(lease)
        except LostLease:
            await self._lost_too(self._redis.lanes.renew(twin))
            raise
        self._twins[lease.lane, lease.token] = await self._redis.lanes.renew(twin)
        return mine

    async def commit(self, lease: Lease, commit: Commit) -> None:
        twin, its_commit = self._twins[lease.lane, lease.token], await self._shifted(lease, commit)
        try:
            await self._memory.lanes.commit(lease, commit)
        except LostLease:
            await self._lost_too(self._redis.lanes.commit(twin, its_commit))
            raise
        await self._redis.lanes.commit(twin, its_commit)

    async def release(self, lease: Lease, due_in: float, failure: str | None = None) -> None:
        await self._memory.lanes.release(lease, due_in, failure)
        await self._redis.lanes.release(self._twins[lease.lane, lease.token], due_in, failure)

    async def forget_parked(self, lane: LaneId) -> None:
        await self._memory.lanes.forget_parked(lane)
        await self._redis.lanes.forget_parked(lane)

    async def forward(self, source: LaneId, target: LaneId) -> None:
        await self._memory.lanes.forward(source, target)
        await self._redis.lanes.forward(source, target)

    async def unforward(self, source: LaneId) -> None:
        await self._memory.lanes.unforward(source)
        await self._redis.lanes.unforward(source)

    async def resolve(self, lane: LaneId) -> LaneId:
        mine = await self._memory.lanes.resolve(lane)
        assert await self._redis.lanes.resolve(lane) == mine
        return mine

    async def peek(self, lane: LaneId) -> bytes | None:
        mine = await self._memory.lanes.peek(lane)
        assert await self._redis.lanes.peek(lane) == mine
        return mine

    async def remember(self, lane: LaneId, seen: Sequence[tuple[str, float]]) -> None:
        shift = await self._redis.now() - self._memory.clock.now()
        await self._memory.lanes.remember(lane, seen)
        await self._redis.lanes.remember(lane, [(item_id, at + shift) for item_id, at in seen])

    def wakeups(self) -> AsyncIterator[int]:
        return self._redis.lanes.wakeups()

    async def due_partitions(self) -> Sequence[int]:
        mine = await self._memory.lanes.due_partitions()
        assert list(await self._redis.lanes.due_partitions()) == list(mine)
        return mine

    async def _shifted(self, lease: Lease, commit: Commit) -> Commit:
        """The same commit, due equally far ahead on the other clock; a repeat is repeated as it was."""
        if commit.due_at is None:
            return commit
        key = (lease.lane, lease.token, commit)
        if key not in self._commits:
            due_at = await self._redis.now() + commit.due_at - self._memory.clock.now()
            self._commits[key] = replace(commit, due_at=due_at)
        return self._commits[key]

    @staticmethod
    async def _lost_too(call: Coroutine[Any, Any, object]) -> None:
        try:
            await call
        except LostLease:
            return
        raise AssertionError("memory lost the lease, Redis did not")


def _shown(lease: Lease | None) -> tuple[object, ...] | None:
    if lease is None:
        return None
    return lease.lane, lease.token[1], lease.state, lease.items, lease.attempts, lease.failure


class PairBacklog:
    """Looks at both, and insists on the same view but for the seconds."""

    def __init__(self, memory: MemoryStore, redis: RedisStore) -> None:
        self._memory, self._redis = memory, redis

    async def lanes(self, most: int) -> Sequence[LaneView]:
        mine, theirs = await self._memory.backlog.lanes(most), await self._redis.backlog.lanes(most)
        assert sorted(map(_timeless, theirs)) == sorted(map(_timeless, mine))
        return mine

    async def totals(self) -> Totals:
        mine, theirs = await self._memory.backlog.totals(), await self._redis.backlog.totals()
        assert (theirs.due, theirs.failing, theirs.parked) == (mine.due, mine.failing, mine.parked)
        return mine

    async def parked(self) -> Sequence[Parked]:
        mine = await self._memory.backlog.parked()
        assert await self._redis.backlog.parked() == mine
        return mine

    async def drop(self, parked: Parked) -> bool:
        mine = await self._memory.backlog.drop(parked)
        assert await self._redis.backlog.drop(parked) == mine
        return mine


def _timeless(view: LaneView) -> tuple[object, ...]:
    held, due = view.lease_left > 0, view.due_in <= 0
    return view.lane, view.waiting, view.oldest is None, view.holder or "", held, due, view.attempts, view.failure or ""


class PairStore:
    """Memory and Redis as one store."""

    def __init__(self, client: Redis) -> None:
        self.memory, self.redis = MemoryStore(), RedisStore(client)
        self.lanes = PairLanes(self.memory, self.redis)
        self.backlog: Backlog = PairBacklog(self.memory, self.redis)

    async def now(self) -> float:
        return await self.memory.now()

    async def advance(self, seconds: float) -> None:
        await self.memory.advance(seconds)
        await self.redis.advance(seconds)

    async def flush(self) -> None:
        await self.memory.flush()
        await self.redis.flush()

    async def entries(self, partition: int) -> list[bytes]:
        mine = await self.memory.entries(partition)
        assert await self.redis.entries(partition) == mine
        return mine


Store = MemoryStore | RedisStore | PairStore
