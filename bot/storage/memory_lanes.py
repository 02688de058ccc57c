"""Lanes in one process's memory, with the caller's clock: for simulation and unit tests.

Proved equal to Redis by ``tests/storage``; written plainly, one dictionary a lane, so that it can be read as the
definition of what the scripts do.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.addresses import PARTITIONS, LaneId, partition_of
from bot.ports import Clock, Commit, Lease, LostLease, Parked, Put
from bot.storage.backlog import LaneView
from bot.storage.forwarding import MOVED, ForwardLoop, follow
from bot.storage.journal import START, Stored
from bot.storage.lanes import ITEMS_PER_LEASE, LEASE_SECONDS, SEEN_SECONDS, operation_id


@dataclass(slots=True)
class _Lane:
    state: bytes | None = None
    inbox: dict[str, bytes] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    token: tuple[str, int] | None = None
    until: float = 0.0
    knocked: bool = False
    operation: str | None = None
    forward: LaneId | None = None
    settled: bool = False
    tries: int = 0
    failure: str | None = None


class _Due:
    """Lanes of one partition by due time; the earliest without looking at the rest."""

    def __init__(self) -> None:
        self._at: dict[LaneId, float] = {}
        self._heap: list[tuple[float, LaneId]] = []

    def at(self, lane: LaneId) -> float | None:
        return self._at.get(lane)

    def set(self, lane: LaneId, at: float) -> None:
        self._at[lane] = at
        heapq.heappush(self._heap, (at, lane))

    def drop(self, lane: LaneId) -> None:
        self._at.pop(lane, None)

    def first(self, now: float) -> LaneId | None:
        while self._heap:
            at, lane = self._heap[0]
            if self._at.get(lane) == at:
                return lane if at <= now else None
            heapq.heappop(self._heap)
        return None


class MemoryLanes:
    """Lanes of one process. ``clock`` is the store's clock."""

    def __init__(
        self, clock: Clock, lease_seconds: float = LEASE_SECONDS, seen_seconds: float = SEEN_SECONDS
    ) -> None:
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._seen_seconds = seen_seconds
        self._generations = 0
        self._listeners: list[asyncio.Queue[int]] = []
        self.flush()

    def flush(self) -> None:
        """Lose everything, as an emptied Redis does: a new generation begins, and the counters start again."""
        self._generations += 1
        self._lanes: dict[LaneId, _Lane] = {}
        self._due = [_Due() for _ in range(PARTITIONS)]
        self._fences = [0] * PARTITIONS
        self.entries: list[list[Stored]] = [[] for _ in range(PARTITIONS)]
        self._entry_numbers = [0] * PARTITIONS
        self.whole: set[int] = set()
        self.park: dict[str, Parked] = {}

    async def close(self) -> None:
        """Nothing to close."""

    async def put(self, lane: LaneId, item_id: str, item: bytes) -> Put:
        async def at(here: LaneId) -> Any:
            record = self._record(here)
            if record.forward and record.settled:
                return MOVED, record.forward
            fresh = self._append(record, item_id, item)
            if fresh:
                self._knock(here, record)
            return int(fresh), None

        landed, answer = await follow(lane, at)
        return Put(landed, fresh=answer[0] == 1)

    async def take(self, partition: int) -> Lease | None:
        while (lane := self._next(partition)) is not None:
            record = self._record(lane)
            if record.forward is None:
                return self._leased(lane, record)
            self._due[partition].drop(lane)
            if not record.settled:
                await self._move(lane)
        return None

    async def renew(self, lease: Lease) -> Lease:
        self._extend(lease.lane, self._mine(lease))
        return replace(lease, until=self._record(lease.lane).until, now=self._clock.now())

    async def commit(self, lease: Lease, commit: Commit) -> None:
        record, operation = self._record(lease.lane), operation_id(lease, commit)
        repeated = record.operation == operation
        if record.token != lease.token:
            if repeated:
                return
            raise LostLease(lease.lane)
        if not repeated:
            for item_id in commit.handled:
                record.inbox.pop(item_id, None)
            record.state, record.operation = commit.state or None, operation
            self.park.update({parked.id: parked for parked in commit.parked})
            if commit.journal is not None:
                self._journal(partition_of(lease.lane), commit.journal)
        if not commit.release:
            self._extend(lease.lane, record)
            return
        record.tries, record.failure = 0, None
        unsettled = record.forward is not None and not record.settled
        self._let_go(lease.lane, record, self._clock.now() if record.inbox or unsettled else commit.due_at)

    async def release(self, lease: Lease, due_in: float, failure: str | None = None) -> None:
        record = self._record(lease.lane)
        if record.token != lease.token:
            return
        at_once = (record.knocked and not failure) or (record.forward is not None and not record.settled)
        record.failure = failure
        if not failure:
            record.tries = 0
        self._let_go(lease.lane, record, self._clock.now() + (0.0 if at_once else due_in))

    async def forward(self, source: LaneId, target: LaneId) -> None:
        if await self.resolve(target) == source:
            raise ForwardLoop(source)
        record = self._record(source)
        if record.forward == target and record.settled:
            return
        record.forward, record.settled = target, False
        self._knock(source, record)
        await self._move(source)

    async def unforward(self, source: LaneId) -> None:
        record = self._record(source)
        record.forward, record.settled = None, False

    async def resolve(self, lane: LaneId) -> LaneId:
        async def at(here: LaneId) -> Any:
            target = self._record(here).forward
            return (1, None) if target is None else (MOVED, target)

        landed, _ = await follow(lane, at)
        return landed

    async def peek(self, lane: LaneId) -> bytes | None:
        return self._record(lane).state

    async def remember(self, lane: LaneId, seen: Sequence[tuple[str, float]]) -> None:
        async def at(here: LaneId) -> Any:
            record = self._record(here)
            if record.forward and record.settled:
                return MOVED, record.forward
            self._know(record, seen)
            return 1, None

        await follow(lane, at)

    async def wakeups(self) -> AsyncIterator[int]:
        queue: asyncio.Queue[int] = asyncio.Queue()
        self._listeners.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.remove(queue)

    async def forget_parked(self, lane: LaneId) -> None:
        self.park = {name: parked for name, parked in self.park.items() if parked.lane != lane}

    async def due_partitions(self) -> Sequence[int]:
        return [partition for partition in range(PARTITIONS) if self._next(partition) is not None]

    def views(self) -> Iterator[LaneView]:
        """Every lane that is due, now or later."""
        now = self._clock.now()
        for lane, record in self._lanes.items():
            due = self._due[partition_of(lane)].at(lane)
            if due is None:
                continue
            held, first = self._held(record), next(iter(record.inbox), None)
            yield LaneView(
                lane=lane,
                waiting=len(record.inbox),
                oldest=now - record.seen[first] if first in record.seen else None,
                holder="memory" if held else None,
                lease_left=record.until - now if held else 0.0,
                due_in=due - now,
                attempts=record.tries,
                failure=record.failure,
            )

    def _record(self, lane: LaneId) -> _Lane:
        return self._lanes.setdefault(lane, _Lane())

    def _mine(self, lease: Lease) -> _Lane:
        record = self._record(lease.lane)
        if record.token != lease.token:
            raise LostLease(lease.lane)
        return record

    def _held(self, record: _Lane) -> bool:
        return record.token is not None and record.until > self._clock.now()

    def _next(self, partition: int) -> LaneId | None:
        return self._due[partition].first(self._clock.now())

    def _leased(self, lane: LaneId, record: _Lane) -> Lease:
        partition = partition_of(lane)
        self._fences[partition] += 1
        record.token = (f"memory-{self._generations}", self._fences[partition])
        record.knocked = False
        record.tries += 1
        now = self._clock.now()
        late = now - (self._due[partition].at(lane) or now)
        self._extend(lane, record)
        items = tuple(record.inbox.items())[:ITEMS_PER_LEASE]
        tries, failure = record.tries, record.failure
        return Lease(lane, record.token, record.until, now, record.state, items, tries, failure, late, self._next(partition) is not None)

    def _extend(self, lane: LaneId, record: _Lane) -> None:
        record.until = self._clock.now() + self._lease_seconds
        self._due[partition_of(lane)].set(lane, record.until)

    def _let_go(self, lane: LaneId, record: _Lane, at: float | None) -> None:
        record.token, record.knocked = None, False
        partition = partition_of(lane)
        if at is None:
            self._due[partition].drop(lane)
            return
        self._due[partition].set(lane, at)
        self._wake(partition, at)

    def _append(self, record: _Lane, item_id: str, item: bytes) -> bool:
        now = self._clock.now()
        cutoff = now - self._seen_seconds
        while record.seen and record.seen[oldest := next(iter(record.seen))] <= cutoff:
            del record.seen[oldest]
        if record.seen.get(item_id, cutoff) > cutoff:
            return False
        record.seen.pop(item_id, None)
        record.seen[item_id] = now
        if item_id in record.inbox:
            return False
        record.inbox[item_id] = item
        return True

    def _know(self, record: _Lane, seen: Sequence[tuple[str, float]]) -> None:
        """Ids in the order in which they came: the oldest are the first to be forgotten."""
        for item_id, at in seen:
            record.seen[item_id] = max(at, record.seen.get(item_id, at))
        record.seen = dict(sorted(record.seen.items(), key=lambda pair: pair[1]))

    def _knock(self, lane: LaneId, record: _Lane) -> None:
        if self._held(record):
            record.knocked = True
            return
        partition, now = partition_of(lane), self._clock.now()
        at = self._due[partition].at(lane)
        if at is None or at > now:
            self._due[partition].set(lane, now)
            self._wake(partition, now)

    def _wake(self, partition: int, at: float) -> None:
        if at <= self._clock.now():
            for queue in self._listeners:
                queue.put_nowait(partition)

    def _journal(self, partition: int, entry: bytes) -> None:
        self._entry_numbers[partition] += 1
        self.entries[partition].append(Stored(partition, f"{self._entry_numbers[partition]}-0", entry))

    async def _move(self, source: LaneId) -> None:
        record = self._record(source)
        if record.forward is None or self._held(record):
            return

        async def at(here: LaneId) -> Any:
            target = self._record(here)
            if target.forward and target.settled:
                return MOVED, target.forward
            self._know(target, [pair for pair in record.seen.items() if pair[0] not in record.inbox])
            fresh = [item_id for item_id, item in record.inbox.items() if self._append(target, item_id, item)]
            if fresh:
                self._knock(here, target)
            return 1, None

        await follow(record.forward, at)
        record.inbox.clear()
        record.settled, record.token, record.knocked = True, None, False
        record.tries, record.failure = 0, None
        self._due[partition_of(source)].drop(source)


class MemoryJournal:
    """The journal of ``MemoryLanes``."""

    def __init__(self, lanes: MemoryLanes) -> None:
        self._lanes = lanes

    async def read(self, partition: int, after_id: str, count: int) -> list[Stored]:
        entries = self._lanes.entries[partition]
        return [stored for stored in entries if _number(stored.id) > _number(after_id)][:count]

    async def read_all(self, after: Mapping[int, str], count: int = 64) -> list[Stored]:
        return [s for p in range(PARTITIONS) for s in await self.read(p, after.get(p, START), count)]

    async def begin_after(self, partition: int, entry_id: str) -> None:
        numbers = self._lanes._entry_numbers
        numbers[partition] = max(numbers[partition], _number(entry_id))

    async def trim(self, up_to: Mapping[int, str]) -> None:
        for partition, last in up_to.items():
            entries = self._lanes.entries[partition]
            entries[:] = [stored for stored in entries if _number(stored.id) > _number(last)]


def _number(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
